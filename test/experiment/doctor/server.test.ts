import { describe, expect, test } from 'vitest';
import { judgeClock, judgeCredentials, judgeServer } from '../../../src/experiment/doctor/server.ts';
import type { CredentialFacts, ServerFacts } from '../../../src/facts.ts';

const at = new Date('2026-06-01T12:00:00Z');
const later = (ms: number) => new Date(at.getTime() + ms);
const server = (change: Partial<ServerFacts> = {}): ServerFacts => ({
  ...{ version: 'v1.33.1', minor: 33, date: at, asked: at, answered: at },
  ...change,
});

describe('the version', () => {
  const judge = (minor: number | undefined) =>
    judgeServer(server({ version: `v1.${minor}.0`, minor }), '0.1.0', { context: 'prod', server: 'https://a' });

  test.each([
    [19, 'warning'],
    [20, 'ok'],
    [36, 'ok'],
    [37, 'warning'],
    [undefined, 'warning'],
  ])('1.%s: %s', (minor, state) => {
    expect(judge(minor).state).toBe(state);
  });

  test('says which cluster, and what was tried', () => {
    expect(judge(33).finding).toBe(
      'prod, https://a: Kubernetes v1.33.0; kubectl chaos 0.1.0 was tried with 1.20 to 1.36',
    );
    expect(judge(40).remedy).toContain('--dry-run=server');
  });
});

describe('credentials', () => {
  const hour = 3_600_000;
  const day = 24 * hour;
  const judge = (facts: Partial<CredentialFacts>) =>
    judgeCredentials({ kind: 'certificate', protection: 'tls', ...facts }, at).map(
      ({ state, finding }) => `${state}: ${finding}`,
    );

  test.each<[kind: CredentialFacts['kind'], ms: number, state: string]>([
    ['certificate', 8 * day, 'ok'],
    ['certificate', 6 * day, 'warning'],
    ['certificate', 0, 'problem'],
    ['token', 2 * hour, 'ok'],
    ['token', hour / 2, 'warning'],
    ['token', -1, 'problem'],
    // What is renewed under way does not end with what there is now.
    ['plugin', 60_000, 'ok'],
    ['token file', 1_000, 'ok'],
    ['token file', -1, 'warning'],
    ['oidc', 1_000, 'ok'],
  ])('%s that ends in %d ms: %s', (kind, ms, state) => {
    expect(judge({ kind, expires: later(ms) })[0]).toMatch(new RegExp(`^${state}: `));
  });

  test('say until when, and for how long', () => {
    expect(judge({ expires: later(2 * day) })).toEqual([
      'warning: a client certificate, valid for 48h more, until 2026-06-03T12:00:00Z',
    ]);
    expect(judge({ kind: 'token' })).toEqual(['ok: a bearer token']);
    expect(judge({ kind: 'none' })[0]).toMatch(/^warning: no credentials/);
  });

  test('say whom one impersonates, and by which way', () => {
    expect(judge({ kind: 'token', impersonated: 'on-call', proxy: 'p:3128' })).toEqual([
      'ok: a bearer token, as on-call, through the proxy p:3128',
    ]);
  });

  test('that nothing protects', () => {
    expect(judge({ kind: 'token', protection: 'unchecked' })).toEqual([
      'ok: a bearer token',
      "warning: the server's certificate is not checked (insecure-skip-tls-verify)",
    ]);
    expect(judge({ kind: 'none', protection: 'none' })).toEqual(['ok: none is sent, as the connection has no TLS']);
  });
});

describe('clocks', () => {
  const judge = (offMs: number, tookMs = 0) =>
    judgeClock(server({ asked: later(offMs), answered: later(offMs + tookMs) }));

  test.each([
    [0, 'ok'],
    [900, 'ok'],
    [29_000, 'ok'],
    [45_000, 'warning'],
    [-45_000, 'warning'],
  ])('%d ms ahead: %s', (offMs, state) => {
    expect(judge(offMs).state).toBe(state);
  });

  test('say which is ahead', () => {
    expect(judge(120_000).finding).toMatch(/^this machine's is 1m59s ahead of the API server's/);
    expect(judge(-120_000).finding).toMatch(/^this machine's is 2m behind the API server's/);
  });

  test('a slow answer is no skew', () => {
    expect(judge(-40_000, 60_000).finding).toContain('less than a second');
  });

  test('without a Date nothing is known', () => {
    const { date: _, ...without } = server();
    expect(judgeClock(without).state).toBe('unknown');
  });
});
