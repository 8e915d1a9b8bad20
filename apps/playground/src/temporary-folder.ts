import { rmSync } from "node:fs";
import { mkdtemp } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";

/** A folder that is removed when disposed of, at the latest when the process exits. */
export async function makeTemporaryFolder(): Promise<Disposable & { readonly path: string }> {
  const path = await mkdtemp(join(tmpdir(), "kong-serverless-"));
  const remove = () => rmSync(path, { recursive: true, force: true });
  process.once("exit", remove);
  return {
    path,
    [Symbol.dispose]() {
      process.off("exit", remove);
      remove();
    },
  };
}
