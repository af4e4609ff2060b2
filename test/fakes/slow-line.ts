import { type AddressInfo, connect, createServer, type Socket } from 'node:net';

/** What a line lets through, each way. */
export interface Line {
  bytesPerSecond: number;
  /** From one end to the other. */
  delayMs: number;
}

export interface SlowLine {
  /** Of its end on loopback. */
  port: number;
  /** Bytes that clients have sent through it so far. */
  sent(): number;
  /** Breaks every connection that there is; new ones are let in. */
  cut(): void;
  stop(): void;
}

/** How much waits at the near end before the sender is held up: as many milliseconds of what the line lets through. */
const bufferedMs = 20;

/** A TCP proxy on loopback to `host` and `port` whose every connection is a line of its own: narrow and long. TLS goes through it untouched. */
export async function startSlowLine(host: string, port: number, line: Line): Promise<SlowLine> {
  const sockets = new Set<Socket>();
  let sent = 0;
  const keep = (socket: Socket, other: Socket): void => {
    sockets.add(socket);
    socket.on('error', () => other.destroy()).on('close', () => sockets.delete(socket));
  };
  const listener = createServer({ allowHalfOpen: true }, (client) => {
    const server = connect({ port, host, allowHalfOpen: true });
    keep(client, server);
    keep(server, client);
    client.on('data', ({ length }) => {
      sent += length;
    });
    carry(client, server, line);
    carry(server, client, line);
  });
  await new Promise<void>((resolve) => listener.listen(0, '127.0.0.1', resolve));
  const cut = () => {
    for (const socket of sockets) socket.destroy();
  };
  return {
    port: (listener.address() as AddressInfo).port,
    sent: () => sent,
    cut,
    stop: () => {
      listener.close();
      cut();
    },
  };
}

function carry(from: Socket, to: Socket, { bytesPerSecond, delayMs }: Line): void {
  /** Undefined: the end. */
  const onItsWay: { at: number; data: Buffer | undefined }[] = [];
  /** When the near end has let go of all that it was given. */
  let freeAt = 0;
  let timer: NodeJS.Timeout | undefined;
  const arrive = (): void => {
    timer = undefined;
    for (let first = onItsWay[0]; first; first = onItsWay[0]) {
      if (first.at > performance.now()) {
        timer = setTimeout(arrive, first.at - performance.now());
        return;
      }
      onItsWay.shift();
      if (first.data) to.write(first.data);
      else to.end();
    }
  };
  const give = (data: Buffer | undefined): void => {
    const now = performance.now();
    freeAt = Math.max(now, freeAt) + ((data?.length ?? 0) / bytesPerSecond) * 1_000;
    onItsWay.push({ at: freeAt + delayMs, data });
    timer ??= setTimeout(arrive, freeAt + delayMs - now);
    if (!data || freeAt - now < bufferedMs) return;
    from.pause();
    setTimeout(() => from.resume(), freeAt - now);
  };
  // Of one that breaks there is no end before its close.
  from
    .on('data', give)
    .on('end', () => give(undefined))
    .on('close', () => give(undefined));
  to.on('close', () => {
    clearTimeout(timer);
    onItsWay.length = 0;
  });
}
