import { readFile } from "node:fs/promises";
import { type AddressInfo, createServer } from "node:net";

import { expect, test } from "vitest";

import { probe } from "./probe.ts";

interface Case {
  readonly title: string;
  /** What each path is answered with. */
  readonly replies: Readonly<Record<string, string>>;
  /** Whether the connection stays open after the answer. */
  readonly hangs?: boolean;
  /** What the prober of a kubelet (Kubernetes 1.34.4) made of it; a warning counts as ready there. */
  readonly kubelet: "success" | "warning" | "failure";
  /** Why this prober differs. */
  readonly differs?: string;
}

const file = new URL("testing/kubelet-verdicts.json", import.meta.url);
const cases = JSON.parse(await readFile(file, "utf8")) as Case[];
const notFound = "HTTP/1.1 404 Not Found\r\ncontent-length: 0\r\n\r\n";

/** Answers bytes as they stand in the case. */
async function serve({ replies, hangs }: Case): Promise<AsyncDisposable & { readonly url: string }> {
  const server = createServer((socket) => {
    socket.on("error", () => {});
    socket.on("data", (request) => {
      const [, path = ""] = request.toString("latin1").split(" ");
      const reply = (replies[path] ?? notFound)
        .replaceAll("{host}", `127.0.0.1:${port}`)
        .replaceAll("{other}", `localhost:${port}`)
        .replaceAll("{20k}", "x".repeat(20 * 1024));
      if (hangs) socket.write(reply);
      else socket.end(reply);
    });
  });
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  const { port } = server.address() as AddressInfo;
  return {
    url: `http://127.0.0.1:${port}/healthz`,
    async [Symbol.asyncDispose]() {
      await new Promise((resolve) => server.close(resolve));
    },
  };
}

test.each(cases)("takes $title as a kubelet does, or differs for a reason", async (given) => {
  await using server = await serve(given);
  // Long enough for a busy machine, unless the limit is what ends the case.
  const { isReady } = await probe({ url: server.url, timeoutMs: given.hangs ? 500 : 5000 });
  const isReadyForKubelet = given.kubelet !== "failure";
  expect(isReady).toBe(given.differs === undefined ? isReadyForKubelet : !isReadyForKubelet);
});
