import type { Component, Components } from './components.ts';
import type { NodeLock } from './node.ts';
import { platformNames } from './platforms.ts';
import type { Manifest } from './toolbox/manifest.ts';
import { architectures, partNames } from './toolbox/parts.ts';

export interface Shipped extends Components {
  readonly version: string;
  /** What is in the archives with Node. */
  readonly node: NodeLock;
  readonly toolbox: Manifest;
}

/** Debian's names of licences are not those of SPDX, which CycloneDX asks of an `id` and in an `expression`. */
const named = (names: readonly string[]) => names.map((name) => ({ license: { name } }));
const inFile = (file: string) => [{ name: 'kubectl-chaos:file', value: file }];
const debian = (name: string, version: string, architecture: string) =>
  `pkg:deb/debian/${name}@${encodeURIComponent(version)}?arch=${architecture}`;

/**
 * The bill of materials of a release, in CycloneDX 1.6 (https://cyclonedx.org/docs/1.6/json/): without a time and a serial number, so that it is
 * the same for the same parts.
 */
export function sbomOf(shipped: Shipped): string {
  const product = `pkg:generic/kubectl-chaos@${shipped.version}`;
  const parts = [...bundled(shipped.bundled), ...musl(shipped.musl), ...node(shipped.node), ...tools(shipped.toolbox)];
  const components = parts.map((part) => ({ 'bom-ref': part.purl, ...part }));
  const document = {
    bomFormat: 'CycloneDX',
    specVersion: '1.6',
    version: 1,
    metadata: {
      component: {
        type: 'application',
        'bom-ref': product,
        name: 'kubectl-chaos',
        version: shipped.version,
        licenses: [{ license: { id: 'Apache-2.0' } }],
        purl: product,
      },
    },
    components,
    dependencies: [{ ref: product, dependsOn: components.map(({ purl }) => purl) }],
  };
  return `${JSON.stringify(document, null, 2)}\n`;
}

const bundled = (components: readonly Component[]) =>
  components.map(({ name, version, licence }) => ({
    type: 'library',
    name,
    version,
    licenses: [{ expression: licence }],
    purl: `pkg:npm/${name.replace('@', '%40')}@${version}`,
    properties: inFile('chaos.cjs'),
  }));

const musl = ({ name, version, licence }: Component) =>
  architectures.map((architecture) => ({
    type: 'library',
    name,
    version,
    licenses: [{ expression: licence }],
    purl: debian(name, version, architecture),
    properties: inFile(`nsexec-${architecture}`),
  }));

const node = ({ version, packages }: NodeLock) =>
  platformNames.map((platform) => ({
    type: 'application',
    name: packages[platform].name,
    version,
    licenses: named(["MIT, and its libraries' own: THIRD-PARTY-NOTICES"]),
    purl: `pkg:npm/${packages[platform].name}@${version}`,
    hashes: [{ alg: 'SHA-512', content: hexOf(packages[platform].integrity) }],
    properties: inFile(`node of ${platform}`),
  }));

const hexOf = (integrity: string) => Buffer.from(integrity.replace(/^sha512-/, ''), 'base64').toString('hex');

/** Each package once, though both parts may have files of it. */
function tools({ toolboxes }: Manifest) {
  const all = partNames.flatMap((part) => architectures.map((architecture) => toolboxes[part][architecture]));
  const files = new Map<string, string[]>();
  const packages = new Map(
    all.flatMap(({ file, packages }) =>
      packages.map((one) => {
        const purl = debian(one.name, one.version, one.architecture);
        files.set(purl, [...(files.get(purl) ?? []), file]);
        return [purl, one] as const;
      }),
    ),
  );
  return [...packages].map(([purl, { name, version, licences }]) => ({
    type: 'library',
    name,
    version,
    licenses: named(licences),
    purl,
    properties: (files.get(purl) ?? []).flatMap(inFile),
  }));
}
