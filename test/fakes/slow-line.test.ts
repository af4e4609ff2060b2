import { randomBytes } from 'node:crypto';
import { type AddressInfo, connect, createServer } from 'node:net';
import { expect, test } from 'vitest';
import { startSlowLine } from './slow-line.ts';

/** Answers with what it is sent, once it is sent no more. */
async function startEcho() {
  const server = createServer({ allowHalfOpen: true }, (socket) => void socket.pipe(socket));
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  return { port: (server.address() as AddressInfo).port, stop: () => server.close() };
}

test('a slow line carries every byte in order, no faster than it may and no sooner than it can', async () => {
  const echo = await startEcho();
  const line = await startSlowLine('127.0.0.1', echo.port, { bytesPerSecond: 2e6, delayMs: 20 });
  const data = randomBytes(200_000);
  const began = performance.now();
  try {
    const heard = await new Promise<Buffer>((resolve, reject) => {
      const parts: Buffer[] = [];
      const socket = connect({ port: line.port, host: '127.0.0.1' });
      socket.on('data', (part) => parts.push(part)).on('end', () => resolve(Buffer.concat(parts)));
      socket.on('error', reject).end(data);
    });
    expect(heard.equals(data)).toBe(true);
    expect(line.sent()).toBe(data.length);
    // The last byte is a tenth of a second behind the first, and twice the delay behind its sending.
    expect(performance.now() - began).toBeGreaterThan(135);
  } finally {
    line.stop();
    echo.stop();
  }
});
