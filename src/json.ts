/** Reading JSON that others have written: nothing is assumed of it. */

export type Fields = Readonly<Record<string, unknown>>;

/** Undefined: it is no JSON. */
export function readJson(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}

export function isObject(value: unknown): value is Fields {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}
