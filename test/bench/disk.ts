/** The shim's part in faults of a disk, on a loop device and with a target made for this: no cluster is needed for it. */
import { type ChildProcess, spawn, spawnSync } from 'node:child_process';
import { once } from 'node:events';
import { existsSync, mkdirSync, mkdtempSync, readFileSync, rmdirSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { settingLine } from '../../src/shim/commands.ts';
import { repository } from '../support/counts.ts';
import { event, Lines } from './lines.ts';
import { killedRows, median, type Row } from './statistics.ts';

const shim = `${repository}dist/nsexec-amd64`;
const rounds = 50;
const GiB = 2 ** 30;

function sh(script: string): string {
  const { status, stdout, stderr } = spawnSync('sh', ['-ec', script]);
  if (status !== 0) throw new Error(`${script}: ${stderr.toString()}`);
  return stdout.toString().trim();
}

/** A file system on a file, mounted; and a process in a cgroup of its own, which is slowed. */
class Bench {
  readonly #folder = mkdtempSync(`${tmpdir()}/chaos-bench-`);
  readonly #cgroup = '/sys/fs/cgroup/blkio/kubectl-chaos-bench';
  readonly directory = `${this.#folder}/disk`;
  readonly #target: ChildProcess;
  readonly #device: string;

  constructor() {
    const image = `${this.#folder}/image`;
    sh(
      `mkdir ${this.directory}; truncate -s 3G ${image}; mkfs.ext4 -q ${image}; mount -o loop ${image} ${this.directory}`,
    );
    this.#device = sh(`mountpoint -d ${this.directory}`);
    // In a mount namespace of its own, as a container is.
    this.#target = spawn('unshare', ['--mount', 'sleep', '600'], { stdio: 'ignore' });
    mkdirSync(this.#cgroup);
    writeFileSync(`${this.#cgroup}/cgroup.procs`, String(this.#target.pid));
  }

  async remove(): Promise<void> {
    this.#target.kill('SIGKILL');
    if (this.#target.exitCode === null && this.#target.signalCode === null) await once(this.#target, 'exit');
    rmdirSync(this.#cgroup);
    sh(`umount ${this.directory}`);
    rmSync(this.#folder, { recursive: true });
  }

  #run(command: 'run' | 'hold', ...words: string[]): { child: ChildProcess; lines: Lines } {
    const where = ['--pid', String(this.#target.pid), '--path', this.directory, '--probe', 'write=4096'];
    const child = spawn(shim, [command, ...where, ...words], { stdio: ['pipe', 'pipe', 'pipe'] });
    return { child, lines: new Lines(child) };
  }

  /** From `start` to the word that it is filled. */
  async fillInTarget(): Promise<number> {
    const fill = ['--directory', '.kubectl-chaos-bench', '--', shim, 'fill', '--bytes', String(GiB)];
    const { child, lines } = this.#run('run', ...fill);
    const exited = once(child, 'exit');
    let said = '';
    const filled = new Promise<void>((resolve) => {
      child.stderr?.on('data', (chunk: Buffer) => {
        said += chunk.toString();
        if (said.includes('filled')) resolve();
      });
    });
    await lines.until(event('resolved'));
    const began = performance.now();
    child.stdin?.write('start\n');
    await filled;
    const elapsed = performance.now() - began;
    child.stdin?.write('stop\n');
    await exited;
    return elapsed;
  }

  /** The program alone. */
  async fillHere(): Promise<number> {
    const began = performance.now();
    const child = spawn(shim, ['fill', '--bytes', String(GiB)], {
      cwd: this.directory,
      stdio: ['ignore', 'pipe', 'ignore'],
    });
    const exited = once(child, 'exit');
    await new Lines(child).until((line) => line.includes('filled'));
    const elapsed = performance.now() - began;
    child.kill('SIGTERM');
    await exited;
    return elapsed;
  }

  fallocate(): number {
    const began = performance.now();
    spawnSync('fallocate', ['-l', '1G', `${this.directory}/bare`]);
    const elapsed = performance.now() - began;
    rmSync(`${this.directory}/bare`);
    return elapsed;
  }

  /** From KILL to the directory gone, which a program has files in. */
  async killRun(round: number): Promise<number> {
    const name = `.kubectl-chaos-bench${round}`;
    const { child, lines } = this.#run('run', '--directory', name, '--', shim, 'fill', '--inodes', '100');
    child.stderr?.resume();
    await lines.until(event('resolved'));
    child.stdin?.write('start\n');
    await lines.until(event('active'));
    return this.#killed(child, () => !existsSync(`${this.directory}/${name}`));
  }

  async killHold(): Promise<number> {
    const file = 'blkio.throttle.write_bps_device';
    const { child, lines } = this.#run('hold');
    child.stderr?.resume();
    await lines.until(event('resolved'));
    child.stdin?.write(`${settingLine({ file, device: this.#device, value: '1048576' })}\nstart\n`);
    await lines.until(event('active'));
    const limit = () => readFileSync(`${this.#cgroup}/${file}`, 'utf8');
    if (limit() === '') throw new Error('there is no limit');
    return this.#killed(child, () => limit() === '');
  }

  async #killed(child: ChildProcess, isGone: () => boolean): Promise<number> {
    const exited = once(child, 'exit');
    const began = performance.now();
    child.kill('SIGKILL');
    while (!isGone()) {
      if (performance.now() - began > 10_000) throw new Error('it is still there 10 s after the shim was killed');
      await new Promise((resolve) => setTimeout(resolve, 1));
    }
    const elapsed = performance.now() - began;
    await exited;
    return elapsed;
  }
}

export async function diskRows(): Promise<Row[]> {
  const bench = new Bench();
  try {
    const [inTarget, here, bare, directory, throttle]: number[][] = [[], [], [], [], []];
    for (let round = 0; round < 20; round++) {
      inTarget?.push(await bench.fillInTarget());
      here?.push(await bench.fillHere());
      bare?.push(bench.fallocate());
    }
    for (let round = 0; round < rounds; round++) {
      directory?.push(await bench.killRun(round));
      throttle?.push(await bench.killHold());
    }
    const rival = { name: 'fallocate -l 1G', value: median(bare ?? []) };
    return [
      { what: 'io: fill 1 GiB, the program alone', ours: median(here ?? []), unit: 'ms', rival, goal: 3 },
      { what: 'io: fill 1 GiB, start to filled', ours: median(inTarget ?? []), unit: 'ms', goal: 100 },
      ...killedRows('io: SIGKILL of the shim to its directory gone', directory ?? []),
      ...killedRows('io: SIGKILL of the shim to the throttle gone', throttle ?? []),
    ];
  } finally {
    await bench.remove();
  }
}
