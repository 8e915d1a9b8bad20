import { join } from "node:path";

import { create, fromBinary, toBinary } from "@bufbuild/protobuf";
import { type RpcCall, RpcCallSchema, RpcReturnSchema } from "@kong-serverless/kong-protocol";
import { FramePeer, makeSocketDirectory, readGoldenFrames } from "@kong-serverless/kong-protocol/testing";
import { RecordingLog } from "@kong-serverless/testing";
import { expect, it } from "vitest";

import { type Kong, type InstanceConfig, type PluginModule, PluginServer } from "./index.ts";

const results: unknown[] = [];

/** Does in each phase what the recorded plugin did. */
class RecordedPlugin {
  readonly #mode: unknown;

  constructor(config: InstanceConfig) {
    this.#mode = config.mode;
  }

  async access(kong: Kong): Promise<void> {
    if (this.#mode === "exit") {
      await kong.response.exit(503, '{"code":"HOLD_TIMEOUT"}', { "retry-after": "3" });
    }
    if (this.#mode === "calls") await makeRecordedCalls(kong);
  }

  async log(kong: Kong): Promise<void> {
    await kong.response.getSource();
    await kong.response.getStatus();
    await kong.request.getPath();
  }
}

async function makeRecordedCalls(kong: Kong): Promise<void> {
  const { request, router, client, node, nginx, ctx } = kong;
  results.push(
    await request.getPath(),
    await request.getMethod(),
    await request.getHost(),
    await request.getScheme(),
    await request.getPathWithQuery(),
    await request.getHeader("accept"),
    await request.getHeader("x-absent"),
    await request.getHttpVersion(),
    await router.getRoute(),
    await router.getService(),
    await client.getIp(),
    await node.getId(),
    await nginx.getVar("request_id"),
    await nginx.getSubsystem(),
    await request.getHeaders(),
    await request.getQuery(),
  );
  await kong.response.setHeader("x-cold-start", "true");
  await kong.service.request.setHeader("x-held-ms", "12");
  await kong.service.request.clearHeader("x-secret");
  await kong.log.info("hello from the plugin server");
  await ctx.shared.set("k", "v");
  results.push(await ctx.shared.get("k"));
}

/** What the calls above returned in the recording. */
const recordedResults = [
  "/calls/a b",
  "GET",
  "demo.example",
  "http",
  "/calls/a%20b?x=1&y=&x=2",
  "application/json",
  undefined,
  1.1,
  {
    id: "5a4ea93e-2596-56e3-8395-466274c7e47a",
    name: "calls",
    created_at: 1_795_373_480,
    updated_at: 1_795_373_480,
    protocols: ["http", "https"],
    methods: ["GET", "POST"],
    hosts: ["demo.example"],
    paths: ["/calls"],
    https_redirect_status_code: 426,
    strip_path: false,
    preserve_host: false,
    service: { id: "7a7626e9-162a-5990-8647-39cfcfdfb0fc" },
  },
  {
    id: "7a7626e9-162a-5990-8647-39cfcfdfb0fc",
    name: "demo-backend",
    created_at: 1_795_373_480,
    updated_at: 1_795_373_480,
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
  "127.0.0.1",
  "1c933cbf-9a33-4b2e-ba6f-bacc755b04da",
  "44392ad78efb6225ba46c4f2b6850f81",
  "http",
  { host: "demo.example", accept: "application/json", "user-agent": "curl/7.88.1", "x-two": ["a", "b"] },
  { x: ["1", "2"], y: "" },
  "v",
];

/** Instance ids are random: those of the recording are replaced by the ones that the server gave. */
class InstanceIds {
  readonly #given = new Map<number, number>();

  inCall(bytes: Buffer): Uint8Array {
    const call: RpcCall = fromBinary(RpcCallSchema, bytes);
    if (call.call.case !== "handleEvent" && call.call.case !== "closeInstance") return bytes;
    const { value } = call.call;
    value.instanceId = this.#given.get(value.instanceId) ?? value.instanceId;
    return toBinary(RpcCallSchema, call);
  }

  inReturn(recorded: Buffer, received: Buffer | undefined): Uint8Array {
    const expected = fromBinary(RpcReturnSchema, recorded);
    const actual = fromBinary(RpcReturnSchema, received ?? Buffer.alloc(0));
    if (expected.result.case !== "instanceStatus" || actual.result.case !== "instanceStatus") return recorded;
    const { instanceId } = expected.result.value;
    const given = this.#given.get(instanceId) ?? actual.result.value.instanceId;
    this.#given.set(instanceId, given);
    expected.result.value.instanceId = given;
    return toBinary(RpcReturnSchema, create(RpcReturnSchema, expected));
  }
}

it("sends byte for byte what was sent to a real Kong", async () => {
  await using directory = await makeSocketDirectory();
  const socketPath = join(directory.path, "serverless.socket");
  const log = new RecordingLog();
  const plugin: PluginModule = {
    Plugin: RecordedPlugin,
    Name: "serverless",
    Version: "1.0.0",
    Priority: 1,
    Schema: [],
  };
  const server = new PluginServer({ socketPath, plugin, log });
  await server.start();
  const ids = new InstanceIds();
  const said: string[] = [];
  const recorded: string[] = [];

  for (const { connection, frames } of readGoldenFrames()) {
    const kong = await FramePeer.connect(socketPath);
    for (const { from, what, bytes } of frames) {
      if (from === "kong") {
        kong.send(what.startsWith("RpcCall") ? ids.inCall(bytes) : bytes);
        continue;
      }
      const received = await kong.read();
      const expected = what.startsWith("RpcReturn") ? ids.inReturn(bytes, received) : bytes;
      said.push(`${connection} ${what}: ${received?.toString("hex")}`);
      recorded.push(`${connection} ${what}: ${Buffer.from(expected).toString("hex")}`);
    }
    kong.close();
  }

  await server.stop({ graceMs: 1000, idleMs: 0 });
  expect(said).toEqual(recorded);
  expect(results).toEqual(recordedResults);
  expect(log.events.filter(({ level }) => level === "warn" || level === "error")).toEqual([]);
  await expect.poll(() => server.counts).toEqual({ connections: 0, instances: 0, runningEvents: 0 });
});
