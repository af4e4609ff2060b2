import { readFileSync } from 'node:fs';
import { repository } from './counts.ts';

const { version } = JSON.parse(readFileSync(`${repository}package.json`, 'utf8')) as { version: string };

/** The image with the tools of every fault in it, which test/cluster gives its nodes. */
export const toolsImage = `localhost/kubectl-chaos/tools:${version}`;
