import * as v from 'valibot';

/** Schemas of what somebody else may have written: they take what is as it should be, and nothing else. */

/** Characters of a text, and items of a list. */
export const longestText = 512;
export const mostItems = 16;

const within = (least: number, most: number) => v.pipe(v.number(), v.minValue(least), v.maxValue(most));
export const whole = (least: number, most: number) => v.pipe(within(least, most), v.integer());
export const matching = (pattern: RegExp, longest = longestText) =>
  v.pipe(v.string(), v.maxLength(longest), v.regex(pattern));
export const list = <T extends v.GenericSchema>(item: T) => v.pipe(v.array(item), v.maxLength(mostItems));

/** It goes to a terminal. */
export const text = matching(/^\P{Cc}*$/u);
/** They become part of a request's path. */
export const objectName = matching(/^[a-z0-9]([-a-z0-9.]{0,251}[a-z0-9])?$/);
export const amount = within(0, 2 ** 60);
export const percent = within(0, 100);
export const milliseconds = whole(0, 30 * 24 * 3_600_000);

/** What the schema makes of a value; undefined: it is something else. */
export function read<T extends v.GenericSchema>(schema: T, value: unknown): v.InferOutput<T> | undefined {
  const result = v.safeParse(schema, value, { abortEarly: true });
  return result.success ? result.output : undefined;
}
