import type { BuildOptions } from 'esbuild';

/**
 * How the plugin is bundled, for esbuild: one file `chaos.cjs` in `folder`; `entry` is its program. What is imported by `import()` stays lazy
 * in it. It is in CommonJS: an ES module that imports node:http reads each of its exports, and some of them are getters that load undici.
 */
export function bundleOptions(entry: string, folder: string, stamp: { version: string; commit: string }) {
  return {
    entryPoints: { chaos: entry },
    outdir: folder,
    outExtension: { '.js': '.cjs' },
    bundle: true,
    minify: true,
    keepNames: true,
    platform: 'node',
    format: 'cjs',
    target: 'node22.19',
    define: {
      CHAOS_VERSION: JSON.stringify(stamp.version),
      CHAOS_COMMIT: JSON.stringify(stamp.commit),
      'import.meta.dirname': '__dirname',
      // ws asks for these packages unless it is told not to: whatever lay above the plugin under such a name would be loaded.
      'process.env.WS_NO_BUFFER_UTIL': '"1"',
      'process.env.WS_NO_UTF_8_VALIDATE': '"1"',
    },
    legalComments: 'none',
    logLevel: 'warning',
  } satisfies BuildOptions;
}
