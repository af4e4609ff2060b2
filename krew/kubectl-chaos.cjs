#!/usr/bin/env node
'use strict';
// CommonJS and without an extension, because this is what kubectl finds on PATH; it must load on any Node, to say which one is needed.
const { existsSync, mkdirSync, realpathSync } = require('node:fs');
const { homedir } = require('node:os');
const { dirname, join } = require('node:path');
const here = dirname(realpathSync(__filename));
const [major, minor] = process.versions.node.split('.').map(Number);
if (major < 22 || (major === 22 && minor < 19)) {
  const ofClone = join(dirname(here), 'node_modules', '.bin');
  const remedy = existsSync(join(ofClone, 'node'))
    ? `use that of the clone: export PATH="${ofClone}:$PATH"`
    : 'put a newer one before it on PATH, or install an archive that brings its own';
  process.stderr.write(
    `error: kubectl chaos needs Node 22.19 or newer, and "node" on PATH is ${process.versions.node}\n${remedy}\n`,
  );
  process.exit(1);
}
// Compiled code in a directory of the user's own: the default is under the shared temporary directory.
const home = process.env.XDG_CACHE_HOME || join(homedir(), '.cache');
try {
  // Level by level: with `recursive`, Node never comes back from a file system that cannot make directories, such as /proc.
  for (const directory of [home, join(home, 'kubectl-chaos'), join(home, 'kubectl-chaos', 'compiled')]) {
    if (!existsSync(directory)) mkdirSync(directory, { mode: 0o700 });
  }
  require('node:module').enableCompileCache(join(home, 'kubectl-chaos', 'compiled'));
} catch {
  // A read-only home directory costs 40 ms, nothing else.
}
// krew and others link to this file: its neighbours are beside the real one.
require(join(here, 'chaos.cjs'));
