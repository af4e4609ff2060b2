import { isObject } from '../../json.ts';

/** Checks of what somebody else may have written: they hold of what is as it should be, and of nothing else. */

/** Characters of a text, and items of a list. */
export const longestText = 512;
export const mostItems = 16;

export type Check = (value: unknown) => boolean;

/** These fields, and no other. */
export function fields(
  required: Readonly<Record<string, Check>>,
  optional: Readonly<Record<string, Check>> = {},
): Check {
  const all: Readonly<Record<string, Check>> = { ...required, ...optional };
  return (value) =>
    isObject(value) &&
    Object.keys(required).every((name) => Object.hasOwn(value, name)) &&
    Object.entries(value).every(([name, field]) => Object.hasOwn(all, name) && all[name]?.(field) === true);
}

export const anyOf =
  (...checks: readonly Check[]): Check =>
  (value) =>
    checks.some((check) => check(value));
export const oneOf = (...values: readonly unknown[]): Check =>
  anyOf(
    ...values.map(
      (one): Check =>
        (value) =>
          value === one,
    ),
  );
export const listOf =
  (check: Check): Check =>
  (value) =>
    Array.isArray(value) && value.length <= mostItems && value.every(check);
export const matching =
  (pattern: RegExp, longest = longestText): Check =>
  (value) =>
    typeof value === 'string' && value.length <= longest && pattern.test(value);
const within =
  (least: number, most: number): Check =>
  (value) =>
    typeof value === 'number' && value >= least && value <= most;
export const whole =
  (least: number, most: number): Check =>
  (value) =>
    Number.isInteger(value) && within(least, most)(value);

/** It goes to a terminal. */
export const isText = matching(/^\P{Cc}*$/u);
export const isFlag = oneOf(true, false);
/** They become part of a request's path. */
export const isName = matching(/^[a-z0-9]([-a-z0-9.]{0,251}[a-z0-9])?$/);
export const isAmount = within(0, 2 ** 60);
export const isPercent = within(0, 100);
export const isMs = whole(0, 30 * 24 * 3_600_000);
