import { mkdirSync, readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import type { Components } from './components.ts';
import { type NodeFiles, nodeLock } from './node.ts';
import { noticesOf } from './notices.ts';
import { type ArchivedFile, tarOf } from './toolbox/archive.ts';

/** What an archive is made of. */
export interface Parts {
  /** dist/, or what is laid out like it. */
  readonly dist: string;
  readonly components: Components;
  /** The Node that goes into it; absent: it is for those who have Node. */
  readonly node?: NodeFiles;
}

/** What kubectl chaos is started by where Node is beside it. */
const starter = new URL('kubectl-chaos.sh', import.meta.url).pathname;

/** By their names: the modes of dist/ are as the builder's umask has made them. */
const isExecutable = (name: string) => /^(?:kubectl-chaos|kubectl_complete-chaos|nsexec-\w+)$/.test(name);

/** The tar archive of these parts; `work` is a directory for what is needed meanwhile, which it makes. */
export function tarOfParts({ dist, components, node }: Parts, work: string): Buffer {
  const files = readdirSync(dist).map((name) => ({ name, from: join(dist, name), executable: isExecutable(name) }));
  mkdirSync(work, { recursive: true });
  return tarOf(node ? withNode(files, components, node, work) : files, join(work, 'tree'));
}

/** The launcher makes room for the starter, and the notices also speak of Node. */
function withNode(
  files: readonly ArchivedFile[],
  components: Components,
  { node, licence }: NodeFiles,
  work: string,
): ArchivedFile[] {
  const notices = join(work, 'notices');
  const text = readFileSync(licence, 'utf8');
  const component = { name: 'Node.js', version: nodeLock.version, licence: "MIT, and its libraries' own", text };
  writeFileSync(notices, noticesOf(components, component));
  const moved = files
    .filter(({ name }) => name !== 'THIRD-PARTY-NOTICES')
    .map((file) => (file.name === 'kubectl-chaos' ? { ...file, name: 'launcher.cjs', executable: false } : file));
  return [
    ...moved,
    { name: 'kubectl-chaos', from: starter, executable: true },
    { name: 'node', from: node, executable: true },
    { name: 'THIRD-PARTY-NOTICES', from: notices, executable: false },
  ];
}
