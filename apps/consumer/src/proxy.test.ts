import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { createServer, type IncomingMessage, request, type Server, type ServerResponse } from "node:http";
import { type AddressInfo, connect, type Server as TcpServer, type Socket } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { createServer as createTlsServer } from "node:tls";

import { listen } from "@kong-serverless/runtime";
import {
  bundleOnce,
  needs,
  openssl,
  QueueEmulator,
  selfSigned,
  spawnApp,
  TokenService,
} from "@kong-serverless/testing";
import { afterEach, beforeEach, describe, expect, inject, test } from "vitest";

const entry = await bundleOnce(join(import.meta.dirname, ".."), inject("bundleFolder"));

async function portOf(server: TcpServer): Promise<number> {
  await listen(server, { host: "127.0.0.1", port: 0 });
  return (server.address() as AddressInfo).port;
}

function tie(one: Socket, other: Socket): void {
  one.on("error", () => other.destroy()).pipe(other);
  other.on("error", () => one.destroy()).pipe(one);
}

/** An HTTP proxy that forwards requests and opens tunnels to the local servers that `ports` names. */
class Proxy {
  readonly ports = new Map<string, number>();
  /** `METHOD host`, each once. */
  readonly asked = new Set<string>();
  readonly #server: Server = createServer((incoming, outgoing) => this.#forward(incoming, outgoing));

  async start(): Promise<string> {
    this.#server.on("connect", (incoming: IncomingMessage, socket: Socket) => this.#tunnel(incoming, socket));
    return `http://127.0.0.1:${await portOf(this.#server)}`;
  }

  stop(): void {
    this.#server.close();
    this.#server.closeAllConnections();
  }

  #forward(incoming: IncomingMessage, outgoing: ServerResponse): void {
    const { method, headers, url = "" } = incoming;
    const { host, pathname, search } = new URL(url);
    const port = this.#portOf(`${method} ${host}`, host);
    const forwarded = request({ port, method, headers, path: pathname + search }, (answer) => {
      answer.pipe(outgoing.writeHead(answer.statusCode ?? 502, answer.headers));
    });
    incoming.pipe(forwarded.on("error", () => outgoing.destroy()));
  }

  #tunnel({ url = "" }: IncomingMessage, socket: Socket): void {
    const target = connect({ port: this.#portOf(`CONNECT ${url}`, url) });
    socket.write("HTTP/1.1 200 Connection established\r\n\r\n");
    tie(socket, target);
  }

  #portOf(asked: string, host: string): number {
    this.asked.add(asked);
    return this.ports.get(host) ?? 1;
  }
}

// Each step waits for its event with its own deadline.
describe("a consumer with a proxy in its environment", { timeout: 60_000 }, () => {
  let emulator: QueueEmulator;
  let queuePort: number;
  let proxy: Proxy;
  let proxyUrl: string;
  let cleanUp: AsyncDisposableStack;

  beforeEach(async () => {
    cleanUp = new AsyncDisposableStack();
    emulator = cleanUp.use(await QueueEmulator.start());
    queuePort = Number(new URL(String(emulator.env["AWS_ENDPOINT_URL"])).port);
    emulator.createQueue("work");
    proxy = new Proxy();
    proxyUrl = await proxy.start();
    cleanUp.defer(() => proxy.stop());
  });
  afterEach(() => cleanUp.disposeAsync());

  function start(env: Record<string, string>) {
    const settings = { QUEUE_NAME: "work", OPS_HOST: "127.0.0.1", OPS_PORT: "0", WAIT_SECONDS: "1" };
    return cleanUp.use(spawnApp({ entry, env: { ...emulator.env, ...settings, ...env } }));
  }

  /** The emulator behind TLS, and what makes the consumer trust its certificate. */
  async function serveTls(name: string): Promise<{ port: number; trust: Record<string, string> }> {
    const folder = await mkdtemp(join(tmpdir(), "proxy-"));
    cleanUp.defer(() => rm(folder, { recursive: true }));
    const { key, cert } = await selfSigned(name);
    const certificate = join(folder, "cert.pem");
    await writeFile(certificate, cert);
    const server = createTlsServer({ key, cert }, (socket) => tie(socket, connect({ port: queuePort })));
    const port = await portOf(server);
    cleanUp.defer(() => void server.close());
    return { port, trust: { NODE_EXTRA_CA_CERTS: certificate } };
  }

  async function handlesOne(consumer: ReturnType<typeof start>): Promise<void> {
    await consumer.waitFor("queue.endpoint_answered");
    emulator.send("work", "hello");
    await consumer.waitFor("message.handled");
    expect(await consumer.stop("SIGTERM")).toEqual({ code: 0, signal: null });
  }

  describe.each(["lean", "sdk"])("and the transport %s", (TRANSPORT) => {
    test("reaches an http endpoint through HTTP_PROXY", async () => {
      proxy.ports.set("queue.example", queuePort);
      await handlesOne(start({ TRANSPORT, AWS_ENDPOINT_URL: "http://queue.example", HTTP_PROXY: proxyUrl }));
      expect(proxy.asked).toEqual(new Set(["GET queue.example", "POST queue.example"]));
    });

    test("reaches an https endpoint in a tunnel through HTTPS_PROXY", needs(openssl()), async () => {
      const { port, trust } = await serveTls("queue.example");
      proxy.ports.set("queue.example:443", port);
      const AWS_ENDPOINT_URL = "https://queue.example";
      await handlesOne(start({ TRANSPORT, AWS_ENDPOINT_URL, HTTPS_PROXY: proxyUrl, ...trust }));
      expect(proxy.asked).toEqual(new Set(["CONNECT queue.example:443"]));
    });

    test("bypasses HTTP_PROXY for a host in NO_PROXY", async () => {
      const NO_PROXY = "elsewhere.example,127.0.0.1-127.0.0.9";
      await handlesOne(start({ TRANSPORT, HTTP_PROXY: proxyUrl, NO_PROXY }));
      expect(proxy.asked).toEqual(new Set());
    });

    test("bypasses HTTPS_PROXY for a host in NO_PROXY", needs(openssl()), async () => {
      const { port, trust } = await serveTls("localhost");
      const AWS_ENDPOINT_URL = `https://localhost:${port}`;
      await handlesOne(
        start({ TRANSPORT, AWS_ENDPOINT_URL, HTTPS_PROXY: proxyUrl, NO_PROXY: "localhost", ...trust }),
      );
      expect(proxy.asked).toEqual(new Set());
    });
  });

  test("gets its credentials through the proxy", async () => {
    const service = cleanUp.use(await new TokenService().start());
    proxy.ports.set("sts.example", Number(new URL(service.url).port));
    const folder = await mkdtemp(join(tmpdir(), "proxy-"));
    cleanUp.defer(() => rm(folder, { recursive: true }));
    await writeFile(join(folder, "token"), "token");
    const roleByToken = {
      AWS_ACCESS_KEY_ID: "",
      AWS_SECRET_ACCESS_KEY: "",
      AWS_ENDPOINT_URL_STS: "http://sts.example",
      AWS_ROLE_ARN: "arn:aws:iam::000000000000:role/consumer",
      AWS_WEB_IDENTITY_TOKEN_FILE: join(folder, "token"),
    };
    await handlesOne(start({ ...roleByToken, HTTP_PROXY: proxyUrl, NO_PROXY: "127.0.0.1" }));
    expect(proxy.asked).toEqual(new Set(["POST sts.example"]));
  });

  test("posts the results of jobs without it", async () => {
    const posted = Promise.withResolvers<string>();
    const receiver = createServer(({ method, url }, response) => {
      posted.resolve(`${method} ${url}`);
      response.writeHead(204).end();
    });
    const host = `127.0.0.1:${await portOf(receiver)}`;
    cleanUp.defer(() => void receiver.close());
    proxy.ports.set("queue.example", queuePort);
    const consumer = start({
      AWS_ENDPOINT_URL: "http://queue.example",
      HTTP_PROXY: proxyUrl,
      HANDLER: "jobs",
      CALLBACK_HOSTS: host,
    });
    const id = "0b0f4f4e-5d0c-4b6a-9d70-1f8f3a1a1c11";
    const job = { id, kind: "demo", durationMs: 0, callbackUrl: `http://${host}/jobs/${id}/result` };
    emulator.send("work", JSON.stringify(job));
    await consumer.waitFor("message.handled");
    expect(await posted.promise).toBe(`POST /jobs/${id}/result`);
    expect(proxy.asked).toEqual(new Set(["GET queue.example", "POST queue.example"]));
  });
});
