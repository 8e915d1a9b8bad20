/**
 * Bundles the app in the working directory: src/main.ts and every local package and dependency that it uses become
 * dist/main.js, one file that runs on Node without node_modules.
 */
import { build } from "esbuild";

await build({
  entryPoints: ["src/main.ts"],
  outdir: "dist",
  bundle: true,
  platform: "node",
  target: "node24",
  format: "esm",
  sourcemap: true,
  legalComments: "linked",
  logLevel: "warning",
  // Dependencies that are CommonJS call `require` for Node's own modules; an ES module has none unless it makes one.
  banner: {
    js: 'import { createRequire } from "node:module"; const require = createRequire(import.meta.url);',
  },
});
