/** Headings of help that more than one command has. */
export const groups = {
  fault: 'Fault:',
  choice: 'Selection:',
  run: 'Experiment:',
  agent: 'Agent pod:',
  connection: "Connection (as kubectl's):",
} as const;
