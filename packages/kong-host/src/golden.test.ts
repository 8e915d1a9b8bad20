import { once } from "node:events";
import { createServer } from "node:net";
import { join } from "node:path";

import { fromBinary } from "@bufbuild/protobuf";
import {
  isPdkMethod,
  pdk,
  type PdkMethod,
  type RpcCall,
  RpcCallSchema,
  wireName,
} from "@kong-serverless/kong-protocol";
import {
  FramePeer,
  makeSocketDirectory,
  readGoldenFrames,
  type RecordedConnection,
} from "@kong-serverless/kong-protocol/testing";
import { expect, it } from "vitest";

import {
  Exchange,
  type ExchangeOptions,
  type ExchangeResponse,
  KongHost,
  type PluginEntity,
} from "./index.ts";

const golden = readGoldenFrames();
const methods = new Map(methodsOf("kong", pdk));

function methodsOf(namespace: string, table: object): [string, PdkMethod][] {
  return Object.entries(table).flatMap(([key, entry]: [string, object]) => {
    const name = wireName(namespace, key);
    return isPdkMethod(entry) ? [[name, entry] as [string, PdkMethod]] : methodsOf(name, entry);
  });
}

/** What the host sent instead of one of Kong's frames, and Kong's frame, both decoded. */
interface Comparison {
  readonly said: unknown;
  readonly recorded: unknown;
}

/** Plays the recorded server on one connection. */
async function replay(peer: FramePeer, { connection, frames }: RecordedConnection): Promise<Comparison[]> {
  const comparisons: Comparison[] = [];
  for (const { from, what, bytes } of frames) {
    if (from === "server") {
      peer.send(bytes);
      continue;
    }
    const received = (await peer.read()) ?? Buffer.from("closed");
    const where = `connection ${connection}: ${what}`;
    const read = what.startsWith("RpcCall") ? readCall : readResult(what.replace("result of ", ""));
    comparisons.push({ said: [where, read(received)], recorded: [where, read(bytes)] });
  }
  return comparisons;
}

/** Kong writes fields and map entries in no particular order: their content is compared, and the size. */
function readResult(method: string): (bytes: Buffer) => object {
  const { result } = methods.get(method) as PdkMethod;
  return (bytes) => ({ value: result.decode(bytes), size: bytes.length });
}

function readCall(bytes: Buffer): object {
  const { sequence, call }: RpcCall = fromBinary(RpcCallSchema, bytes);
  if (call.case !== "startInstance") return { sequence, call };
  const config: unknown = JSON.parse(Buffer.from(call.value.config).toString());
  return { sequence, name: call.value.name, config };
}

/** The plugin whose instance was started on a recorded connection. */
function recordedEntity(connection: number): PluginEntity {
  const frames = golden.find((recorded) => recorded.connection === connection)?.frames ?? [];
  const { call }: RpcCall = fromBinary(RpcCallSchema, frames[0]?.bytes ?? Buffer.alloc(0));
  if (call.case !== "startInstance") throw new Error(`no instance was started on connection ${connection}`);
  const {
    __plugin_id: id,
    __seq__: seq,
    __key__,
    __ws_id,
    route_id: routeId,
    ...config
  } = JSON.parse(Buffer.from(call.value.config).toString()) as {
    __plugin_id: string;
    __seq__: number;
    __key__: string;
    __ws_id: string;
    route_id: string;
  };
  return { id, name: call.value.name, config, routeId, seq };
}

const plain: ExchangeOptions = {
  request: {
    method: "GET",
    scheme: "http",
    host: "127.0.0.1",
    port: 8000,
    path: "/",
    rawQuery: "",
    headers: { host: "127.0.0.1:8000" },
    clientIp: "127.0.0.1",
  },
};

const calls: ExchangeOptions = {
  request: {
    ...plain.request,
    host: "demo.example",
    path: "/calls/a%20b",
    rawQuery: "x=1&y=&x=2",
    headers: {
      host: "demo.example",
      accept: "application/json",
      "x-two": ["a", "b"],
      "user-agent": "curl/7.88.1",
    },
  },
  route: {
    id: "5a4ea93e-2596-56e3-8395-466274c7e47a",
    created_at: 1_795_373_480,
    updated_at: 1_795_373_480,
    name: "calls",
    protocols: ["http", "https"],
    methods: ["GET", "POST"],
    hosts: ["demo.example"],
    paths: ["/calls"],
    https_redirect_status_code: 426,
    strip_path: false,
    preserve_host: false,
    service: { id: "7a7626e9-162a-5990-8647-39cfcfdfb0fc" },
  },
  service: {
    id: "7a7626e9-162a-5990-8647-39cfcfdfb0fc",
    created_at: 1_795_373_480,
    updated_at: 1_795_373_480,
    name: "demo-backend",
    retries: 3,
    protocol: "http",
    host: "127.0.0.1",
    port: 9901,
    path: "/base",
    connect_timeout: 60_000,
    write_timeout: 60_000,
    read_timeout: 60_000,
    tags: ["demo"],
  },
  variables: { request_id: "44392ad78efb6225ba46c4f2b6850f81" },
};

function answered(options: ExchangeOptions, status: number, source: ExchangeResponse["source"]): Exchange {
  const exchange = new Exchange(options);
  exchange.response = { status, headers: {}, source };
  return exchange;
}

it("sends on each connection what a real Kong sent", async () => {
  await using directory = await makeSocketDirectory();
  const socketPath = join(directory.path, "serverless.socket");
  const replays: Promise<Comparison[]>[] = [];
  const server = createServer((socket) => {
    const recorded = golden[replays.length];
    if (recorded) replays.push(replay(new FramePeer(socket), recorded));
    else socket.destroy();
  });
  await once(server.listen(socketPath), "listening");
  const host = new KongHost({ socketPath, nodeId: "1c933cbf-9a33-4b2e-ba6f-bacc755b04da" });

  const pass = recordedEntity(1);
  for (let request = 1; request <= 2; request++) {
    expect(await host.access(pass, new Exchange(plain))).toEqual({ kind: "proxy" });
    await host.log(pass, answered(plain, 200, "service"));
  }

  const made = new Exchange(calls);
  expect(await host.access(recordedEntity(3), made)).toEqual({ kind: "proxy" });
  expect(made.responseHeaders.applyTo({})).toEqual({ "x-cold-start": "true" });
  expect(made.upstream.headers.applyTo({ "x-secret": "s" })).toEqual({ "x-held-ms": "12" });
  await host.log(recordedEntity(3), answered(calls, 200, "service"));

  const exiting = recordedEntity(4);
  expect(await host.access(exiting, new Exchange(plain))).toEqual({
    kind: "exit",
    status: 503,
    headers: { "retry-after": "3" },
    body: Buffer.from('{"code":"HOLD_TIMEOUT"}'),
  });
  await host.log(exiting, answered(plain, 503, "exit"));

  const refused = recordedEntity(6);
  expect(await host.access(refused, new Exchange(plain))).toEqual({ kind: "proxy" });
  await host.log(refused, answered(plain, 502, "error"));

  await host.log(recordedEntity(7), answered(plain, 403, "exit"));

  const reloaded = recordedEntity(8);
  expect(reloaded.id).toBe(pass.id);
  expect(await host.access(reloaded, new Exchange(plain))).toEqual({ kind: "proxy" });

  const comparisons = (await Promise.all(replays)).flat();
  expect(comparisons.map(({ said }) => said)).toEqual(comparisons.map(({ recorded }) => recorded));
  expect(replays).toHaveLength(golden.length);
  await host.close();
  server.close();
});
