import { test } from 'vitest';
import { expectWrong, type Wrong } from '../../support/wrong-input.ts';

const nothing = 'no fault specified: use --mode, --fill, --fill-inodes or --throttle';
const limit =
  'must be write=SIZE, read=SIZE, write-iops=NUMBER or read-iops=NUMBER, such as write=1Mi,read=4Mi,write-iops=50';
const operations = 'must be a whole number of operations per second from 1 to 1M';
const inodes = 'must be a whole number from 1 to 1G, or a percentage such as 95%';

const wrong: readonly Wrong[] = [
  [
    'io --path /data --mode write',
    'TARGET is required: name a pod, or a workload such as deploy/web, or use --selector',
  ],
  [
    'io db A --path /data --mode write',
    'TARGET "A": "A" is not a valid name of a Kubernetes object (lower-case letters, digits, "-" and ".")',
  ],
  ['io db --mode write', '--path is required: name a directory in the container, such as /data'],
  ['io db --path', '--path requires a value'],
  [
    ['io', 'db', '--path', '', '--mode', 'write'],
    '--path "": must be an absolute path in the container, such as /data',
  ],
  ['io db --path data --mode write', '--path "data": must be an absolute path in the container, such as /data'],
  ['io db --path ./data --mode write', '--path "./data": must be an absolute path in the container, such as /data'],
  ['io db --path ~/data --mode write', '--path "~/data": must be an absolute path in the container, such as /data'],
  ['io db --mode write --path --size', '--path "--size": must be an absolute path in the container, such as /data'],
  [['io', 'db', '--path', '/a\nb', '--mode', 'write'], '--path "/a\\nb": must not contain control characters'],
  [['io', 'db', '--path', '/a\u009bb', '--mode', 'write'], '--path "/ab": must not contain control characters'],
  [['io', 'db', '--path', '/a\0b', '--mode', 'write'], '--path "/a\\u0000b": must not contain control characters'],
  [['io', 'db', '--path', `/${'ä'.repeat(2_048)}`, '--mode', 'write'], '--path: must be at most 4095 bytes'],
  ['io db --path /data', nothing],
  ['io db --path /data --duration 5m', nothing],
  ['io db --path /data --workers 2', '--workers requires --mode'],
  ['io db --path /data --size 1Gi', '--size requires --mode'],
  ['io db --path /data --fill 1Gi --block-size 4Ki', '--block-size requires --mode'],
  ['io db --path /data --leave 1Gi', '--leave requires --fill or --fill-inodes'],
  ['io db --path /data --mode write --leave 1Gi', '--leave requires --fill or --fill-inodes'],
  [
    'io db --path /data --mode write --fill 95%',
    '--mode and --fill are mutually exclusive: an experiment loads, fills or throttles a disk',
  ],
  [
    'io db --path /data --fill-inodes 95% --throttle write=1Mi',
    '--fill-inodes and --throttle are mutually exclusive: an experiment loads, fills or throttles a disk',
  ],
  [
    'io db --path /data --throttle write=1Mi --mode read',
    '--mode and --throttle are mutually exclusive: an experiment loads, fills or throttles a disk',
  ],
  [
    'io db --path /data --mode write --rate 10Mi',
    '--rate is not supported: stress-ng cannot limit its I/O rate; to limit that of the container use --throttle write=1Mi,read=4Mi',
  ],
  ['io db --path /data --mode append', '--mode "append": must be one of: read, write, mixed, metadata, sync'],
  [
    'io db --path /data --mode Write',
    '--mode "Write": must be one of: read, write, mixed, metadata, sync; did you mean write?',
  ],
  [['io', 'db', '--path', '/data', '--mode', ''], '--mode "": must be one of: read, write, mixed, metadata, sync'],
  ['io db --path /data --mode write --workers 0', '--workers "0": must be a whole number from 1 to 256'],
  ['io db --path /data --mode write --workers 1.5', '--workers "1.5": must be a whole number from 1 to 256'],
  ['io db --path /data --mode write --workers 257', '--workers "257": must be a whole number from 1 to 256'],
  ['io db --path /data --mode write --size 0', '--size "0": must be from 1Mi to 1Pi'],
  ['io db --path /data --mode write --size 1023Ki', '--size "1023Ki": must be from 1Mi to 1Pi'],
  ['io db --path /data --mode write --size 2Pi', '--size "2Pi": must be from 1Mi to 1Pi'],
  ['io db --path /data --mode write --size 1GB', '--size "1GB": must be a size such as 512Mi or 1G; did you mean 1G?'],
  ['io db --path /data --mode write --size -1Gi', '--size "-1Gi": must be a size such as 512Mi or 1G'],
  ['io db --path /data --mode write --size 10%', '--size "10%": must be a size such as 512Mi or 1G'],
  ['io db --path /data --mode write --block-size 512', '--block-size "512": must be from 4Ki to 4Mi'],
  ['io db --path /data --mode write --block-size 8Mi', '--block-size "8Mi": must be from 4Ki to 4Mi'],
  ['io db --path /data --mode write --block-size 6Ki', '--block-size "6Ki": must be a multiple of 4Ki'],
  ['io db --path /data --mode write --size 1Mi --block-size 2Mi', '--block-size "2Mi": must be at most --size 1Mi'],
  ['io db --path /data --mode metadata --size 1Gi', '--size cannot be used with --mode metadata: its files are empty'],
  [
    'io db --path /data --mode metadata --block-size 4Ki',
    '--block-size cannot be used with --mode metadata: its files are empty',
  ],
  [
    'io db --path /data --mode read --block-size 4Ki',
    '--block-size cannot be used with --mode read: stress-ng chooses the size itself; with --mode mixed it can be set',
  ],
  ['io db --path /data --fill 0%', '--fill "0%": must be from 1% to 100%'],
  ['io db --path /data --fill 101%', '--fill "101%": must be from 1% to 100%'],
  ['io db --path /data --fill -5%', '--fill "-5%": must be a percentage such as 2%'],
  ['io db --path /data --fill 95', '--fill "95": must be a size such as 512Mi, or a percentage; did you mean 95%?'],
  [
    'io db --path /data --fill 0.95',
    '--fill "0.95": must be a size such as 512Mi, or a percentage; did you mean 0.95%?',
  ],
  ['io db --path /data --fill lots', '--fill "lots": must be a size such as 512Mi or 1G, or a percentage such as 80%'],
  ['io db --path /data --fill 1000', '--fill "1000": must be from 4Ki to 1Pi, or a percentage; did you mean 1000Mi?'],
  [
    ['io', 'db', '--path', '/data', '--fill', ''],
    '--fill "": must be a size such as 512Mi or 1G, or a percentage such as 80%',
  ],
  ['io db --path /data --fill-inodes 0', `--fill-inodes "0": ${inodes}`],
  ['io db --path /data --fill-inodes 1.5', `--fill-inodes "1.5": ${inodes}`],
  ['io db --path /data --fill-inodes 2G', `--fill-inodes "2G": ${inodes}`],
  ['io db --path /data --fill-inodes all', `--fill-inodes "all": ${inodes}`],
  ['io db --path /data --fill-inodes 200%', '--fill-inodes "200%": must be from 1% to 100%'],
  ['io db --path /data --fill 95% --leave 5%', '--leave "5%": must be a size such as 512Mi or 1G'],
  ['io db --path /data --fill 95% --leave -1', '--leave "-1": must be a size such as 512Mi or 1G'],
  ['io db --path /data --throttle 1Mi', `--throttle "1Mi": ${limit}`],
  ['io db --path /data --throttle write', `--throttle "write": ${limit}`],
  ['io db --path /data --throttle delete=1Mi', `--throttle "delete=1Mi": ${limit}`],
  ['io db --path /data --throttle constructor=1Mi', `--throttle "constructor=1Mi": ${limit}`],
  ['io db --path /data --throttle write=1Mi=2', `--throttle "write=1Mi=2": ${limit}`],
  ['io db --path /data --throttle write=1Mi,', `--throttle "": ${limit}`],
  [['io', 'db', '--path', '/data', '--throttle', ''], `--throttle "": ${limit}`],
  ['io db --path /data --throttle write=1Mi,write=2Mi', '--throttle "write=2Mi": write is given twice'],
  ['io db --path /data --throttle read=1Mi --throttle read=1Mi', '--throttle "read=1Mi": read is given twice'],
  ['io db --path /data --throttle write=', '--throttle write "": must be a size such as 512Mi or 1G'],
  ['io db --path /data --throttle write=1k', '--throttle write "1k": must be from 4Ki to 1Ti'],
  [
    'io db --path /data --throttle read=1MB',
    '--throttle read "1MB": must be a size such as 512Mi or 1G; did you mean 1M?',
  ],
  ['io db --path /data --throttle read=1Mi/s', '--throttle read "1Mi/s": must be a size such as 512Mi or 1G'],
  [
    'io db --path /data --throttle write=50%',
    '--throttle "write=50%": must be a size such as 1Mi; percentages are not supported',
  ],
  ['io db --path /data --throttle write-iops=0', `--throttle "write-iops=0": ${operations}`],
  ['io db --path /data --throttle write-iops=0.5', `--throttle "write-iops=0.5": ${operations}`],
  ['io db --path /data --throttle read-iops=2M', `--throttle "read-iops=2M": ${operations}`],
  ['io db --path /data --throttle read-iops=', `--throttle "read-iops=": ${operations}`],
  ['io db --path /data --mode write --grace -1s', '--grace "-1s": must be a duration such as 30s, 5m or 1h30m'],
  ['io db --path /data --mode write --cpu 2', 'unknown flag --cpu; it is a flag of stress'],
  ['io db --paht /data --mode write', 'unknown flag --paht; did you mean --path?'],
  ['io db --path /data --mode write --allow-node-disk=maybe', '--allow-node-disk "maybe": must be true or false'],
  [
    'io db --path /data -- --hdd 1',
    'io takes no arguments after "--"; to pass stress-ng arguments use "kubectl chaos stress"',
  ],
  ['io secret/db --path /data --mode write', 'TARGET "secret/db": "secret" is not a supported kind'],
];

test.each(wrong)('%j', expectWrong);
