/** Headings of help that more than one command has. */
export const groups = {
  fault: 'Fault:',
  choice: 'Selection:',
  run: 'Experiment:',
  connection: "Connection (as kubectl's):",
} as const;
