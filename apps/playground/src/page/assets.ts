import { createHash } from "node:crypto";
import { readdir, readFile } from "node:fs/promises";
import { extname, join } from "node:path";

import { workspaceFolder } from "../workspace.ts";

export interface Asset {
  readonly contentType: string;
  readonly body: string;
}

const playgroundFolder = join(workspaceFolder, "apps/playground");
const contentTypes: Readonly<Record<string, string>> = {
  ".html": "text/html; charset=utf-8",
  ".css": "text/css; charset=utf-8",
  ".js": "text/javascript; charset=utf-8",
  ".svg": "image/svg+xml",
};

/** The page's files by the paths that they are served at, just as they are. */
export async function readAssets(): Promise<ReadonlyMap<string, Asset>> {
  const folder = join(playgroundFolder, "page");
  const names = (await readdir(folder)).filter((name) => extname(name) in contentTypes);
  const uplot = join(playgroundFolder, "node_modules/uplot/dist");
  const files = [
    ...names.map((name) => [name === "index.html" ? "/" : `/${name}`, join(folder, name)] as const),
    ["/uplot.js", join(uplot, "uPlot.esm.js")] as const,
    ["/uplot.css", join(uplot, "uPlot.min.css")] as const,
  ];
  return new Map(
    await Promise.all(
      files.map(async ([path, file]) => {
        const contentType = contentTypes[extname(file)] ?? "";
        return [path, { contentType, body: await readFile(file, "utf8") }] as const;
      }),
    ),
  );
}

/** The page may load and call nothing but this server. The one script within the HTML, its import map, is named by its hash. */
export function contentSecurityPolicy(html: string): string {
  const [, importMap = ""] = /<script type="importmap">([^]*?)<\/script>/.exec(html) ?? [];
  const hash = createHash("sha256").update(importMap).digest("base64");
  return [
    "default-src 'none'",
    `script-src 'self' 'sha256-${hash}'`,
    "style-src 'self'",
    "img-src 'self'",
    "connect-src 'self'",
    "base-uri 'none'",
    "form-action 'none'",
    "frame-ancestors 'none'",
  ].join("; ");
}
