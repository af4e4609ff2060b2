/**
 * What keeps an agent pod from being given containers, init containers and libraries, by those who give them to every pod of a namespace. A sidecar
 * would keep the pod from ending, and an init container has to be pulled and run before the agent starts.
 */

export const optOutLabels: Readonly<Record<string, string>> = {
  // https://istio.io/latest/docs/reference/config/labels/: the label since 1.11; the mode of ambient meshes.
  'sidecar.istio.io/inject': 'false',
  'istio.io/dataplane-mode': 'none',
  // https://kuma.io/docs/latest/reference/kubernetes-annotations/#kumaiosidecar-injection: Kuma and Kong Mesh.
  'kuma.io/sidecar-injection': 'disabled',
  // https://docs.datadoghq.com/containers/cluster_agent/admission_controller/: with `mutateUnlabelled` every other pod is changed.
  'admission.datadoghq.com/enabled': 'false',
  // https://www.ibm.com/docs/en/instana-observability: its AutoTrace webhook adds an init container and LD_PRELOAD.
  'instana-autotrace': 'false',
};

/** Each adds an init container or a sidecar where the namespace asks for it, and a pod's own word counts more: internal/instrumentation/annotation.go of the opentelemetry-operator. */
const instrumented = ['java', 'nodejs', 'python', 'dotnet', 'go', 'apache-httpd', 'nginx', 'sdk'];

export const optOutAnnotations: Readonly<Record<string, string>> = {
  // Istio before 1.11.
  'sidecar.istio.io/inject': 'false',
  // https://linkerd.io/2/reference/proxy-configuration/.
  'linkerd.io/inject': 'disabled',
  // https://developer.hashicorp.com/consul/docs/k8s/annotations-and-labels.
  'consul.hashicorp.com/connect-inject': 'false',
  // https://github.com/Dynatrace/dynatrace-operator (AnnotationDynatraceInject, AnnotationInject): of all that it injects, and in older versions of the OneAgent alone.
  'dynatrace.com/inject': 'false',
  'oneagent.dynatrace.com/inject': 'false',
  // https://github.com/open-telemetry/opentelemetry-operator: a namespace can ask for it, and a pod's own word counts more.
  'sidecar.opentelemetry.io/inject': 'false',
  ...Object.fromEntries(instrumented.map((name) => [`instrumentation.opentelemetry.io/inject-${name}`, 'false'])),
  // https://github.com/k8tz/k8tz: an init container for every pod by default.
  'k8tz.io/inject': 'false',
};
