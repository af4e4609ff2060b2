import { ChaosError } from '../errors.ts';
import type { Agent, AgentUpdate, Attachment, Clock, ContainerStatus } from '../ports.ts';
import { Queue } from '../queue.ts';
import { beginLine, toLine } from '../shim/commands.ts';
import {
  type AgentEvent,
  endOfTarget,
  messageOfWord,
  parseAgentLine,
  parseAgentTermination,
} from '../shim/protocol.ts';
import { agentContainer } from './assembly.ts';
import { Connection, type ConnectionLoss } from './connection.ts';
import type { RunCluster } from './shared-watches.ts';
import { timeouts } from './timeouts.ts';
import { Trials } from './trials.ts';
import { byAttach, type Way } from './way.ts';

/** Of the tools, what arrives between two words of them to those who do not send them. */
const toldEveryBytes = 2 ** 18;

/** The shim of one target, as its run meets it: a stream of its own, and news of its end. */
interface Member {
  name: string;
  /** Its shim's command line; undefined: another command begins it. */
  words: readonly string[] | undefined;
  hasBegun: boolean;
  /** It has been told to begin, on the stream that there is now. */
  isAsked: boolean;
  stream: MemberStream | undefined;
  /** Nobody has that stream yet. */
  isFree: boolean;
  /** Nothing of it is of interest any more: it has asked to be stopped, or its run has ended. */
  isOut: boolean;
  /** Its run waits for a stream. */
  waiting: { give(stream: Attachment): void; refuse(error: unknown): void }[];
  readonly news: Set<Queue<AgentUpdate>>;
}

/** How an agent is followed that is not attached to: by its log, and it is told nothing. */
export interface Unattended {
  /** It has begun before: what it says from now on is of interest, and which of its shims have gone. */
  fromNow: boolean;
  readLog: () => Promise<string>;
}

/**
 * One agent with a shim for each target of its node, over one attach: begins each shim when its run first asks for a stream, gives each run the lines of its shim, and says of a shim that has gone
 * what the kubelet says of a container that has ended. The tools are sent once, by whichever run is the first to offer them.
 * Without an attach it is one log, of which each run gets all that its shim has said; and since its pod is deleted to stop it, it is when none of its targets is to go on.
 */
export class SharedAgent {
  readonly #connection: Connection;
  readonly #members = new Map<string, Member>();
  #isAttached = false;
  readonly #trials = new Trials();
  /** Who sends the tools. */
  #carrier: Member | undefined;
  /** Of the tools, which piece the others have been told of last. */
  #toldPiece: number | undefined;
  /** What was said when they were ready. */
  #readyTools: string | undefined;
  /** Told when the stream is no more. */
  #onDetached: () => void = () => undefined;
  readonly #log: Unattended | undefined;
  readonly #endAgent: () => Promise<void>;
  #isToEnd = false;

  /** `words`: the shims' command lines, by the names of their targets; none of those that another command begins. */
  constructor(
    cluster: RunCluster,
    agent: Agent,
    words: ReadonlyMap<string, readonly string[] | undefined>,
    log?: Unattended,
  ) {
    this.#log = log;
    this.#endAgent = () => cluster.end(agent);
    for (const [name, line] of words) {
      this.#members.set(name, {
        ...{ name, words: line, hasBegun: false, isAsked: false, stream: undefined },
        ...{ isFree: false, isOut: false, waiting: [], news: new Set() },
      });
    }
    const way: Way = log
      ? {
          open: (signal) => cluster.followLog(agent, agentContainer, signal, log.fromNow),
          tell: async () => undefined,
        }
      : byAttach(cluster, agent, agentContainer);
    this.#connection = new Connection(way, {
      attached: () => this.#onAttached(),
      line: (text) => this.#onLine(text),
      output: () => undefined,
      lost: (loss) => this.#onLost(loss),
    });
  }

  /** A stream to the shim of this name, as an attach to a container of its own would give it; rejects as that does. */
  attach(name: string, signal: AbortSignal): Promise<Attachment> {
    const member = this.#memberOf(name);
    return new Promise((resolve, reject) => {
      const one = { give: resolve, refuse: reject };
      member.waiting.push(one);
      const giveUp = (): void => {
        member.waiting = member.waiting.filter((other) => other !== one);
        reject(signal.reason);
      };
      signal.addEventListener('abort', giveUp, { once: true });
      if (this.#isAttached) this.#serve(member);
      else this.#connection.open();
    });
  }

  /** What the watch of the agent says, for the run of one target; with news of its shim among it. */
  updatesOf(name: string, updates: AsyncIterable<AgentUpdate>, signal: AbortSignal): AsyncIterable<AgentUpdate> {
    const { news } = this.#memberOf(name);
    const queue = new Queue<AgentUpdate>();
    news.add(queue);
    signal.addEventListener('abort', () => news.delete(queue), { once: true });
    void (async () => {
      try {
        for await (const update of updates) queue.push(ofMember(name, update));
        queue.end();
      } catch (error) {
        queue.fail(error);
      }
    })();
    return queue;
  }

  has(name: string): boolean {
    return this.#members.has(name);
  }

  /** This target is to go on no more: without an attach, when that is so of all. */
  async stopOne(name: string): Promise<void> {
    this.#isToEnd = true;
    await this.leave(name);
  }

  /** The run of this target has ended. */
  async leave(name: string): Promise<void> {
    const member = this.#memberOf(name);
    member.isOut = true;
    if (!this.#isToEnd || [...this.#members.values()].some(({ isOut }) => !isOut)) return;
    this.#isToEnd = false;
    await this.#endAgent();
  }

  /** Ends the agent, whose targets are all over: its pod may be gone before its process is. Resolves when it has ended, or has not in time. */
  async stop(clock: Clock): Promise<void> {
    if (this.#isAttached && !this.#log) {
      await new Promise<void>((resolve) => {
        const cancel = clock.after(timeouts.shimExit, resolve);
        this.#onDetached = () => {
          cancel();
          resolve();
        };
        this.#say('stop');
      });
    }
    this.close();
  }

  /** Closes the stream; the agent goes on. */
  close(): void {
    this.#connection.close();
    for (const { stream } of this.#members.values()) stream?.end({ clean: true, reason: 'closed' });
  }

  #memberOf(name: string): Member {
    const member = this.#members.get(name);
    if (!member) throw new Error(`${name} is none of this agent's targets`);
    return member;
  }

  #onAttached(): void {
    this.#isAttached = true;
    if (this.#log) return this.#onReading(this.#log);
    // Answered with what is there: a client before may have begun some.
    this.#say('beat');
  }

  /** A log has all that was said: it is kept for runs that ask for it later. */
  #onReading({ fromNow, readLog }: Unattended): void {
    for (const member of this.#members.values()) {
      member.hasBegun = true;
      this.#renew(member);
      this.#serve(member);
    }
    if (fromNow)
      readLog().then(
        (text) => this.#onPast(text),
        () => undefined,
      );
  }

  /** Of what was said before, only who has gone. */
  #onPast(text: string): void {
    for (const line of text.split('\n')) {
      const read = parseAgentLine(line);
      if (read && 'event' in read && read.event.event === 'gone') this.#onEvent(read.event, line);
    }
  }

  /** Each run gets a stream of its own as soon as its shim is there. */
  #serve(member: Member): void {
    if (!member.hasBegun || member.waiting.length === 0) return;
    const stream = member.isFree && member.stream ? member.stream : this.#renew(member);
    member.isFree = false;
    for (const { give } of member.waiting.splice(0)) give(stream);
  }

  #renew(member: Member): MemberStream {
    member.stream?.end({ clean: false, reason: 'another stream took its place' });
    const stream = new MemberStream((line) => this.#tell(member, line));
    member.stream = stream;
    member.isFree = true;
    return stream;
  }

  async #tell(member: Member, line: string): Promise<void> {
    if (/^(?:tools|chunk) /.test(line)) {
      this.#carrier ??= member;
      if (this.#carrier === member) await this.#send(line);
      // Whose shim comes when they are there already.
      else if (this.#readyTools !== undefined) member.stream?.stdout.push(this.#readyTools);
      return;
    }
    const addressed = toLine(member.name, line);
    const isFirst = this.#trials.ask(line, {
      asker: member,
      tell: (answer) => member.stream?.stdout.push(answer),
      send: () => this.#say(addressed),
    });
    if (isFirst) await this.#send(addressed);
  }

  /** A line of a run's; it rejects where no stream takes it, as an attach of its own does. */
  async #send(line: string): Promise<void> {
    if (await this.#connection.send(line)) return;
    throw new ChaosError('connection-lost', 'the stream has ended');
  }

  /** A line of our own. Failing, it tells of itself as a lost stream, and is said again on the next. */
  #say(line: string): void {
    this.#connection.send(line).catch(() => undefined);
  }

  #onLine(text: string): void {
    const read = parseAgentLine(text);
    if (!read) return;
    const member = 'target' in read ? this.#members.get(read.target) : undefined;
    if (member) {
      member.stream?.stdout.push(text);
      this.#trials.hear(member, text);
    } else if ('event' in read) this.#onEvent(read.event, text);
  }

  #onEvent(event: AgentEvent, text: string): void {
    switch (event.event) {
      case 'agent':
        return this.#onThere(event.targets);
      case 'begun': {
        const member = this.#members.get(event.name);
        if (!member) return;
        member.hasBegun = true;
        return this.#serve(member);
      }
      case 'refused': {
        // A stream before this one has begun it.
        if (this.#members.get(event.name)?.hasBegun) return;
        const message = `${event.code}: ${event.message}`;
        return this.#tellEnd(event.name, { ...ended, exitCode: 125, reason: 'its agent refused to begin it', message });
      }
      case 'gone': {
        const { exitCode, signal } = event;
        const member = this.#members.get(event.name);
        if (member) this.#trials.forget(member);
        const reason = signal === 0 ? `exit code ${exitCode}` : `killed by signal ${signal}`;
        return this.#tellEnd(event.name, { ...ended, exitCode, reason, message: messageOfWord(event) });
      }
      case 'over':
        return;
      case 'tools':
        return this.#onTools(event, text);
      default:
        // What is wrong with the agent is so for all of them.
        for (const { stream } of this.#members.values()) stream?.stdout.push(text);
    }
  }

  /**
   * Who sends the tools hears each word of them. The others hear that they are ready, or will not be, and until then now and then that something goes on: as if nothing had come yet, for which they have
   * nothing to send.
   */
  #onTools(event: Extract<AgentEvent, { event: 'tools' }>, text: string): void {
    const isOver = event.ready || event.problem !== undefined;
    const piece = Math.floor(event.offset / toldEveryBytes);
    const isDue = piece !== this.#toldPiece;
    this.#toldPiece = piece;
    if (event.ready) this.#readyTools = text;
    for (const member of this.#members.values()) {
      if (isOver || member === this.#carrier) member.stream?.stdout.push(text);
      else if (isDue) member.stream?.stdout.push(JSON.stringify({ ...JSON.parse(text), offset: 0 }));
    }
  }

  /**
   * Begins those that are not there yet, once: an agent that has just started tells of itself, and then answers as well. What one has said that ended while there was no stream is lost, but for how it
   * left its target.
   */
  #onThere(targets: Extract<AgentEvent, { event: 'agent' }>['targets']): void {
    for (const member of this.#members.values()) {
      const there = targets.find(({ name }) => name === member.name);
      member.hasBegun ||= there !== undefined;
      if (member.hasBegun) this.#serve(member);
      else if (member.words && !member.isAsked) {
        member.isAsked = true;
        this.#say(beginLine(member.name, member.words));
      }
      if (there?.state !== 'gone') continue;
      const message = messageOfWord(there);
      this.#tellEnd(member.name, { ...ended, exitCode: 0, reason: 'its report was lost with the stream', message });
    }
  }

  #tellEnd(name: string, status: ContainerStatus): void {
    const update: AgentUpdate = {
      ...{ kind: 'status', phase: 'Running', reason: '', message: '' },
      containers: { [name]: status },
    };
    for (const queue of this.#members.get(name)?.news ?? []) queue.push(update);
  }

  /** Each run decides for itself whether it asks again. */
  #onLost({ reason, error }: ConnectionLoss): void {
    this.#isAttached = false;
    this.#carrier = undefined;
    this.#readyTools = undefined;
    this.#trials.clear();
    this.#onDetached();
    const end = { clean: false, reason, ...(error instanceof Error ? { error } : {}) };
    for (const member of this.#members.values()) {
      member.stream?.end(end);
      member.stream = undefined;
      member.isAsked = false;
      for (const { refuse } of member.waiting.splice(0)) refuse(error ?? new ChaosError('connection-lost', reason));
    }
  }
}

/** One shim's part of the agent's stream. */
class MemberStream implements Attachment {
  readonly stdout = new Queue<string>();
  readonly stderr = new Queue<string>();
  readonly closed: Attachment['closed'];
  readonly #tell: (line: string) => Promise<void>;
  #close: (end: Awaited<Attachment['closed']>) => void = () => undefined;

  constructor(tell: (line: string) => Promise<void>) {
    this.#tell = tell;
    this.closed = new Promise((resolve) => {
      this.#close = resolve;
    });
  }

  send(line: string): Promise<void> {
    return this.#tell(line);
  }

  end(how: Awaited<Attachment['closed']>): void {
    this.stdout.end();
    this.stderr.end();
    this.#close(how);
  }

  close(): void {
    this.end({ clean: true, reason: 'closed' });
  }
}

/** What the watch says of the agent's one container, as if it were of this target's own. */
function ofMember(name: string, update: AgentUpdate): AgentUpdate {
  if (update.kind === 'started') return update.container === agentContainer ? { ...update, container: name } : update;
  if (update.kind !== 'status') return update;
  const status = update.containers[agentContainer];
  if (!status) return { ...update, containers: {} };
  if (status.state !== 'terminated') return { ...update, containers: { [name]: status } };
  const { over } = parseAgentTermination(status.message);
  const message = messageOfWord(endOfTarget(status.message, name));
  const own: ContainerStatus = {
    ...status,
    whose: 'agent',
    message,
    ...(over?.reason === 'lease' ? { byLease: true } : {}),
  };
  return { ...update, containers: { [name]: own } };
}

/** The shim of a target has ended. */
const ended = { state: 'terminated', whose: 'shim' } as const;
