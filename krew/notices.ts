import type { Component, Components } from './components.ts';

const section = ({ name, version, licence, text }: Component) =>
  `==== ${name} ${version} (${licence}) ====\n\n${text.trim()}\n`;

/** THIRD-PARTY-NOTICES: whose work is in the files beside it, and under which licence. `node`: the Node beside them, absent where there is none. */
export function noticesOf({ bundled, musl }: Components, node?: Component): string {
  return [
    `kubectl chaos is under the Apache License 2.0: LICENSE. It contains the work of others, whose licences follow:\n`,
    `chaos.cjs has code of ${bundled.map(({ name }) => name).join(', ')}.\n`,
    `nsexec-amd64 and nsexec-arm64 have code of musl.\n`,
    ...(node ? [`node is Node.js.\n`] : []),
    `toolbox-*.tar.gz hold programs and libraries of Debian, among them stress-ng, iproute2 and nftables under the GPL. Their licences are in toolbox-copyright.txt; toolbox.json says which packages they are, and where the source of each is.\n`,
    ...[...bundled, musl, ...(node ? [node] : [])].map(section),
  ].join('\n');
}
