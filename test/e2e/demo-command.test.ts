import { once } from "node:events";
import { cp, mkdtempDisposable, readdir, readFile, writeFile } from "node:fs/promises";
import { createServer, type AddressInfo } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";

import { isAlive } from "@kong-serverless/testing";
import { describe, expect, it, vi } from "vitest";

import { RunningPlayground, workspace } from "./running-playground.ts";

const makeFolder = () => mkdtempDisposable(join(tmpdir(), "demo-"));

/** A third-party service, woken by its demand alone. */
const shop = `
apiVersion: apps/v1
kind: Deployment
metadata: { name: shop }
spec:
  selector: { matchLabels: { app: shop } }
  template:
    metadata: { labels: { app: shop } }
    spec:
      containers:
        - name: shop
          image: example.com/shop:1
          ports: [{ containerPort: 3000, name: http }]
          readinessProbe: { tcpSocket: { port: http }, periodSeconds: 1 }
---
apiVersion: v1
kind: Service
metadata: { name: shop, annotations: { konghq.com/plugins: sleepy } }
spec: { selector: { app: shop }, ports: [{ name: web, port: 80, targetPort: http }] }
---
apiVersion: configuration.konghq.com/v1
kind: KongPlugin
metadata: { name: sleepy }
plugin: serverless
config: { backend: [{ name: shop, health: /healthz }] }
---
apiVersion: networking.k8s.io/v1
kind: Ingress
metadata: { name: shop }
spec:
  rules:
    - http: { paths: [{ path: /shop, pathType: Prefix, backend: { service: { name: shop, port: { name: web } } } }] }
---
apiVersion: v1
kind: Service
metadata: { name: demand, namespace: kong }
spec:
  selector: { app.kubernetes.io/name: gateway, app.kubernetes.io/instance: kong }
  ports: [{ port: 8090 }]
---
apiVersion: keda.sh/v1alpha1
kind: ScaledObject
metadata: { name: shop }
spec:
  scaleTargetRef: { name: shop }
  pollingInterval: 1
  triggers:
    - type: metrics-api
      metadata: { url: "http://demand.kong:8090/demand/shop", valueLocation: demand, targetValue: "10" }
`;
const shopServer = `
import { createServer } from "node:http";
createServer((request, response) => response.end("the shop at " + request.url)).listen(process.env.PORT);
`;

/** A copy of the base in which one file's text is changed. */
async function changedBase(file: string, from: string, to: string) {
  const folder = await makeFolder();
  await cp(join(workspace, "deploy/base"), folder.path, { recursive: true });
  const text = await readFile(join(folder.path, file), "utf8");
  expect(text).toContain(from);
  await writeFile(join(folder.path, file), text.replace(from, to));
  return folder;
}

/** Ids of a process's children, on Linux. */
async function childrenOf(pid: number | undefined): Promise<number[]> {
  const text = await readFile(`/proc/${pid}/task/${pid}/children`, "utf8").catch(() => "");
  return text.split(" ").filter(Boolean).map(Number);
}

async function isFree(url: string): Promise<boolean> {
  return fetch(url).then(
    () => false,
    () => true,
  );
}

// Each of these starts the whole system, and waits with its own deadlines.
describe("pnpm demo", { timeout: 120_000, concurrent: true }, () => {
  it("names a busy port and the flag that changes it, and leaves nothing", async () => {
    await using server = createServer().listen(0, "127.0.0.1");
    await once(server, "listening");
    const { port } = server.address() as AddressInfo;
    await using playground = await RunningPlayground.spawn(["--port", String(port)]);
    const { app, temporaryFolder } = playground;
    expect(await app.exited).toEqual({ code: 2, signal: null });
    expect(app.output).toBe(
      `Starting the playground ...\nPort ${port} on 127.0.0.1 is in use by another process. Choose another with --port.\n`,
    );
    expect(await readdir(temporaryFolder)).toEqual([]);
  });

  it.each([
    [
      "a value that is not allowed",
      ["consumer-scaledobject.yaml", "pollingInterval: 1", "pollingInterval: 0"],
      /consumer-scaledobject\.yaml:\d+ \(ScaledObject [^]*spec\.pollingInterval: found 0; .*>=1/,
    ],
    [
      "an unknown field in the plugin's configuration",
      ["demo-backend-route.yaml", "health: /healthz", "healht: /healthz"],
      /demo-backend-route\.yaml[^]*backend[^]*healht/,
    ],
    [
      "a variable whose ConfigMap has no such key",
      ["consumer.yaml", "key: region", "key: regoin"],
      /consumer\.yaml:\d+ \(Deployment [^]*ConfigMap is not among the manifests; REGION is not set/,
    ],
  ] as const)("says that it does not play %s, and plays the rest", async (_, [file, from, to], said) => {
    await using folder = await changedBase(file, from, to);
    await using playground = await RunningPlayground.spawn(["--manifests", folder.path]);
    await playground.url();
    const { app } = playground;
    expect(app.output).toMatch(said);
    expect(await app.stop("SIGINT")).toEqual({ code: 0, signal: null });
  });

  it("plays a third-party service, by its command on this machine", async () => {
    await using folder = await makeFolder();
    await writeFile(join(folder.path, "shop.yaml"), shop);
    await writeFile(join(folder.path, "shop.mjs"), shopServer);
    const command = `shop=${process.execPath} ${join(folder.path, "shop.mjs")}`;
    await using playground = await RunningPlayground.spawn(["--manifests", folder.path, "--app", command]);
    const { app } = playground;
    const [, url] = await app.waitForOutput(/curl (http:\S+)\/shop {4}to shop/);
    const response = await fetch(`${url}/shop/cart`);
    expect([response.status, await response.text()]).toEqual([200, "the shop at /shop/cart"]);
    expect(await app.stop("SIGINT")).toEqual({ code: 0, signal: null });
  });

  it("starts nothing if nothing is left to play, and says why", async () => {
    await using folder = await makeFolder();
    await cp(join(workspace, "deploy/base/consumer.yaml"), join(folder.path, "consumer.yaml"));
    await using playground = await RunningPlayground.spawn(["--manifests", folder.path]);
    const { app, temporaryFolder } = playground;
    expect(await app.exited).toEqual({ code: 2, signal: null });
    expect(app.output).toMatch(/Nothing is left to play[^]*no ScaledObject/);
    expect(app.output).not.toMatch(/Starting| at /);
    expect(await readdir(temporaryFolder)).toEqual([]);
  });

  it("wakes the backend for a request, prints the cold start's steps, and leaves nothing behind at Ctrl-C", async () => {
    await using playground = await RunningPlayground.spawn();
    const { app, temporaryFolder } = playground;
    const url = await playground.url();
    const response = await fetch(`${url}/`);
    expect(response.status).toBe(200);
    const { answeredBy } = (await response.json()) as { answeredBy: { pid: number } };
    expect(isAlive(answeredBy.pid)).toBe(true);
    const [timeline] = await app.waitForOutput(
      /cold start of demo-backend: \d+ ms\n(?: .+\n)*? .+ answered\n/,
    );
    const steps = ["held", "wake published", "queue seen by the scaler", "scaled 0 -> 1", "process started"];
    for (const step of [...steps, "first ready answer", "proxied", "answered"]) {
      expect(timeline).toContain(`  ${step}\n`);
    }
    const children = await childrenOf(app.pid);
    expect(await app.stop("SIGINT")).toEqual({ code: 0, signal: null });
    expect([answeredBy.pid, ...children].map(isAlive)).not.toContain(true);
    expect(await readdir(temporaryFolder)).toEqual([]);
    expect(await isFree(url)).toBe(true);
  });

  it("exits at once at a second Ctrl-C, and leaves nothing behind", async () => {
    await using playground = await RunningPlayground.spawn();
    const { app, temporaryFolder } = playground;
    const url = await playground.url();
    // This request outlasts the test: the backend would finish it before it exits.
    const busy = fetch(`${url}/slow?ms=30000`).catch(String);
    await app.waitForOutput(/cold start of|demo-backend: 0 -> 1/);
    const children = await childrenOf(app.pid);
    app.signal("SIGINT");
    await app.waitForOutput(/Stopping/);
    expect(await app.stop("SIGINT")).toMatchObject({ signal: null });
    await busy;
    // They were killed, but the system may take a moment.
    await vi.waitFor(() => expect(children.filter(isAlive)).toEqual([]), { timeout: 30_000 });
    expect(await readdir(temporaryFolder)).toEqual([]);
  });

  it("exits at Ctrl-C while it starts, and leaves nothing behind", async () => {
    await using playground = await RunningPlayground.spawn();
    const { app, temporaryFolder } = playground;
    await app.waitForOutput(/Starting/);
    expect(await app.stop("SIGINT")).toMatchObject({ signal: null });
    expect(await readdir(temporaryFolder)).toEqual([]);
  });

  it("exits when its terminal is closed, and leaves nothing behind", async () => {
    await using playground = await RunningPlayground.spawn();
    const { app, temporaryFolder } = playground;
    await playground.url();
    const children = await childrenOf(app.pid);
    expect(await app.stop("SIGHUP")).toEqual({ code: 0, signal: null });
    expect(children.map(isAlive)).not.toContain(true);
    expect(await readdir(temporaryFolder)).toEqual([]);
  });

  it("leaves no process behind when it is killed itself", async () => {
    await using playground = await RunningPlayground.spawn();
    const { app } = playground;
    const url = await playground.url();
    const response = await fetch(`${url}/`);
    const { answeredBy } = (await response.json()) as { answeredBy: { pid: number } };
    const children = await childrenOf(app.pid);
    await app.stop("SIGKILL");
    await vi.waitFor(() => expect([answeredBy.pid, ...children].filter(isAlive)).toEqual([]), {
      timeout: 30_000,
    });
  });
});
