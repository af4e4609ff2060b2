import type { BuildOptions } from 'esbuild';

/** How the plugin is bundled, for esbuild; `entry` is its program, `folder` where `chaos.mjs` and what it loads go. */
export function bundleOptions(entry: string, folder: string) {
  return {
    entryPoints: { chaos: entry },
    outdir: folder,
    outExtension: { '.js': '.mjs' },
    bundle: true,
    splitting: true,
    minify: true,
    keepNames: true,
    platform: 'node',
    format: 'esm',
    target: 'node22.19',
    // Packages in CommonJS ask for Node's own modules by require.
    banner: {
      js: "import{createRequire as chaosRequire}from'node:module';const require=chaosRequire(import.meta.url);",
    },
    external: ['bufferutil', 'utf-8-validate'],
  } satisfies BuildOptions;
}
