import type { CommandPorts } from './ports.ts';

/** Asks a question whose answer is yes only when it is typed as `y` or `yes`; undefined: nobody is there to answer. */
export function confirmation({ ask, stdout }: CommandPorts, isHuman: boolean): Confirm | undefined {
  if (!isHuman || !ask || !stdout.isTTY) return undefined;
  return async (question) => /^y(?:es)?$/i.test((await ask(question)).trim());
}

type Confirm = (question: string) => Promise<boolean>;
