import { test } from 'vitest';
import { expectWrong, type Wrong } from '../../support/wrong-input.ts';

const signalHelp = 'must be a signal such as TERM, KILL, HUP or USR1, or its number from 1 to 31';
const matchHelp = 'must be a name or a pattern, such as nginx or "*worker*"';
const asWhole = 'a pod is deleted as a whole, and once';
const noDetach = '--detach: not possible for kill: with each signal this command names the container that runs by then';

const wrong: readonly Wrong[] = [
  ['kill', 'TARGET is required: name a pod, or a workload such as deploy/web, or use --selector'],
  ['kill web --signal', '--signal requires a value'],
  [['kill', 'web', '--signal', ''], `--signal "": ${signalHelp}`],
  ['kill web --signal SIG', `--signal "SIG": ${signalHelp}`],
  ['kill web --signal TREM', `--signal "TREM": ${signalHelp}`],
  ['kill web --signal 0', `--signal "0": ${signalHelp}`],
  ['kill web --signal -9', `--signal "-9": ${signalHelp}`],
  ['kill web --signal 32', `--signal "32": ${signalHelp}`],
  ['kill web --signal 64', `--signal "64": ${signalHelp}`],
  ['kill web --signal 1.5', `--signal "1.5": ${signalHelp}`],
  ['kill web --signal RTMIN', `--signal "RTMIN": ${signalHelp}`],
  ['kill web --signal RTMIN+1', `--signal "RTMIN+1": ${signalHelp}`],
  ['kill web --signal __proto__', `--signal "__proto__": ${signalHelp}`],
  ['kill web --signal constructor', `--signal "constructor": ${signalHelp}`],
  ...['STOP', 'SIGSTOP', '19', 'CONT', '18', 'TSTP', 'TTIN', 'TTOU'].map((text): Wrong => {
    const name = { 18: 'CONT', 19: 'STOP' }[text] ?? text.replace(/^SIG/, '');
    return [
      `kill web --signal ${text}`,
      `--signal "${text}": SIG${name} stops a process or has it go on, and kills none`,
    ];
  }),
  ['kill web --match', '--match requires a value'],
  [['kill', 'web', '--match', ''], `--match "": ${matchHelp}`],
  [['kill', 'web', '--match', ' '], `--match " ": ${matchHelp}`],
  [['kill', 'web', '--match', 'a\0b'], '--match "a\\u0000b": must not contain control characters'],
  [['kill', 'web', '--match', 'a\nb'], '--match "a\\nb": must not contain control characters'],
  [['kill', 'web', '--match', 'ä'.repeat(65)], '--match: must be at most 128 bytes'],
  ['kill web --match a --pid1', '--pid1 and --match are mutually exclusive'],
  ['kill web --all-processes --pid1', '--pid1 and --all-processes are mutually exclusive'],
  ['kill web --match a --all-processes', '--match and --all-processes are mutually exclusive'],
  ['kill web --every', '--every requires a value'],
  ['kill web --every 10', '--every "10": must be a duration such as 30s, 5m or 1h30m; did you mean 10s?'],
  ['kill web --every 500ms', '--every "500ms": must be from 1s to 24h'],
  ['kill web --every 25h', '--every "25h": must be from 1s to 24h'],
  ['kill web --every 1m', '--every 1m: must be less than --duration (1m)'],
  ['kill web --every 2m --duration 90s', '--every 2m: must be less than --duration (1m30s)'],
  ['kill web --duration 5m', '--duration requires --every: what is killed once takes no time'],
  ['kill web --grace-period 5', '--grace-period requires --pod'],
  ['kill web --pod --grace-period', '--grace-period requires a value'],
  ['kill web --pod --grace-period 5s', '--grace-period "5s": must be a whole number from 0 to 86400'],
  ['kill web --pod --grace-period -1', '--grace-period "-1": must be a whole number from 0 to 86400'],
  ['kill web --pod --grace-period 86401', '--grace-period "86401": must be a whole number from 0 to 86400'],
  ['kill web --expect-ready-within', '--expect-ready-within requires a value'],
  [
    'kill web --expect-ready-within 30',
    '--expect-ready-within "30": must be a duration such as 30s, 5m or 1h30m; did you mean 30s?',
  ],
  ['kill web --expect-ready-within 0s', '--expect-ready-within "0s": must be from 1s to 1h'],
  ['kill web --expect-ready-within 2h', '--expect-ready-within "2h": must be from 1s to 1h'],
  ['kill web --pod --signal KILL', `--pod and --signal are mutually exclusive: ${asWhole}`],
  ['kill web --pod --match a', `--pod and --match are mutually exclusive: ${asWhole}`],
  ['kill web --pod --pid1', `--pod and --pid1 are mutually exclusive: ${asWhole}`],
  ['kill web --pod --all-processes', `--pod and --all-processes are mutually exclusive: ${asWhole}`],
  ['kill web --pod --every 5s', `--pod and --every are mutually exclusive: ${asWhole}`],
  ['kill web --pod --detach', `--pod and --detach are mutually exclusive: ${asWhole}`],
  ['kill web --pod --lease 20s', `--pod and --lease are mutually exclusive: ${asWhole}`],
  ['kill web --pod --no-attach', `--pod and --no-attach are mutually exclusive: ${asWhole}`],
  ['kill web --pod --duration 20s', '--duration requires --every: what is killed once takes no time'],
  ['kill web --pod -c app', '--pod deletes all containers of a pod: leave --container and --all-containers out'],
  [
    'kill web --pod --all-containers',
    '--pod deletes all containers of a pod: leave --container and --all-containers out',
  ],
  ['kill web --detach', noDetach],
  ['kill web --every 5s --detach', noDetach],
  ['kill web --no-attach', '--no-attach: not possible for kill, which asks its agent questions over the attach'],
  ['kill web -- nginx', 'kill takes no arguments after "--"'],
  ['kill web --sgnal TERM', 'unknown flag --sgnal; did you mean --signal?'],
  ['kill web --pods', 'unknown flag --pods; did you mean --pod?'],
];

test.each(wrong)('%j', expectWrong);
