import type { Architecture } from './toolbox/parts.ts';

/** The platforms with an archive of their own, by Go's names, as krew has them. */
export const platformNames = ['linux-amd64', 'linux-arm64', 'darwin-amd64', 'darwin-arm64'] as const;
export type PlatformName = (typeof platformNames)[number];

/** The archive for those who have Node, on any of these platforms. */
export const withoutNode = 'without-node';

/** All archives of a release; each is named after one of these. */
export const forms = [...platformNames, withoutNode] as const;
export type Form = (typeof forms)[number];

export const archiveName = (version: string, form: Form) => `kubectl-chaos-v${version}-${form}.tar.gz`;

export const osOf = (platform: PlatformName) => platform.split('-')[0] as 'linux' | 'darwin';
export const archOf = (platform: PlatformName) => platform.split('-')[1] as Architecture;
