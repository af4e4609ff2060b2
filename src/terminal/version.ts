import type { Build } from '../build.ts';
import { type DocumentFormat, documentOf, documentText } from './json.ts';

/** What `version` prints. Pure. */

export function versionText({ version, commit, shims, nodeVersion }: Build): string {
  const lines = shims.map(
    ({ architecture, sha256 }) => `shim ${architecture}  ${sha256 ? `sha256:${sha256}` : 'missing'}`,
  );
  return [`version     ${version}`, `commit      ${commit}`, ...lines, `Node.js     ${nodeVersion}`, ''].join('\n');
}

export function versionDocument(build: Build, format: DocumentFormat): string {
  return documentText(documentOf({ kind: 'version', ...build }), format);
}
