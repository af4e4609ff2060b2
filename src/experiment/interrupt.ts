import { ChaosError } from '../errors.ts';
import type { InterruptSignal, Signals } from '../ports.ts';

/** Shells report a command that ended on signal n as 128 + n (INT 2, TERM 15, HUP 1). */
export const signalExitCodes: Readonly<Record<InterruptSignal, number>> = { SIGINT: 130, SIGTERM: 143, SIGHUP: 129 };

/**
 * The user's wish to stop. The first INT, TERM or HUP asks for a stop and a revert; a second one leaves at once.
 */
export class Interrupts {
  /** The first signal, once there was one. */
  first: InterruptSignal | undefined;
  /** There was a second one. */
  leaving = false;
  /** Resolves on the second signal. */
  readonly again: Promise<'again'>;
  readonly #listeners = new Set<(signal: InterruptSignal) => void>();
  readonly #unlisten: () => void;

  constructor(signals: Signals) {
    let leave: (value: 'again') => void = () => undefined;
    this.again = new Promise((resolve) => {
      leave = resolve;
    });
    this.#unlisten = signals.listen((signal) => {
      if (this.first !== undefined) {
        this.leaving = true;
        leave('again');
        return;
      }
      this.first = signal;
      for (const listener of this.#listeners) listener(signal);
    });
  }

  /** Calls back on the first signal, at once if it has already come. */
  onFirst(listener: (signal: InterruptSignal) => void): void {
    if (this.first) listener(this.first);
    else this.#listeners.add(listener);
  }

  close(): void {
    this.#unlisten();
    this.#listeners.clear();
  }
}

/** The error of any command that a second signal ends before the revert is confirmed. */
export function unconfirmedRevert({ first }: Interrupts, more: { hint: string; state: string }): ChaosError {
  return new ChaosError(
    'not-reverted',
    `left without waiting on a second signal after ${first}: the revert is not confirmed`,
    more,
  );
}
