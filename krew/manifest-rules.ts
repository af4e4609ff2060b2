/**
 * What krew demands of a manifest and of an archive that it installs, after its internal/index/validation/validate.go, internal/download/downloader.go
 * and cmd/validate-krew-manifest: a release that breaks one of these rules is not made.
 */
export interface PluginManifest {
  readonly apiVersion: string;
  readonly kind: string;
  readonly metadata: { readonly name: string };
  readonly spec: {
    readonly version: string;
    readonly shortDescription: string;
    readonly platforms: readonly Platform[];
  };
}

export interface Platform {
  readonly uri: string;
  readonly sha256: string;
  readonly bin: string;
  readonly selector?: Selector;
  readonly files?: readonly { readonly from: string; readonly to: string }[];
}

/** A label selector of Kubernetes, over the labels `os` and `arch`. */
export interface Selector {
  readonly matchLabels?: Readonly<Record<string, string>>;
  readonly matchExpressions?: readonly {
    readonly key: string;
    readonly operator: string;
    readonly values?: readonly string[];
  }[];
}

const semantic =
  /^v(?:0|[1-9]\d*)\.(?:0|[1-9]\d*)\.(?:0|[1-9]\d*)(?:-(?:0|[1-9]\d*|\d*[a-z-][\da-z-]*)(?:\.(?:0|[1-9]\d*|\d*[a-z-][\da-z-]*))*)?(?:\+[\da-z-]+(?:\.[\da-z-]+)*)?$/i;
const deviceOfWindows = /^(?:con|prn|aux|nul|com[1-9]|lpt[1-9])$/i;

/** The pairs of os and arch that krew knows. */
const pairs: readonly (readonly [os: string, arch: string])[] = [
  ...['386', 'amd64', 'arm64'].map((arch) => ['windows', arch] as const),
  ...['386', 'amd64', 'arm', 'arm64', 'ppc64le'].map((arch) => ['linux', arch] as const),
  ...['386', 'amd64', 'arm64'].map((arch) => ['darwin', arch] as const),
];

/** What is wrong with a manifest that lies in a file of this name; empty: nothing. */
export function manifestProblems(fileName: string, { apiVersion, kind, metadata, spec }: PluginManifest): string[] {
  const problem = (wrong: boolean, text: string) => (wrong ? [text] : []);
  return [
    ...problem(apiVersion !== 'krew.googlecontainertools.github.com/v1alpha2', `apiVersion is ${apiVersion}`),
    ...problem(kind !== 'Plugin', `kind is ${kind}`),
    ...problem(fileName !== `${metadata.name}.yaml`, `the file of ${metadata.name} is ${fileName}`),
    ...problem(!/^[\w-]+$/.test(metadata.name), `the name ${metadata.name} is not of letters, digits, _ and -`),
    ...problem(deviceOfWindows.test(metadata.name), `the name ${metadata.name} is a device on Windows`),
    ...problem(!semantic.test(spec.version), `version ${spec.version} is not a semantic one with v in front`),
    ...problem(spec.shortDescription === '', 'there is no short description'),
    ...problem(/[\r\n]/.test(spec.shortDescription), 'the short description has several lines'),
    ...problem(spec.shortDescription.length > 50, 'the short description is longer than 50 characters'),
    ...problem(spec.platforms.length === 0, 'there is no platform'),
    ...spec.platforms.flatMap((platform, index) =>
      platformProblems(platform).map((text) => `platform ${index}: ${text}`),
    ),
    ...overlaps(spec.platforms),
  ];
}

function platformProblems({ uri, sha256, bin, selector, files }: Platform): string[] {
  return [
    ...(URL.canParse(uri) ? [] : [`uri ${uri} is not a URL`]),
    ...(/\.(?:tar\.gz|zip)$/.test(uri) ? [] : [`${uri} is neither .tar.gz nor .zip`]),
    ...(/^[a-f\d]{64}$/.test(sha256) ? [] : [`sha256 ${sha256} is not one in small hex digits`]),
    ...(bin === '' ? ['there is no bin'] : []),
    ...filesProblems(files),
    ...selectorProblems(selector),
  ];
}

function filesProblems(files: Platform['files']): string[] {
  if (!files) return [];
  if (files.length === 0) return ['files is there, and empty'];
  return files.some(({ from, to }) => !from || !to) ? ['a file has no from or no to'] : [];
}

function selectorProblems(selector: Selector | undefined): string[] {
  if (!selector || (!selector.matchLabels && !selector.matchExpressions?.length)) return ['the selector is empty'];
  const { matchLabels, matchExpressions } = selector;
  const keys = [...Object.keys(matchLabels ?? {}), ...(matchExpressions ?? []).map(({ key }) => key)];
  const wrongKeys = keys.filter((key) => key !== 'os' && key !== 'arch');
  const malformed = (matchExpressions ?? []).filter(
    ({ operator, values }) => !(operator in operators) || operator.endsWith('In') !== (values ?? []).length > 0,
  );
  const matches = pairs.some(([os, arch]) => selects(selector, os, arch));
  return [
    ...wrongKeys.map((key) => `the selector asks for ${key}: there are os and arch`),
    ...(matchLabels && Object.keys(matchLabels).length === 0 ? ['matchLabels is there, and empty'] : []),
    ...(matchExpressions?.length === 0 ? ['matchExpressions is there, and empty'] : []),
    ...malformed.map(({ operator }) => `the selector's ${operator} is not one of Kubernetes, or has the wrong values`),
    ...(matches ? [] : ['the selector matches no platform that krew knows']),
  ];
}

const operators: Readonly<Record<string, (values: readonly string[], value: string | undefined) => boolean>> = {
  In: (values, value) => value !== undefined && values.includes(value),
  NotIn: (values, value) => value === undefined || !values.includes(value),
  Exists: (_, value) => value !== undefined,
  DoesNotExist: (_, value) => value === undefined,
};

/** Whether a selector takes this platform. */
export function selects({ matchLabels = {}, matchExpressions = [] }: Selector, os: string, arch: string): boolean {
  const labels: Readonly<Record<string, string>> = { os, arch };
  return (
    Object.entries(matchLabels).every(([key, value]) => labels[key] === value) &&
    matchExpressions.every(({ key, operator, values = [] }) => operators[operator]?.(values, labels[key]) ?? false)
  );
}

function overlaps(platforms: readonly Platform[]): string[] {
  return pairs.flatMap(([os, arch]) => {
    const taken = [...platforms.keys()].filter((index) => {
      const selector = platforms[index]?.selector;
      return selector !== undefined && selects(selector, os, arch);
    });
    return taken.length > 1 ? [`platforms ${taken.join(' and ')} both match ${os}/${arch}`] : [];
  });
}

/** What lies in the directory into which an archive was unpacked; `name` is relative to it. */
export interface Unpacked {
  readonly name: string;
  readonly kind: 'file' | 'directory' | 'other';
  readonly executable: boolean;
}

/** What keeps krew from installing an archive that has left these in an empty directory. `head` is how the archive's file begins. */
export function archiveProblems({ uri, bin }: Platform, head: Uint8Array, unpacked: readonly Unpacked[]): string[] {
  const file = unpacked.find(({ name, kind }) => kind === 'file' && name === bin);
  const licensed = unpacked.some(({ name, kind }) => kind === 'file' && name.toUpperCase() === 'LICENSE');
  return [
    ...(begins(head, uri) ? [] : [`${uri} is not what its name says`]),
    ...(file ? [] : [`there is no file ${bin} in it`]),
    ...(file && !file.executable ? [`${bin} is not executable`] : []),
    ...(licensed ? [] : ['there is no file LICENSE at its top']),
    ...unpacked.filter(({ kind }) => kind === 'other').map(({ name }) => `${name} is neither a file nor a directory`),
    ...unpacked.filter(({ name }) => name.split('/').includes('..')).map(({ name }) => `${name} leads out of it`),
  ];
}

/** Archives are told by their first bytes: of gzip and of zip. */
function begins(head: Uint8Array, uri: string): boolean {
  const magic = uri.endsWith('.zip') ? [0x50, 0x4b, 0x03, 0x04] : [0x1f, 0x8b, 0x08];
  return magic.every((byte, index) => head[index] === byte);
}
