/**
 * Runs in a network namespace: serves TCP and UDP on the addresses and ports of its two arguments, and holds the conversations that stdin asks for, one JSON a line.
 * A TCP server answers what it gets with as many bytes as it is asked for.
 */
import { createSocket } from 'node:dgram';
import { connect, createServer } from 'node:net';
import { createInterface } from 'node:readline';

export interface Talk {
  protocol: 'tcp' | 'udp';
  host: string;
  port: number;
  /** Bytes that the asking side sends, and then the other. */
  send?: number;
  receive?: number;
  /** The asking side's own address; absent: any. */
  from?: string;
}

type Conversation = Talk & { id: number };

const silence = 250;
const patience = 10_000;

const [addresses = [], ports = []] = process.argv.slice(2).map((list) => list.split(','));

for (const port of ports.map(Number)) {
  createServer((socket) => {
    socket.on('error', () => undefined);
    let wanted: { send: number; receive: number } | undefined;
    let got = 0;
    socket.on('data', (data) => {
      if (!wanted) {
        const end = data.indexOf('\n');
        wanted = JSON.parse(data.subarray(0, end).toString());
        got = -end - 1;
      }
      got += data.length;
      if (wanted && got >= wanted.send) socket.end(Buffer.alloc(wanted.receive, 'x'));
    });
  }).listen(port, '::');
  // Bound to one address each, or the answer of a host with several may come from another.
  for (const address of addresses) {
    const udp = createSocket(address.includes(':') ? 'udp6' : 'udp4');
    udp.on('message', (_data, from) => udp.send('answer', from.port, from.address));
    udp.bind(port, address);
  }
}

function speakTcp({ host, port, send = 0, receive = 1, from }: Conversation): Promise<string> {
  return new Promise((resolve) => {
    const socket = connect({ host, port, ...(from ? { localAddress: from } : {}) });
    const timer = setTimeout(() => done('silent'), send + receive > 1 ? patience : silence);
    let got = 0;
    const done = (outcome: string) => {
      clearTimeout(timer);
      socket.destroy();
      resolve(outcome);
    };
    socket.on('connect', () => {
      socket.write(`${JSON.stringify({ send, receive })}\n`);
      socket.write(Buffer.alloc(send, 'x'));
    });
    socket.on('data', (data) => {
      got += data.length;
      if (got >= receive) done('answered');
    });
    socket.on('error', (error: NodeJS.ErrnoException) => done(error.code ?? 'error'));
  });
}

function speakUdp({ host, port, from }: Conversation): Promise<string> {
  return new Promise((resolve) => {
    const socket = createSocket(host.includes(':') ? 'udp6' : 'udp4');
    const timer = setTimeout(() => done('silent'), silence);
    const done = (outcome: string) => {
      clearTimeout(timer);
      socket.close();
      resolve(outcome);
    };
    socket.on('error', (error: NodeJS.ErrnoException) => done(error.code ?? 'error'));
    socket.on('message', () => done('answered'));
    socket.bind(0, from, () =>
      // Connected, so that an ICMP error comes back as one.
      socket.connect(port, host, () =>
        socket.send('question', (error) => error && done((error as NodeJS.ErrnoException).code ?? 'error')),
      ),
    );
  });
}

createInterface(process.stdin).on('line', async (line) => {
  const conversation: Conversation = JSON.parse(line);
  const began = performance.now();
  const outcome = await (conversation.protocol === 'tcp' ? speakTcp(conversation) : speakUdp(conversation));
  process.stdout.write(`${JSON.stringify({ id: conversation.id, outcome, ms: performance.now() - began })}\n`);
});
process.stdin.on('end', () => process.exit(0));
process.stdout.write('{"id":0}\n');
