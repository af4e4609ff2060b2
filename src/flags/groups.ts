/** Headings of help that more than one command has. */
export const groups = {
  fault: 'Fault:',
  choice: 'Selection:',
  targets: 'Targets:',
  run: 'Experiment:',
  agent: 'Agent pod:',
  connection: "Connection (as kubectl's):",
} as const;
