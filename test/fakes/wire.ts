/** An event as the shim writes it: one line of JSON, with its own names in snake_case. */
export function wireLine(event: unknown): string {
  return JSON.stringify(toWire(event));
}

function toWire(value: unknown): unknown {
  if (Array.isArray(value)) return value.map(toWire);
  if (typeof value !== 'object' || value === null) return value;
  return Object.fromEntries(
    Object.entries(value).map(([name, field]) => [
      name.replace(/[A-Z]/g, (letter) => `_${letter.toLowerCase()}`),
      toWire(field),
    ]),
  );
}
