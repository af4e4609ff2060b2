/** Why the API server could not hand an attach or a log on to a kubelet. */
export interface KubeletProblem {
  message: string;
  hint: string;
  /** Trying again within seconds does not help. */
  isPermanent: boolean;
}

interface Kind extends KubeletProblem {
  pattern: RegExp;
}

const alike = 'kubectl logs and kubectl exec fail there as well';

/** In this order: the first that matches says the most. */
const kinds: readonly Kind[] = [
  {
    // The kubelet's answer while it has no serving certificate: with serverTLSBootstrap somebody has to approve its request for one.
    pattern: /remote error: tls: internal error/,
    message: "the kubelet of the agent's node has no serving certificate",
    hint: `approve its certificate request: kubectl get csr, then kubectl certificate approve NAME; ${alike}`,
    isPermanent: true,
  },
  {
    pattern: /x509: [^\n]*/,
    message: "the API server does not trust the serving certificate of the kubelet of the agent's node",
    hint: `it has to be renewed or approved: kubectl get csr; ${alike}`,
    isPermanent: true,
  },
  {
    pattern: /Forbidden \(user=[^)]*\)/,
    message: "the kubelet of the agent's node does not let the API server attach",
    hint: `that user of the API server needs the ClusterRole system:kubelet-api-admin; ${alike}`,
    isPermanent: true,
  },
  {
    // With enableDebuggingHandlers: false; older kubelets then know no such path.
    pattern: /Debug endpoints are disabled\.?|unable to upgrade connection: 404 page not found/,
    message: "the kubelet of the agent's node answers neither attach, exec nor logs",
    hint: `they are switched off there: enableDebuggingHandlers of its configuration; ${alike}`,
    isPermanent: true,
  },
  {
    pattern: /unable to upgrade connection: Unauthorized/,
    message: "the kubelet of the agent's node does not accept the credentials of the API server",
    hint: `see the client certificate that the API server shows it (--kubelet-client-certificate), and the kubelet's authority for it; ${alike}`,
    isPermanent: true,
  },
  {
    // https://github.com/kubernetes-sigs/apiserver-network-proxy: no agent of the tunnel is connected, which a restart of the agents mends.
    pattern: /No agent available/i,
    message: 'the tunnel from the API server to the nodes is down',
    hint: `see whether its agents run (konnectivity-agent): kubectl -n kube-system get pods; ${alike}`,
    isPermanent: false,
  },
  {
    // The same proxy's 30 s are over.
    pattern: /dial timeout, (?:backstop|context|unknown)|proxy error from \S+ while dialing [^\n]*/,
    message: "the tunnel from the API server does not reach the kubelet of the agent's node",
    hint: `see whether its agents run (konnectivity-agent): kubectl -n kube-system get pods; ${alike}`,
    isPermanent: true,
  },
  {
    // A kubelet that is being restarted refuses connections for a moment.
    pattern: /dial tcp \S+: connect: connection refused/,
    message: "the kubelet of the agent's node refuses the API server's connection",
    hint: `see whether it runs, and listens there: kubectl get nodes; ${alike}`,
    isPermanent: false,
  },
  {
    pattern: /dial tcp(?: \S+)?: [^\n]*|error dialing backend: [^\n]*/,
    message: "the API server cannot reach the kubelet of the agent's node",
    hint: `a firewall or a route may be in the way of port 10250 of the node; ${alike}`,
    isPermanent: true,
  },
];

/** What an answer says that is about the way from the API server to a kubelet. Pure. */
export function kubeletProblem(said: string): KubeletProblem | undefined {
  for (const { pattern, message, hint, isPermanent } of kinds) {
    const [words] = pattern.exec(said) ?? [];
    if (words !== undefined) return { message: `${message} (${words.trim()})`, hint, isPermanent };
  }
  return undefined;
}
