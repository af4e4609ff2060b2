import { type ChildProcess, spawn } from 'node:child_process';
import { faultsOf } from '../../support/documents.ts';
import { cleanEnv, kubeconfig, kubeletSeconds, repository, until } from './cluster.ts';

/** The built plugin, as a user's shell starts it. */
export const pluginPath = `${repository}/dist/kubectl-chaos`;

export interface Ended {
  code: number | null;
  signal: NodeJS.Signals | null;
  stdout: string;
  stderr: string;
  seconds: number;
}

/** All of this process. */
const plugins: Plugin[] = [];

/** The ids of all experiments that this process has started. */
export const idsTold = (): string[] => plugins.flatMap((plugin) => idOf(plugin) || []);

export class Plugin {
  readonly child: ChildProcess;
  stdout = '';
  stderr = '';
  readonly ended: Promise<Ended>;
  readonly #began = Date.now();

  constructor(args: readonly string[], options: { program?: string; env?: NodeJS.ProcessEnv } = {}) {
    const [program, first] = options.program ? [options.program, []] : [process.execPath, [pluginPath]];
    this.child = spawn(program, [...first, ...args], {
      env: { ...cleanEnv, ...options.env },
      stdio: ['ignore', 'pipe', 'pipe'],
    });
    plugins.push(this);
    this.child.stdout?.on('data', (chunk: Buffer) => {
      this.stdout += chunk.toString();
    });
    this.child.stderr?.on('data', (chunk: Buffer) => {
      this.stderr += chunk.toString();
    });
    this.ended = new Promise((resolve, reject) => {
      this.child.on('error', reject);
      this.child.on('close', (code, signal) => {
        const seconds = (Date.now() - this.#began) / 1_000;
        resolve({ code, signal, stdout: this.stdout, stderr: this.stderr, seconds });
      });
    });
  }

  /** Everything said so far, for a failure's message. */
  get said(): string {
    return `stdout:\n${this.stdout}\nstderr:\n${this.stderr}`;
  }

  kill(signal: NodeJS.Signals): void {
    this.child.kill(signal);
  }
}

/** Starts `kubectl chaos …` on the cluster under test. */
export function start(...args: string[]): Plugin {
  return new Plugin([...withConnection(args)]);
}

/** The same, and its tools are sent, whatever image the run of tests has named. */
export function startWithoutImage(...args: string[]): Plugin {
  return new Plugin(withConnection(args), { env: { KUBECTL_CHAOS_IMAGE: '' } });
}

/** Runs `kubectl chaos …` to its end. */
export function chaos(...args: string[]): Promise<Ended> {
  return start(...args).ended;
}

/** Until it says that it is active; fails at once when it ends before. */
export async function untilActive(plugin: Plugin): Promise<void> {
  let ended: Ended | undefined;
  void plugin.ended.then((end) => {
    ended = end;
  });
  await until('active', kubeletSeconds, () => ended !== undefined || plugin.stdout.includes('active after'));
  if (ended) throw new Error(`it ended before it was active, with ${ended.code}\n${plugin.said}`);
}

/** The experiment's id, as it is told before it starts. */
export const idOf = (plugin: Plugin): string => /as (chaos-\w{5})/.exec(plugin.stderr)?.[1] ?? '';

/** The connection flags go in front of `--`, behind which everything is stress-ng's. */
function withConnection(args: readonly string[]): string[] {
  const [verb = '', ...rest] = args;
  return [verb, '--kubeconfig', kubeconfig, ...rest];
}

/** What the document of `-o json` says of a target. */
interface TargetReport {
  effective: boolean;
  reverted: boolean;
  problems: string[];
  verdict: {
    proofs: { what: string; effective: boolean; sentence: string }[];
    before?: Record<string, number>;
    during?: Record<string, number>;
    after?: Record<string, number>;
  };
  ended: { reason: string; exit_code: number; signal: number; forced: boolean; run_ms: number; oom_kills?: number };
}

/** The document of `-o json`. */
interface Report {
  kind: string;
  id: string;
  exit_code: number;
  targets: TargetReport[];
  left: string[];
  undo: string;
  times: { active_ms: number; revert_ms: number; remove_ms: number; total_ms: number };
  requests: Record<string, number>;
}

/** The document of `-o json`, with what it says of its one target. */
export function report(ended: Ended): Report & TargetReport {
  let document: Report;
  try {
    document = JSON.parse(ended.stdout) as Report;
  } catch {
    throw new Error(`no JSON document (exit code ${ended.code})\n${ended.stdout}\n${ended.stderr}`);
  }
  const faults = faultsOf({ ...document });
  if (faults.length > 0) throw new Error(`not what its schema says: ${faults.join('; ')}\n${ended.stdout}`);
  const [target, ...others] = document.targets ?? [];
  if (!target || others.length > 0) throw new Error(`not the outcome of one target\n${ended.stdout}`);
  return { ...document, ...target };
}
