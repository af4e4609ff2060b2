/** How long the phases of a fault wait, in milliseconds. */

/**
 * From attached to `resolved`, and from `start` to `active`: the shim's work takes milliseconds. Between two answers to
 * questions: a program has 5 s.
 */
export const answerMs = 10_000;
/** The target by itself is measured at least this long before `start`; the counters are exact to the microsecond. */
export const baselineMs = 200;
