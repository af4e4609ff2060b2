#!/usr/bin/env node
'use strict';
// CommonJS and without an extension, because this is what kubectl finds on PATH; it must load on any Node, to say which one is needed.
const [major, minor] = process.versions.node.split('.').map(Number);
if (major < 22 || (major === 22 && minor < 19)) {
  process.stderr.write(
    `error: kubectl chaos needs Node 22.19 or newer, and "node" on PATH is ${process.versions.node}\n`,
  );
  process.exit(1);
}
const { mkdirSync, realpathSync } = require('node:fs');
const { homedir } = require('node:os');
const { dirname, join } = require('node:path');
// Compiled code in a directory of the user's own: the default is under the shared temporary directory.
const cache = join(process.env.XDG_CACHE_HOME || join(homedir(), '.cache'), 'kubectl-chaos', 'compiled');
try {
  mkdirSync(cache, { recursive: true, mode: 0o700 });
  require('node:module').enableCompileCache(cache);
} catch {
  // A read-only home directory costs 40 ms, nothing else.
}
// krew and others link to this file: its neighbours are beside the real one.
import(join(dirname(realpathSync(__filename)), 'chaos.mjs'));
