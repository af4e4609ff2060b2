import type { CredentialFacts, ServerFacts } from '../../facts.ts';
import type { ClusterName } from '../../ports.ts';
import { formatElapsed } from '../../text.ts';
import { type Finding, of } from './finding.ts';

/** Whether this plugin fits the API server, and how long it will be let in. Pure. */

/** Minor versions of Kubernetes 1 that the plugin was tried with: README.md, "Supported". */
const tried = { from: 20, to: 36 };

export function judgeServer(
  { version, minor }: ServerFacts,
  plugin: string,
  { context, server }: ClusterName,
): Finding {
  const { ok, warning } = of('server');
  const where = `${context === undefined ? '' : `${context}, `}${server}: Kubernetes ${version}`;
  const range = `kubectl chaos ${plugin} was tried with 1.${tried.from} to 1.${tried.to}`;
  if (minor === undefined || minor < tried.from || minor > tried.to) {
    return warning(`${where}; ${range}`, 'look at a dry run first: --dry-run=server');
  }
  return ok(`${where}; ${range}`);
}

const dayMs = 24 * 3_600_000;

/** How long before its end a credential is called short: what is signed in by hand lasts hours, a certificate is made for months. */
const shortMs: Readonly<Partial<Record<CredentialFacts['kind'], number>>> = {
  certificate: 7 * dayMs,
  token: 3_600_000,
};

const names: Readonly<Record<CredentialFacts['kind'], string>> = {
  certificate: 'a client certificate',
  token: 'a bearer token',
  'token file': 'a token file, which is read again when it is renewed',
  plugin: 'an exec credential plugin, which renews them',
  oidc: 'an OIDC token, which kubectl renews',
  password: 'a user and a password',
  none: 'no credentials',
};

const again = 'sign in again, or have it renewed, before a run';

/** What is renewed under way says no more than that it works. */
export function judgeCredentials(facts: CredentialFacts, now: Date): Finding[] {
  const { kind, expires, impersonated, protection, proxy } = facts;
  const { ok, warning, problem } = of('credentials');
  const more = `${impersonated === undefined ? '' : `, as ${impersonated}`}${proxy === undefined ? '' : `, through the proxy ${proxy}`}`;
  const name = `${names[kind]}${more}`;
  const unsafe =
    protection === 'unchecked'
      ? [
          warning(
            "the server's certificate is not checked (insecure-skip-tls-verify)",
            'name its certificate authority',
          ),
        ]
      : protection === 'none' && kind !== 'none'
        ? [warning('the connection is not protected by TLS')]
        : [];
  if (protection === 'none') return [ok(`none is sent, as the connection has no TLS${more}`), ...unsafe];
  if (kind === 'none')
    return [warning(`${name}: the API server takes you for anybody`, 'kubectl config view --minify')];
  if (expires === undefined) return [ok(name), ...unsafe];
  const leftMs = expires.getTime() - now.getTime();
  const until = `until ${expires.toISOString().replace(/\.\d{3}Z$/, 'Z')}`;
  if (leftMs <= 0) {
    const expired = `${name}, which expired: valid ${until}`;
    // What is renewed by others may have been, by the time it is used.
    return [shortMs[kind] === undefined ? warning(expired, again) : problem(expired, again), ...unsafe];
  }
  if (leftMs < (shortMs[kind] ?? 0)) {
    return [warning(`${name}, valid for ${formatElapsed(leftMs)} more, ${until}`, again), ...unsafe];
  }
  return [ok(`${name}, valid ${until}`), ...unsafe];
}

/** Beyond it certificates and tokens that were made a moment ago, or end in a moment, are judged otherwise here than there. */
const skewMs = 30_000;

export function judgeClock({ date, asked, answered }: ServerFacts): Finding {
  const { ok, warning, unknown } = of('clock');
  if (!date) return unknown("the API server's answer has no Date");
  // The time of the answer lies within the second that is named, and between the request and the answer.
  const earliest = date.getTime() - answered.getTime();
  const latest = date.getTime() + 1_000 - asked.getTime();
  const offMs = earliest > 0 ? earliest : latest < 0 ? latest : 0;
  if (Math.abs(offMs) < skewMs) {
    return ok(
      `this machine's differs from the API server's by ${Math.abs(offMs) < 1_000 ? 'less than a second' : formatElapsed(Math.abs(offMs))}`,
    );
  }
  return warning(
    `this machine's is ${formatElapsed(Math.abs(offMs))} ${offMs > 0 ? 'behind' : 'ahead of'} the API server's: "ls" tells wrong times; lease and duration are counted on the node and hold`,
    'set the clock of this machine: timedatectl',
  );
}
