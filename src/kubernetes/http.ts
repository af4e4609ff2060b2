import { createRequire } from 'node:module';

/**
 * By require, because to import node:http is to read each of its exports, and some are getters that load the whole of undici: 20 ms of every start.
 */
export const http = createRequire(import.meta.url)('node:http') as typeof import('node:http');
