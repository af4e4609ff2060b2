/**
 * Builds dist/: the plugin as one bundle, the shim and the toolboxes for both architectures, and what has to be said of others' work in them. The
 * same bytes come out whatever the environment is. build/components.json says what others' work there is.
 */
import { execFileSync } from 'node:child_process';
import { chmodSync, copyFileSync, mkdirSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { build } from 'esbuild';
import { completionScript } from '../src/cli/completion.ts';
import { bundleOptions } from './bundle.ts';
import { bundledComponents, type Components, muslComponent } from './components.ts';
import { keepPlacesOnly } from './environment.ts';
import { noticesOf } from './notices.ts';
import { buildToolboxes } from './toolbox/build.ts';

keepPlacesOnly();
const root = new URL('../', import.meta.url);
const path = (name: string) => new URL(name, root).pathname;
const { version } = JSON.parse(readFileSync(path('package.json'), 'utf8')) as { version: string };
/** The commit of this checkout; of sources that are no checkout, or lie in somebody else's: `unknown`. */
function commitOf(): string {
  try {
    const git = ['rev-parse', '--show-prefix', 'HEAD'];
    const said = execFileSync('git', git, { cwd: path(''), stdio: ['ignore', 'pipe', 'ignore'], encoding: 'utf8' });
    const [prefix, commit] = said.split('\n');
    return prefix === '' && commit ? commit : 'unknown';
  } catch {
    return 'unknown';
  }
}

rmSync(path('dist'), { recursive: true, force: true });
mkdirSync(path('dist'));
const { metafile } = await build({
  ...bundleOptions(path('src/bin.ts'), path('dist'), { version, commit: commitOf() }),
  absWorkingDir: path(''),
  metafile: true,
});
copyFileSync(path('krew/kubectl-chaos.cjs'), path('dist/kubectl-chaos'));
chmodSync(path('dist/kubectl-chaos'), 0o755);
writeFileSync(path('dist/kubectl_complete-chaos'), completionScript);
chmodSync(path('dist/kubectl_complete-chaos'), 0o755);
// The launcher has no extension: this says that it is CommonJS, wherever dist/ lies.
writeFileSync(path('dist/package.json'), '{"type":"commonjs"}\n');
copyFileSync(path('LICENSE'), path('dist/LICENSE'));

console.log('building the shim for amd64 and arm64');
execFileSync('make', ['-s', '-C', path('native'), `VERSION=${version}`], { stdio: 'inherit' });
for (const architecture of ['amd64', 'arm64']) {
  copyFileSync(path(`native/build/nsexec-${architecture}`), path(`dist/nsexec-${architecture}`));
  console.log(`dist/nsexec-${architecture}: ${statSync(path(`dist/nsexec-${architecture}`)).size} bytes`);
}

// musl is there by now: make installs what it lacks.
const components: Components = { bundled: bundledComponents(metafile, path('')), musl: muslComponent() };
writeFileSync(path('dist/THIRD-PARTY-NOTICES'), noticesOf(components));
mkdirSync(path('build'), { recursive: true });
writeFileSync(path('build/components.json'), `${JSON.stringify(components)}\n`);

for (const { file, bytes } of buildToolboxes(path('dist'))) console.log(`dist/${file}: ${bytes} bytes`);
