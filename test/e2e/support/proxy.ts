import type { AddressInfo } from 'node:net';
import { connect, createServer, type Server, type Socket } from 'node:net';

/** A TCP proxy on loopback in front of the API server, which a test cuts or makes silent. TLS goes through it untouched. */
export class ServerProxy {
  readonly #pairs = new Set<readonly [client: Socket, server: Socket]>();
  readonly #listener: Server;
  #silent = false;

  private constructor(host: string, port: number) {
    this.#listener = createServer((client) => {
      const server = connect(port, host);
      const pair = [client, server] as const;
      this.#pairs.add(pair);
      const end = (): void => {
        this.#pairs.delete(pair);
        client.destroy();
        server.destroy();
      };
      for (const socket of pair) socket.on('error', end).on('close', end);
      client.on('data', (chunk) => void (this.#silent || server.write(chunk)));
      server.on('data', (chunk) => void (this.#silent || client.write(chunk)));
    });
  }

  static async start(to: URL): Promise<ServerProxy> {
    const proxy = new ServerProxy(to.hostname, Number(to.port || 443));
    await new Promise<void>((resolve) => proxy.#listener.listen(0, '127.0.0.1', resolve));
    return proxy;
  }

  get url(): string {
    return `https://127.0.0.1:${(this.#listener.address() as AddressInfo).port}`;
  }

  /** Breaks every connection; new ones are taken. */
  breakAll(): void {
    for (const [client, server] of this.#pairs) {
      client.destroy();
      server.destroy();
    }
  }

  /** Breaks every connection, and refuses new ones. */
  close(): void {
    this.#listener.close();
    this.breakAll();
  }

  /** Connections stay, and new ones are taken, but nothing goes through any more. */
  silence(): void {
    this.#silent = true;
  }
}
