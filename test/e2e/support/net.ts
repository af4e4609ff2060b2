import { beforeAll, expect } from 'vitest';
import { kubeconfig, kubectl, kubectlJson, startTarget, until } from './cluster.ts';
import { containerId, onNode, splitProcesses } from './node.ts';
import { type Ended, Plugin, start, untilActive } from './plugin.ts';
import { suite, suiteBesideOthers } from './suite.ts';

/** Two pods that talk with each other (test/cluster/pods/net-*.yaml): the client is the target, and both know by `peer` how an application has it. */
export interface Talk {
  namespace: string;
  client: Addresses;
  server: Addresses;
}

interface Addresses {
  four: string;
  six: string;
}

/** The client knows the server as `server.example`, by both its addresses. */
async function startTalk(namespace: string): Promise<Talk> {
  await startTarget(namespace, 'net-server');
  const server = await addressesOf(namespace, 'net-server');
  const aliases = [server.four, server.six].map((ip) => `{ip: "${ip}", hostnames: [server.example]}`);
  await startTarget(namespace, 'net-client', (text) =>
    text.replace(/hostAliases: .*/, `hostAliases: [${aliases.join(', ')}]`),
  );
  return { namespace, client: await addressesOf(namespace, 'net-client'), server };
}

async function addressesOf(namespace: string, pod: string): Promise<Addresses> {
  const { status } = await kubectlJson<{ status: { podIPs: { ip: string }[] } }>('-n', namespace, 'get', 'pod', pod);
  const all = status.podIPs.map(({ ip }) => ip);
  const [four, six] = [all.find((ip) => ip.includes('.')), all.find((ip) => ip.includes(':'))];
  if (!four || !six) throw new Error(`pod ${pod} has no address of each family, but ${all.join(', ')}`);
  return { four, six };
}

/** What was heard on one question of `peer`: a line per round trip. */
export class Heard {
  readonly lines: readonly string[];

  constructor(lines: readonly string[]) {
    this.lines = lines;
  }

  /** Of the round trips that came to their end, in order; milliseconds. */
  get tripsMs(): number[] {
    return this.lines.flatMap((line) => (/^\d/.test(line) ? [Number.parseInt(line, 10) / 1_000] : []));
  }

  get medianMs(): number {
    return this.tripsMs.toSorted((a, b) => a - b)[Math.floor(this.tripsMs.length / 2)] ?? Number.NaN;
  }

  /** Between the slowest and the fastest. */
  get spreadMs(): number {
    return Math.max(...this.tripsMs) - Math.min(...this.tripsMs);
  }

  /** How many of all lines have the word, 0 … 1. */
  share(word: string): number {
    return this.lines.filter((line) => line.split(' ').includes(word)).length / this.lines.length;
  }

  /** Of `peer pour` and `peer draw`, which print milliseconds. */
  get transferMs(): number {
    return Number(this.lines[0]);
  }
}

/** Asks by the application's side, all at the same time and in one exec: `peer` with these arguments. */
export async function ask<K extends string>(
  talk: Talk,
  questions: Readonly<Record<K, string>>,
  { pod = 'net-client', container = 'probe' }: { pod?: string; container?: string } = {},
): Promise<Record<K, Heard>> {
  const text = await kubectl('-n', talk.namespace, 'exec', pod, '-c', container, '--', 'sh', '-c', script(questions));
  const names = Object.keys(questions) as K[];
  return Object.fromEntries(names.map((name) => [name, heardOf(name, text)])) as Record<K, Heard>;
}

/** Connections to both addresses of the server, by which it is asked four times a second until `hangUp`. */
export class Conversation {
  readonly #talk: Talk;
  readonly #asking: Plugin;

  private constructor(talk: Talk) {
    this.#talk = talk;
    const words = [
      '--kubeconfig',
      kubeconfig,
      '-n',
      talk.namespace,
      'exec',
      'net-client',
      '-c',
      'probe',
      '--',
      'sh',
      '-c',
    ];
    this.#asking = new Plugin(
      [...words, script({ four: question(talk.server.four), six: question(talk.server.six) })],
      {
        program: 'kubectl',
      },
    );
  }

  /** Resolves when both have been answered once. */
  static async begin(talk: Talk): Promise<Conversation> {
    const conversation = new Conversation(talk);
    const nothing = conversation.heard;
    await until('the first answers', 30, () => conversation.goesOn(nothing));
    return conversation;
  }

  /** So far. */
  get heard(): Record<'four' | 'six', Heard> {
    return { four: heardOf('four', this.#asking.stdout), six: heardOf('six', this.#asking.stdout) };
  }

  /** Both have been answered since `before`. */
  goesOn(before: Record<'four' | 'six', Heard>): boolean {
    const { four, six } = this.heard;
    return four.tripsMs.length > before.four.tripsMs.length && six.tripsMs.length > before.six.tripsMs.length;
  }

  async hangUp(): Promise<void> {
    await kubectl('-n', this.#talk.namespace, 'exec', 'net-client', '-c', 'probe', '--', 'killall', 'peer');
    await this.#asking.ended;
  }
}

const question = (address: string) => `ask ${address} 5000 1000 250`;

/** A line comes as soon as it is there, with the question's name in front. */
function script(questions: Readonly<Record<string, string>>): string {
  const each = Object.entries(questions).map(
    ([name, words]) => `peer ${words} 2>&1 | while read -r line; do echo "${name} $line"; done &`,
  );
  return [...each, 'wait'].join('\n');
}

function heardOf(name: string, text: string): Heard {
  const whole = text.slice(0, text.lastIndexOf('\n') + 1).split('\n');
  return new Heard(whole.flatMap((line) => (line.startsWith(`${name} `) ? [line.slice(name.length + 1).trim()] : [])));
}

/** All that the kernel says of the client's network, without counters: it must read the same before and after. */
export async function networkOf(talk: Talk, within = ''): Promise<string> {
  const id = await containerId(talk.namespace, 'net-client', 'probe');
  return onNode(`
    file=$(grep -l ${id} /proc/[0-9]*/cgroup 2>/dev/null | head -n 1)
    nsenter --net=\${file%/cgroup}/ns/net sh -ec '${within}
      tc -d qdisc show
      for device in lo eth0; do tc filter show dev $device; done
      ip -o -d link show; ip -o address show; ip route show; ip -6 route show
      nft list ruleset'`);
}

/** A command in the client's network, by the node's own hand. */
export const inNetwork = (talk: Talk, command: string): Promise<string> => networkOf(talk, `${command};`);

/** `net` on the client; resolves when it is active, fails at once when it ends before. */
export async function startFault(talk: Talk, ...flags: string[]): Promise<Plugin> {
  const plugin = start('net', 'pod/net-client', '-n', talk.namespace, '--duration', '10m', ...flags);
  await untilActive(plugin);
  return plugin;
}

/** The target's container is killed, and runs again under another id: in the same network. */
export async function killTarget(talk: Talk): Promise<void> {
  const before = await containerId(talk.namespace, 'net-client');
  const { own } = await splitProcesses(before);
  await onNode(`kill -9 ${own.map(({ pid }) => pid).join(' ')}`);
  await until('restarted', 30, async () => (await containerId(talk.namespace, 'net-client')) !== before);
}

const cleaning = `
  tc qdisc delete dev eth0 root || true; tc qdisc delete dev eth0 ingress || true; ip link set eth0 txqueuelen 0
  for link in $(ip -o link show | grep -oE "chaos[^:@]*"); do ip link delete $link; done
  nft flush ruleset`;

/** Port 80 of the service is port 5000 of the server. */
export const service = `
apiVersion: v1
kind: Service
metadata: {name: server}
spec:
  ipFamilyPolicy: PreferDualStack
  selector: {app: net-server}
  ports: [{port: 80, targetPort: 5000, protocol: UDP}]
`;

/** Stops it by Ctrl-C. */
export async function stop(plugin: Plugin): Promise<Ended> {
  plugin.kill('SIGINT');
  return plugin.ended;
}

/**
 * The frame of a file of network faults: one pair of pods for all of its tests, and after each the check that the target's network
 * reads as before. Returns a getter, since the pods come later than the tests' definitions.
 */
export const talkSuite = (namespace: string): (() => Talk) => talkIn(namespace, suite);

/** The same for a file that may run beside others. */
export const talkSuiteBesideOthers = (namespace: string): (() => Talk) => talkIn(namespace, suiteBesideOthers);

function talkIn(namespace: string, frame: typeof suite): () => Talk {
  let talk: Talk;
  let before: string;
  frame(namespace, [], async () => {
    const after = await networkOf(talk);
    // One test's leftovers are not the next one's failure.
    if (after !== before) await inNetwork(talk, cleaning);
    expect(after).toBe(before);
  });
  beforeAll(async () => {
    talk = await startTalk(namespace);
    before = await networkOf(talk);
  });
  return () => talk;
}
