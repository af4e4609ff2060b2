import { test } from 'vitest';
import { expectWrong, type Wrong } from '../../support/wrong-input.ts';

const wrong: readonly Wrong[] = [
  ['net --delay 5ms', 'TARGET is required: name a pod, or a workload such as deploy/web, or use --selector'],
  [
    'net web',
    'no fault specified: use --delay, --loss, --loss-model, --corrupt, --duplicate, --rate, --partition or --reject',
  ],
  ['net web --jitter 5ms', '--jitter requires --delay'],
  ['net web --delay 5', '--delay "5": must be a duration such as 20ms or 1.5s; did you mean 5ms?'],
  ['net web --delay 0s', '--delay "0s": must be from 1ms to 4m'],
  ['net web --delay 5m', '--delay "5m": must be from 1ms to 4m'],
  ['net web --delay -5ms', '--delay "-5ms": must be a duration such as 20ms or 1.5s'],
  ['net web --delay 100us', '--delay "100us": must be a duration such as 20ms or 1.5s'],
  [
    'net web --delay 10ms --jitter 20ms',
    '--jitter "20ms": must be at most --delay 10ms, since a packet cannot be early',
  ],
  ['net web --delay 10ms --correlation 25%', '--correlation requires --jitter: it applies to the jitter'],
  ['net web --delay 10ms --distribution normal', '--distribution requires --jitter: it applies to the jitter'],
  [
    'net web --delay 10ms --jitter 5ms --distribution gauss',
    '--distribution "gauss": must be one of: normal, uniform, pareto, paretonormal',
  ],
  ['net web --delay 10ms --jitter 5ms --correlation 101%', '--correlation "101%": must be from 0.0001% to 100%'],
  ['net web --loss 120%', '--loss "120%": must be from 0.0001% to 100%'],
  ['net web --loss 0%', '--loss "0%": must be from 0.0001% to 100%'],
  ['net web --loss 2', '--loss "2": must be a percentage such as 2%; did you mean 2%?'],
  ['net web --loss 0.02', '--loss "0.02": must be a percentage such as 2%; did you mean 0.02%?'],
  ['net web --loss lots', '--loss "lots": must be a percentage such as 2%'],
  ['net web --loss -2%', '--loss "-2%": must be a percentage such as 2%'],
  ['net web --loss 2%,25%,3%', '--loss "2%,25%,3%": must be PERCENT or PERCENT,CORRELATION, such as 2% or 2%,25%'],
  ['net web --loss 2%,', '--loss "": must be a percentage such as 2%'],
  ['net web --loss 2% --loss-model gemodel', '--loss and --loss-model are mutually exclusive'],
  ['net web --loss-model gemodel', '--loss-model "gemodel": must be gemodel P [R [1-H [1-K]]], each a percentage'],
  [
    'net web --loss-model=bernoulli,1%',
    '--loss-model "bernoulli,1%": must begin with gemodel or state, such as "gemodel 1% 10%"',
  ],
  [
    'net web --loss-model gemodel,1%,2%,3%,4%,5%',
    '--loss-model "gemodel,1%,2%,3%,4%,5%": must be gemodel P [R [1-H [1-K]]], each a percentage',
  ],
  ['net web --loss-model gemodel,1', '--loss-model "1": must be a percentage such as 2%; did you mean 1%?'],
  ['net web --loss-model state,0%', '--loss-model "0%": must be from 0.0001% to 100%'],
  ['net web --corrupt 200%', '--corrupt "200%": must be from 0.0001% to 100%'],
  ['net web --duplicate %', '--duplicate "%": must be a percentage such as 2%'],
  ['net web --reorder 25%', '--reorder requires --delay: packets that are not delayed overtake the others'],
  ['net web --rate 0', '--rate "0": must be a rate in bits per second such as 500kbit, 1mbit or 1gbit'],
  ['net web --rate 0mbit', '--rate "0mbit": must be from 1kbit to 100gbit'],
  [
    'net web --rate 1mbps',
    '--rate "1mbps": must be a rate in bits per second such as 500kbit, 1mbit or 1gbit; for bits per second use 1mbit',
  ],
  [
    'net web --rate 10Mi',
    '--rate "10Mi": must be a rate in bits per second such as 500kbit, 1mbit or 1gbit; for bits per second use 10mbit',
  ],
  [
    'net web --rate 1MB/s',
    '--rate "1MB/s": must be a rate in bits per second such as 500kbit, 1mbit or 1gbit; for bits per second use 1mbit',
  ],
  [
    'net web --rate 1000',
    '--rate "1000": must be a rate in bits per second such as 500kbit, 1mbit or 1gbit; for bits per second use 1000bit',
  ],
  ['net web --rate 200gbit', '--rate "200gbit": must be from 1kbit to 100gbit'],
  ['net web --rate fast', '--rate "fast": must be a rate in bits per second such as 500kbit, 1mbit or 1gbit'],
  ['net web --burst 32Ki', '--burst requires --rate: it is the size of the token bucket'],
  ['net web --rate 1mbit --burst 32kb', '--burst "32kb": must be a size in bytes such as 32Ki or 1M'],
  ['net web --rate 1mbit --burst 100', '--burst "100": must be at least 1500 bytes, the size of a packet'],
  ['net web --rate 1mbit --burst 1Gi', '--burst "1Gi": must be at most what --rate 1mbit sends in a minute, and 2Gi'],
  [
    'net web --partition --reject',
    '--partition and --reject are mutually exclusive: packets are either dropped or rejected',
  ],
  [
    'net web --partition --delay 5ms',
    '--partition and --delay are mutually exclusive: packets that are dropped or rejected cannot be shaped',
  ],
  [
    'net web --reject --loss-model gemodel,1%',
    '--reject and --loss-model are mutually exclusive: packets that are dropped or rejected cannot be shaped',
  ],
  ['net web --partition=maybe', '--partition "maybe": must be true or false'],
  [
    'net web --partition --port 70000',
    '--port "70000": must be a number from 1 to 65535, or a range such as 8000-8080',
  ],
  ['net web --partition --port 0', '--port "0": must be a number from 1 to 65535, or a range such as 8000-8080'],
  ['net web --partition --port 80,', '--port "": must be a number from 1 to 65535, or a range such as 8000-8080'],
  ['net web --partition --port http', '--port "http": must be a number from 1 to 65535, or a range such as 8000-8080'],
  ['net web --partition --port 90-80', '--port "90-80": must begin with the lower port; did you mean 80-90?'],
  [
    'net web --partition --port 80:90',
    '--port "80:90": must be a number from 1 to 65535, or a range such as 8000-8080',
  ],
  ['net web --partition --protocol sctp', '--protocol "sctp": must be one of: tcp, udp, icmp'],
  [
    'net web --partition --protocol icmp --port 80',
    '--port and --protocol icmp are mutually exclusive: ICMP has no ports',
  ],
  [
    'net web --partition --to 10.1.2.3/8',
    '--to "10.1.2.3/8": has host bits set; did you mean 10.0.0.0/8, or 10.1.2.3 alone?',
  ],
  [
    'net web --partition --to 10.0.0.0/33',
    '--to "10.0.0.0/33": must be an IP address or a CIDR such as 10.0.0.0/8 or fd00::/8',
  ],
  ['net web --partition --to 10.0.0', '--to "10.0.0": must be an IP address or a CIDR such as 10.0.0.0/8 or fd00::/8'],
  [
    'net web --partition --to 10.0.0.256',
    '--to "10.0.0.256": must be an IP address or a CIDR such as 10.0.0.0/8 or fd00::/8',
  ],
  [
    'net web --partition --to fd00::/129',
    '--to "fd00::/129": must be an IP address or a CIDR such as 10.0.0.0/8 or fd00::/8',
  ],
  [
    'net web --partition --to fd00::1::2',
    '--to "fd00::1::2": must be an IP address or a CIDR such as 10.0.0.0/8 or fd00::/8',
  ],
  [
    'net web --partition --to fe80::1%eth0',
    '--to "fe80::1%eth0": must be an IP address or a CIDR such as 10.0.0.0/8 or fd00::/8',
  ],
  [
    'net web --partition --to ::ffff:10.0.0.1',
    '--to "::ffff:10.0.0.1": is an IPv4-mapped IPv6 address; did you mean 10.0.0.1?',
  ],
  ['net web --partition --to db,', '--to "": must not be empty'],
  ['net web --partition --to db..example', '--to "db..example": must be an address, a host name, svc/NAME or pod/NAME'],
  ['net web --partition --to http://db', '--to "http://db": must not be a URL; use --to db --port 80'],
  [
    'net web --partition --to https://a.example/x',
    '--to "https://a.example/x": must not be a URL; use --to a.example --port 443',
  ],
  ['net web --partition --to tcp://db:5432', '--to "tcp://db:5432": must not be a URL; use --to db --port 5432'],
  ['net web --partition --to amqp://mq', '--to "amqp://mq": must not be a URL; use --to mq'],
  ['net web --partition --to svc/db:5432', '--to "svc/db:5432": must not contain a port; use --to svc/db --port 5432'],
  [
    'net web --partition --to 10.0.0.0/8:80',
    '--to "10.0.0.0/8:80": must not contain a port; use --to 10.0.0.0/8 --port 80',
  ],
  ['net web --partition --to db:5432', '--to "db:5432": must not contain a port; use --to db --port 5432'],
  ['net web --partition --to svc/', '--to "svc/": "" is not a valid name of a service'],
  [
    'net web --partition --to svc/db.shop',
    '--to "svc/db.shop": "db.shop" is not a valid name of a service; did you mean shop/svc/db?',
  ],
  ['net web --partition --to svc/Db', '--to "svc/Db": "Db" is not a valid name of a service'],
  [
    'net web --partition --to srv/db',
    '--to "srv/db": "srv" is not a supported kind (svc, pod, or a workload such as deploy)',
  ],
  [
    'net web --partition --to node/n1',
    '--to "node/n1": "node" is not a supported kind (svc, pod, or a workload such as deploy)',
  ],
  [
    'net web --partition --to deplyo/web',
    '--to "deplyo/web": "deplyo" is not a supported kind (svc, pod, or a workload such as deploy); did you mean deploy/web?',
  ],
  [
    'net web --partition --from a/b/c/d',
    '--from "a/b/c/d": must be an address, a host name, KIND/NAME or NAMESPACE/KIND/NAME',
  ],
  ['net web --partition --from Shop/svc/db', '--from "Shop/svc/db": "Shop" is not a valid namespace name'],
  [
    'net web --except pod/Web --partition',
    '--except "pod/Web": "Web" is not a valid name of a Kubernetes object (lower-case letters, digits, "-" and ".")',
  ],
  [
    'net web --partition --interface eth0@if3/x',
    '--interface "eth0@if3/x": must be the name of a network interface such as eth0',
  ],
  [
    'net web --partition --interface averyverylongname',
    '--interface "averyverylongname": must be the name of a network interface such as eth0',
  ],
  ['net web --partition --direction in', '--direction "in": must be one of: egress, ingress, both'],
  [
    'net web --partition --direction egress --from 10.0.0.0/8',
    '--direction egress and --from are mutually exclusive: use --to to select what the target sends',
  ],
  [
    'net web --partition --direction ingress --to 10.0.0.0/8',
    '--direction ingress and --to are mutually exclusive: use --from to select what the target receives',
  ],
  // It runs no program in the target that could be somebody.
  ['net web --partition --run-as root', 'unknown flag --run-as; it is a flag of stress and io'],
  ['net web --partition --grace 5s', 'unknown flag --grace; it is a flag of stress and io'],
  ['net web --partition --cpu 2', 'unknown flag --cpu; it is a flag of stress'],
  ['net web --partition -- --delay', 'net takes no arguments after "--": it runs no program in the target'],
  ['net web --delya 5ms', 'unknown flag --delya; did you mean --delay?'],
  ['net secret/web --partition', 'TARGET "secret/web": "secret" is not a supported kind'],
  [
    'net web Api --partition',
    'TARGET "Api": "Api" is not a valid name of a Kubernetes object (lower-case letters, digits, "-" and ".")',
  ],
  [['net', 'web', '--partition', '--to', ''], '--to "": must not be empty'],
  [['net', 'web', '--delay', ''], '--delay "": must be a duration such as 20ms or 1.5s'],
  [['net', 'web', '--loss-model', ''], '--loss-model "": must begin with gemodel or state, such as "gemodel 1% 10%"'],
  [
    ['net', 'web', '--partition', '--interface', ''],
    '--interface "": must be the name of a network interface such as eth0',
  ],
];

test.each(wrong)('%j', expectWrong);
