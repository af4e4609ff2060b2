import { stringify } from 'yaml';
import { archOf, osOf, type PlatformName } from './platforms.ts';

export interface Release {
  readonly version: string;
  readonly homepage: string;
  readonly archives: readonly { readonly platform: PlatformName; readonly uri: string; readonly sha256: string }[];
}

/** The name of the plugin for krew and kubectl, and so that of the manifest's file. */
export const pluginName = 'chaos';

/** The manifest for krew: https://krew.sigs.k8s.io/docs/developer-guide/plugin-manifest/ */
export function manifestOf({ version, homepage, archives }: Release): string {
  return stringify({
    apiVersion: 'krew.googlecontainertools.github.com/v1alpha2',
    kind: 'Plugin',
    metadata: { name: pluginName },
    spec: {
      version: `v${version}`,
      homepage,
      shortDescription: 'Ask a running pod "what if?", and revert it',
      description: `${[
        'Makes one container short of CPU, memory or processes, its network slow or',
        'cut, or its disk busy, full or slow, for a bounded time; measures that it',
        'really is, and leaves everything as it was. Nothing is installed in the',
        'cluster, and no image is needed.',
      ].join('\n')}\n`,
      caveats: 'For completion in the shell: kubectl chaos completion --help\n',
      platforms: archives.map(({ platform, uri, sha256 }) => ({
        selector: { matchLabels: { os: osOf(platform), arch: archOf(platform) } },
        uri,
        sha256,
        bin: 'kubectl-chaos',
      })),
    },
  });
}
