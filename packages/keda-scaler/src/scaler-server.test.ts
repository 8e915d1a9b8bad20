import { execFileSync } from "node:child_process";
import { once } from "node:events";
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";

import { type ClientReadableStream, credentials, status } from "@grpc/grpc-js";
import { freePort } from "@kong-serverless/runtime";
import { needs, openssl, RecordingLog } from "@kong-serverless/testing";
import { afterEach, expect, test } from "vitest";

import type { IsActiveResponse } from "./externalscaler_pb.ts";
import { ExternalScalerClient } from "./protocol.ts";
import { ScalerServer, type ScalerTls } from "./scaler-server.ts";

const trigger = { name: "api", namespace: "shop", scalerMetadata: { targetValue: "4" } };
const options = { timeoutMs: 4_000 };

let stack = new AsyncDisposableStack();
afterEach(async () => {
  await stack.disposeAsync();
  stack = new AsyncDisposableStack();
});

interface ScalerGateway {
  readonly server: ScalerServer;
  readonly demand: Map<string, number>;
  readonly port: number;
}

async function startGateway(
  settings: { port?: number; peers?: string[]; tls?: ScalerTls } = {},
): Promise<ScalerGateway> {
  const demand = new Map<string, number>();
  const server = new ScalerServer({
    host: "127.0.0.1",
    port: 0,
    peers: [],
    demand: (backend) => demand.get(backend) ?? 0,
    log: new RecordingLog(),
    ...settings,
  });
  const port = await server.start();
  stack.defer(() => server.stop());
  return { server, demand, port };
}

/** Two pods that know each other and themselves, as a headless Service would name them. */
async function startTwoGateways(
  tls?: ScalerTls,
  host = "127.0.0.1",
): Promise<[ScalerGateway, ScalerGateway]> {
  const ports = [await freePort(), await freePort()] as const;
  const peers = ports.map((port) => `${host}:${port}`);
  const settings = { peers, ...(tls && { tls }) };
  return [
    await startGateway({ port: ports[0], ...settings }),
    await startGateway({ port: ports[1], ...settings }),
  ];
}

function connect({ port }: ScalerGateway, host = "127.0.0.1", security = credentials.createInsecure()) {
  const client = new ExternalScalerClient(`${host}:${port}`, security);
  stack.defer(() => client.close());
  return client;
}

async function listen(gateway: ScalerGateway, client = connect(gateway)) {
  const stream = client.streamIsActive(trigger);
  // Closing the client ends it with an error.
  stream.on("error", () => {});
  stack.defer(() => stream.cancel());
  await expect.poll(() => gateway.server.streams("api")).toBeGreaterThan(0);
  return stream;
}

const nextWake = async (stream: ClientReadableStream<IsActiveResponse>) => {
  const [{ result }] = (await once(stream, "data")) as [IsActiveResponse];
  return result;
};

test("pushes a wake on the stream of its backend", async () => {
  const gateway = await startGateway();
  const stream = await listen(gateway);
  gateway.server.wake("another");
  gateway.server.wake("api");
  expect(await nextWake(stream)).toBe(true);
});

test("pushes a wake that another pod of the gateway sees", async () => {
  const [one, other] = await startTwoGateways();
  const stream = await listen(one);
  const woken = nextWake(stream);
  // Repeated until the pods have found each other.
  await expect
    .poll(() => {
      other.server.wake("api");
      return Promise.race([woken, Promise.resolve(false)]);
    })
    .toBe(true);
});

test("answers polls with the demand of all pods, each counted once", async () => {
  const [one, other] = await startTwoGateways();
  const client = connect(one);
  expect(await client.isActive(trigger, options)).toBe(false);
  one.demand.set("api", 3);
  other.demand.set("api", 4);
  await expect.poll(() => client.metric(trigger, "demand", options)).toBe(7);
  one.demand.set("api", 0);
  expect(await client.isActive(trigger, options)).toBe(true);
  await other.server.stop();
  expect(await client.metric(trigger, "demand", options)).toBe(0);
});

test.for([-5, Number.NaN, Infinity])("leaves out a peer whose demand is %d", async (wrong) => {
  const [one, other] = await startTwoGateways();
  const client = connect(one);
  one.demand.set("api", 3);
  other.demand.set("api", 4);
  await expect.poll(() => client.metric(trigger, "demand", options)).toBe(7);
  other.demand.set("api", wrong);
  expect(await client.metric(trigger, "demand", options)).toBe(3);
});

test("names one metric, with the trigger's target for each replica", async () => {
  const client = connect(await startGateway());
  const specs = await client.metricSpecs(trigger, options);
  expect(specs).toMatchObject([{ metricName: "demand", targetSizeFloat: 4 }]);
});

test.for([
  ["a target that is no number", { scalerMetadata: { targetValue: "many" } }],
  ["a target of zero", { scalerMetadata: { targetValue: "0" } }],
  ["a name that is too long", { scalerMetadata: { backend: "a".repeat(1000) } }],
  ["a trigger without a backend", { name: "", scalerMetadata: {} }],
] as const)("refuses %s, and says what is allowed", async ([, reference]) => {
  const gateway = await startGateway();
  const client = connect(gateway);
  await expect(client.isActive({ ...trigger, ...reference }, options)).rejects.toMatchObject({
    code: status.INVALID_ARGUMENT,
    details: expect.stringContaining("allowed:"),
  });
  const [error] = await once(client.streamIsActive({ ...trigger, ...reference }), "error");
  expect(error).toMatchObject({ code: status.INVALID_ARGUMENT });
  expect(gateway.server.streams("api")).toBe(0);
});

test("ends its streams with OK when it stops, and accepts no more", async () => {
  const gateway = await startGateway();
  const stream = await listen(gateway);
  const ended = once(stream.resume(), "status");
  await gateway.server.stop();
  expect(await ended).toMatchObject([{ code: status.OK }]);
  const [error] = await once(connect(gateway).streamIsActive(trigger), "error");
  expect(error).toMatchObject({ code: status.UNAVAILABLE });
});

test("forgets the stream of a client that has gone", async () => {
  const gateway = await startGateway();
  const stream = await listen(gateway);
  stream.cancel();
  await expect.poll(() => gateway.server.streams("api")).toBe(0);
});

test("names a port that is taken, and the setting that changes it", async () => {
  const { port } = await startGateway();
  await expect(startGateway({ port })).rejects.toMatchObject({
    code: "PORT_UNAVAILABLE",
    message: expect.stringMatching(new RegExp(`${port}.*SCALER_PORT`)),
  });
});

test("requires a certificate of its authority from KEDA and from peers", needs(openssl()), async () => {
  const { certificate, key, authority } = makeCertificates();
  const [one, other] = await startTwoGateways({ certificate, key, authority }, "localhost");
  const trusted = credentials.createSsl(Buffer.from(authority), Buffer.from(key), Buffer.from(certificate));
  const stream = await listen(one, connect(one, "localhost", trusted));
  const woken = nextWake(stream);
  await expect
    .poll(() => {
      other.server.wake("api");
      return Promise.race([woken, Promise.resolve(false)]);
    })
    .toBe(true);

  for (const security of [credentials.createInsecure(), credentials.createSsl(Buffer.from(authority))]) {
    await expect(connect(one, "localhost", security).isActive(trigger, options)).rejects.toMatchObject({
      code: status.UNAVAILABLE,
    });
  }
});

/** One certificate for all pods, in the name that they are reached by. */
function makeCertificates(): Required<ScalerTls> {
  const folder = mkdtempSync(join(tmpdir(), "scaler-"));
  const runOpenssl = (command: string) =>
    execFileSync("openssl", command.split(" "), { cwd: folder, stdio: "ignore" });
  try {
    writeFileSync(join(folder, "names"), "subjectAltName=DNS:localhost");
    runOpenssl(
      "req -x509 -newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes -keyout ca.key -out ca.crt -subj /CN=ca",
    );
    runOpenssl(
      "req -newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes -keyout tls.key -out tls.csr -subj /CN=gateway",
    );
    runOpenssl("x509 -req -in tls.csr -CA ca.crt -CAkey ca.key -CAcreateserial -extfile names -out tls.crt");
    const read = (name: string) => readFileSync(join(folder, name), "utf8");
    return { certificate: read("tls.crt"), key: read("tls.key"), authority: read("ca.crt") };
  } finally {
    rmSync(folder, { recursive: true });
  }
}
