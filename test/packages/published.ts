import { readdir, readFile } from "node:fs/promises";
import { join } from "node:path";

export const workspace = join(import.meta.dirname, "../..");

export interface PublishedPackage {
  readonly folder: string;
  readonly name: string;
}

/** The packages that are not `private`, in `packages` and `apps`. */
export async function publishedPackages(): Promise<PublishedPackage[]> {
  const parents = [join(workspace, "packages"), join(workspace, "apps")];
  const folders = await Promise.all(
    parents.map(async (parent) => (await readdir(parent)).map((folder) => join(parent, folder))),
  );
  const all = await Promise.all(
    folders.flat().map(async (folder) => {
      const text = await readFile(join(folder, "package.json"), "utf8");
      const manifest = JSON.parse(text) as { readonly name: string; readonly private?: boolean };
      return { folder, name: manifest.name, isPrivate: manifest.private === true };
    }),
  );
  return all.filter(({ isPrivate }) => !isPrivate);
}
