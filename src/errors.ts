/** Exit codes of the plugin; README lists them, and flags or releases never change their meaning. */
export const ExitCode = {
  /** The fault was effective, and reverted. */
  effective: 0,
  /** It could not be injected; nothing changed. */
  notInjected: 1,
  /** The command line is wrong; no request was sent. */
  usage: 2,
  /** Injected, but without the effect that was asked for, or ended early (OOM kill, restart, deletion). */
  notEffective: 3,
  /** The revert could not be confirmed: something may be left. */
  notReverted: 4,
} as const;

/** Why an experiment did not go as asked. Closed: a new reason is a new code, a sentence in README where a user can act on it, and a test. */
export type ErrorCode =
  | 'usage'
  | 'kubeconfig'
  | 'unreachable'
  | 'unauthorized'
  | 'forbidden'
  | 'not-found'
  | 'target-unsuitable'
  | 'protected'
  | 'admission'
  | 'quota'
  | 'agent-failed'
  | 'image'
  | 'shim'
  | 'shim-missing'
  | 'toolbox-missing'
  | 'connection-lost'
  | 'interrupted'
  | 'not-reverted'
  | 'api';

/** The state of a target that nothing has been done to. */
export const unchanged = 'nothing was changed';
/** That of one with a fault that another command has begun, when this one could do nothing. */
export const untouched = 'nothing was changed by this command; a fault that is in force goes on';

/** A line of `doctor` that looks at what an error is about. */
export type DoctorLine = 'rights' | 'websocket' | 'node' | 'platform' | 'room' | 'agent pod';

export interface ChaosErrorOptions {
  /** What the user can do now: one sentence, or a command. */
  hint?: string;
  cause?: unknown;
  exitCode?: number;
  /** The state of the target; by default that nothing was changed. */
  state?: string;
  /** Trying again within seconds would end the same way; by default not known, so false. */
  isPermanent?: boolean;
  /** It is attaching that is refused, or leads nowhere: what needs no attach may go on. */
  barsAttach?: boolean;
  /** The line of `doctor` that tells more; by default by the code, where that says it. */
  doctorLine?: DoctorLine;
}

/**
 * An expected failure, told to the user without a stack: `message` says what happened and why, `hint` what to do now, `state` how the target is.
 * Everything else that is thrown is a defect and shown with its stack.
 */
export class ChaosError extends Error {
  override readonly name = 'ChaosError';
  readonly code: ErrorCode;
  readonly hint: string | undefined;
  readonly exitCode: number;
  readonly state: string;
  readonly isPermanent: boolean;
  readonly barsAttach: boolean;
  readonly doctorLine: DoctorLine | undefined;

  constructor(code: ErrorCode, message: string, options: ChaosErrorOptions = {}) {
    super(message, options.cause === undefined ? undefined : { cause: options.cause });
    this.code = code;
    this.hint = options.hint;
    this.exitCode =
      options.exitCode ??
      (code === 'usage' ? ExitCode.usage : code === 'not-reverted' ? ExitCode.notReverted : ExitCode.notInjected);
    this.state = options.state ?? unchanged;
    this.isPermanent = options.isPermanent ?? false;
    this.barsAttach = options.barsAttach ?? false;
    this.doctorLine = options.doctorLine ?? doctorLines[code];
  }

  /** The same, with some of it said otherwise; this one is its cause. */
  but({ message = this.message, ...options }: ChaosErrorOptions & { message?: string }): ChaosError {
    const { code, hint, exitCode, state, isPermanent, barsAttach, doctorLine } = this;
    return new ChaosError(code, message, {
      ...(hint === undefined ? {} : { hint }),
      ...(doctorLine === undefined ? {} : { doctorLine }),
      ...{ exitCode, state, isPermanent, barsAttach, cause: this, ...options },
    });
  }
}

/** By the code of an error, which line of `doctor` looks at that. */
const doctorLines: Readonly<Partial<Record<ErrorCode, DoctorLine>>> = {
  forbidden: 'rights',
  admission: 'agent pod',
  quota: 'agent pod',
};

/** What an error says, of whatever was thrown. */
export function messageOf(error: unknown): string {
  return error instanceof Error ? error.message : String(error);
}

/** A wrong command line: one line that names the flag or argument, exit 2, before any request. */
export function usageError(message: string, hint?: string): ChaosError {
  return new ChaosError('usage', message, hint === undefined ? {} : { hint });
}
