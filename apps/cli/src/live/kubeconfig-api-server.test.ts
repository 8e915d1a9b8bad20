import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";

import { AnsweringServer, type ScriptedAnswer } from "@kong-serverless/testing";
import { expect, it, onTestFinished } from "vitest";

import { KubeconfigApiServer } from "./kubeconfig-api-server.ts";

async function ask(answer: ScriptedAnswer) {
  const server = await new AnsweringServer(answer).start();
  const folder = mkdtempSync(join(tmpdir(), "api-server-"));
  onTestFinished(async () => {
    await server.stop();
    rmSync(folder, { recursive: true });
  });
  const kubeconfig = join(folder, "kubeconfig");
  const config = {
    clusters: [{ name: "one", cluster: { server: server.url, "insecure-skip-tls-verify": true } }],
    users: [{ name: "one", user: {} }],
    contexts: [{ name: "one", context: { cluster: "one", user: "one" } }],
  };
  writeFileSync(kubeconfig, JSON.stringify(config));
  const { signal } = new AbortController();
  const connected = await KubeconfigApiServer.connect({ context: "one", kubeconfig, signal });
  return connected.get("/apis/example.com/v1/things");
}

it("accepts a refusal in plain text, which an API server gives for a group that it does not have", async () => {
  expect(await ask({ status: 404, body: "404 page not found\n" })).toEqual({
    status: 404,
    body: { message: "404 page not found" },
  });
});

it("returns a refusal's Status and a list unchanged", async () => {
  const status = { kind: "Status", message: "things is forbidden" };
  expect(await ask({ status: 403, body: JSON.stringify(status) })).toEqual({ status: 403, body: status });
  expect(await ask({ status: 200, body: '{"items":[]}' })).toEqual({ status: 200, body: { items: [] } });
});

it("does not accept a web page as an API server's answer", async () => {
  await expect(ask({ status: 200, body: "<html>" })).rejects.toMatchObject({
    code: "CLUSTER_UNREACHABLE",
    message: expect.stringContaining("JSON") as string,
  });
});
