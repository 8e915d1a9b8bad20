import {
  createServer as createHttpServer,
  type RequestListener,
  type Server,
  type ServerResponse,
} from "node:http";
import { createServer as createHttpsServer } from "node:https";
import { type AddressInfo, createServer, type Server as TcpServer, type Socket } from "node:net";
import { networkInterfaces } from "node:os";

import { type Need, needs, openssl, selfSigned } from "@kong-serverless/testing";
import { afterEach, describe, expect, test, vi } from "vitest";

import { probe } from "./probe.ts";

const servers: TcpServer[] = [];
const sockets = new Set<Socket>();

async function listening(server: TcpServer): Promise<string> {
  servers.push(server);
  server.on("connection", (socket) => {
    sockets.add(socket);
    socket.on("close", () => sockets.delete(socket));
  });
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  return `http://127.0.0.1:${(server.address() as AddressInfo).port}/healthz`;
}

const httpUrl = (listener: RequestListener) => listening(createHttpServer(listener));
const tcpUrl = (onSocket: (socket: Socket) => void) =>
  listening(
    createServer((socket) => {
      socket.on("error", () => {});
      onSocket(socket);
    }),
  );

const ipv6: Need = {
  what: "IPv6",
  remedy: "give the loopback interface ::1",
  isMet: Object.values(networkInterfaces()).some((all) => all?.some(({ address }) => address === "::1")),
};

afterEach(async () => {
  for (const socket of sockets) socket.destroy();
  await Promise.all(
    servers.splice(0).map((server) => new Promise((resolve) => server.close(() => resolve(undefined)))),
  );
});

describe("probe", () => {
  test("is ready on 200", async () => {
    const url = await httpUrl((_, response) => response.end("ok"));
    const result = await probe({ url, timeoutMs: 1000 });
    expect(result).toEqual({ isReady: true, status: 200, durationMs: expect.any(Number) });
  });

  test("is not ready on 503, and says so", async () => {
    const url = await httpUrl((_, response) => response.writeHead(503).end());
    expect(await probe({ url, timeoutMs: 1000 })).toMatchObject({ isReady: false, status: 503 });
  });

  test("follows a redirect on the same host, whose end decides", async () => {
    const paths: (string | undefined)[] = [];
    const url = await httpUrl((request, response) => {
      paths.push(request.url);
      if (request.url === "/healthz") response.writeHead(301, { location: "/healthz/" }).end();
      else response.writeHead(503).end();
    });
    expect(await probe({ url, timeoutMs: 1000 })).toMatchObject({ isReady: false, status: 503 });
    expect(paths).toEqual(["/healthz", "/healthz/"]);
  });

  test("has one time limit for all redirects together", async () => {
    let asked = 0;
    const url = await httpUrl((_, response) => {
      asked += 1;
      if (asked === 1) response.writeHead(302, { location: "/slow" }).end();
    });
    expect(await probe({ url, timeoutMs: 80 })).toMatchObject({ error: "no answer within 80 ms" });
    expect(asked).toBe(2);
  });

  test.each([
    { location: "/up", host: "demo.example" },
    { location: "http://127.0.0.1:PORT/up", host: "127.0.0.1:PORT" },
  ])(
    "keeps the Host it was given through a redirect to $location only if that is relative",
    async (given) => {
      const hosts: (string | undefined)[] = [];
      const url = await httpUrl((request, response) => {
        hosts.push(request.headers.host);
        const location = given.location.replace("PORT", new URL(url).port);
        if (request.url === "/healthz") response.writeHead(302, { location }).end();
        else response.end();
      });
      await probe({ url, timeoutMs: 1000, headers: { Host: "demo.example" } });
      expect(hosts).toEqual(["demo.example", given.host.replace("PORT", new URL(url).port)]);
    },
  );

  test.each([
    { answer: 302, isReady: false },
    { answer: 204, isReady: true },
    { answer: 200, isReady: true },
    { answer: 206, isReady: false },
  ])("keeps to the statuses asked for: $answer -> $isReady", async ({ answer, isReady }) => {
    const url = await httpUrl((_, response) => response.writeHead(answer, { location: "/" }).end());
    const statuses = { min: 200, max: 204 };
    expect(await probe({ url, timeoutMs: 1000, statuses })).toMatchObject({ isReady, status: answer });
  });

  test("sends the headers it was given", async () => {
    const url = await httpUrl((request, response) =>
      response.writeHead(request.headers["x-probe"] === "yes" ? 200 : 500).end(),
    );
    expect(await probe({ url, timeoutMs: 1000, headers: { "x-probe": "yes" } })).toMatchObject({
      isReady: true,
    });
  });

  test.each([
    { given: {}, sent: { accept: "*/*", "user-agent": "kong-serverless-probe" } },
    { given: { Accept: "text/plain", "User-Agent": "x" }, sent: { accept: "text/plain", "user-agent": "x" } },
    { given: { accept: "", "user-agent": "" }, sent: {} },
  ])("says who it is and takes any type, unless told otherwise: $given", async ({ given, sent }) => {
    let headers: object = {};
    const url = await httpUrl((request, response) => {
      headers = request.headers;
      response.end();
    });
    await probe({ url, timeoutMs: 1000, headers: given });
    expect(headers).toEqual({ ...sent, host: new URL(url).host, connection: expect.any(String) });
  });

  test("asks an IPv6 address", needs(ipv6), async () => {
    const server = createHttpServer((_, response) => response.end("ok"));
    servers.push(server);
    await new Promise<void>((resolve) => server.listen(0, "::1", resolve));
    const { port } = server.address() as AddressInfo;
    expect(await probe({ url: `http://[::1]:${port}/healthz`, timeoutMs: 1000 })).toMatchObject({
      isReady: true,
    });
  });

  test("reports a refused connection", async () => {
    const url = await httpUrl((_, response) => response.end());
    const [server] = servers.splice(0);
    await new Promise<void>((resolve) => server?.close(() => resolve()));
    const result = await probe({ url, timeoutMs: 1000 });
    expect(result).toMatchObject({ isReady: false, error: expect.stringContaining("ECONNREFUSED") });
  });

  test("gives up on a server that never answers, and closes the connection", async () => {
    const closed = Promise.withResolvers<void>();
    const url = await tcpUrl((socket) => {
      socket.resume();
      socket.on("close", () => closed.resolve());
    });
    expect(await probe({ url, timeoutMs: 50 })).toMatchObject({
      isReady: false,
      error: "no answer within 50 ms",
    });
    await closed.promise;
  });

  test("gives up on a server that sends its headers byte by byte", async () => {
    const url = await tcpUrl((socket) => {
      socket.write("HTTP/1.1 200 OK\r\n");
      const timer = setInterval(() => socket.write("x"), 10);
      socket.on("close", () => clearInterval(timer));
    });
    expect(await probe({ url, timeoutMs: 60 })).toMatchObject({
      isReady: false,
      error: "no answer within 60 ms",
    });
  });

  test("is ready at the status line, before a slow body ends, and frees the connection in time", async () => {
    const closed = Promise.withResolvers<void>();
    const url = await httpUrl((request, response) => {
      request.socket.on("close", () => closed.resolve());
      response.write("starting to answer, never ending");
    });
    expect(await probe({ url, timeoutMs: 100 })).toMatchObject({ isReady: true, status: 200 });
    await closed.promise;
  });

  test("does not read a huge body to its end", async () => {
    const written = Promise.withResolvers<number>();
    const url = await httpUrl((_, response) => {
      let bytes = 0;
      const chunk = Buffer.alloc(64 * 1024);
      const more = () => {
        while (!response.destroyed && response.write(chunk)) bytes += chunk.length;
      };
      response.on("drain", more);
      response.on("close", () => written.resolve(bytes));
      more();
    });
    expect(await probe({ url, timeoutMs: 10_000 })).toMatchObject({ isReady: true });
    // What fits into the socket buffers on both sides may have been sent; an endless body was not.
    expect(await written.promise).toBeLessThan(64 * 1024 * 1024);
  });

  test.each([
    ["garbage", "SSH-2.0-OpenSSH_9.9\r\n"],
    ["a protocol switch that nobody asked for", "HTTP/1.1 101 Switching Protocols\r\nupgrade: x\r\n\r\n"],
  ])("is not ready when answered with %s", async (_, answer) => {
    const url = await tcpUrl((socket) => socket.end(answer));
    expect(await probe({ url, timeoutMs: 1000 })).toMatchObject({
      isReady: false,
    });
  });

  test("is not ready when the connection closes without an answer", async () => {
    const url = await tcpUrl((socket) => socket.once("data", () => socket.end()));
    expect(await probe({ url, timeoutMs: 1000 })).toMatchObject({
      isReady: false,
      error: expect.any(String),
    });
  });

  test("ends at once when aborted", async () => {
    const controller = new AbortController();
    const url = await tcpUrl((socket) => {
      socket.resume();
      controller.abort();
    });
    expect(await probe({ url, timeoutMs: 10_000 }, controller.signal)).toMatchObject({
      isReady: false,
      error: "aborted",
    });
  });

  test("does not connect when aborted before", async () => {
    const onSocket = vi.fn<(socket: Socket) => void>();
    const url = await tcpUrl(onSocket);
    expect(await probe({ url, timeoutMs: 1000 }, AbortSignal.abort())).toMatchObject({ error: "aborted" });
    expect(onSocket).not.toHaveBeenCalled();
  });

  test.each(["not a url", "ftp://127.0.0.1/healthz", "http://127.0.0.1:99999/"])(
    "answers instead of throwing for the address %j",
    async (url) => {
      expect(await probe({ url, timeoutMs: 1000 })).toMatchObject({
        isReady: false,
        error: expect.any(String),
      });
    },
  );

  test("takes a certificate that nobody has signed, as a kubelet does", needs(openssl()), async () => {
    const server = createHttpsServer(await selfSigned("elsewhere"), (_, response) => response.end("ok"));
    const url = (await listening(server)).replace("http:", "https:");
    expect(await probe({ url, timeoutMs: 1000 })).toMatchObject({ isReady: true, status: 200 });
  });

  test.each([undefined, "demo.example", "demo.example:8443"])(
    "uses one TLS connection for probe after probe, with the Host %s",
    needs(openssl()),
    async (host) => {
      const names: unknown[] = [];
      const server = createHttpsServer(await selfSigned("elsewhere"), (_, response) => response.end("ok"));
      server.on("secureConnection", (socket) => names.push(socket.servername));
      const url = (await listening(server)).replace("http:", "https:");
      const headers = host === undefined ? {} : { host };
      for (let asked = 0; asked < 3; asked += 1) {
        expect(await probe({ url, timeoutMs: 1000, headers })).toMatchObject({ status: 200 });
        await new Promise((resolve) => setImmediate(resolve));
      }
      expect(names).toEqual([host === undefined ? false : "demo.example"]);
    },
  );

  test("uses one connection for probe after probe", async () => {
    const server = createHttpServer((_, response) => response.end("ok"));
    const url = await listening(server);
    const onConnection = vi.fn<() => void>();
    server.on("connection", onConnection);
    for (let asked = 0; asked < 5; asked += 1) {
      await probe({ url, timeoutMs: 1000 });
      await idle(server);
    }
    expect(onConnection).toHaveBeenCalledTimes(1);
  });

  test("leaves no connection unused when another one becomes free while it is made", async () => {
    const slow = Promise.withResolvers<ServerResponse>();
    let requests = 0;
    const url = await httpUrl((_, response) => {
      requests += 1;
      if (requests === 1) slow.resolve(response);
      else response.end();
    });
    let connections = 0;
    servers.at(-1)?.on("connection", () => (connections += 1));
    const target = { url, timeoutMs: 5000 };
    const first = probe(target);
    (await slow.promise).end();
    const second = probe(target);
    expect(await Promise.all([first, second])).toMatchObject([{ isReady: true }, { isReady: true }]);
    await expect.poll(() => [...sockets].every(({ bytesRead }) => bytesRead > 0)).toBe(true);
    expect(requests).toBe(2);
    expect(connections).toBe(2);
  });

  test("keeps no connection to one of several replicas that is not ready: the next may lead to another", async () => {
    let connections = 0;
    const url = await tcpUrl((socket) => {
      connections += 1;
      const answers = connections === 1 ? ["200 OK", "503 Draining"] : ["200 OK"];
      socket.on("data", () => {
        const answer = answers.length > 1 ? answers.shift() : answers[0];
        socket.write(`HTTP/1.1 ${answer}\r\ncontent-length: 0\r\n\r\n`);
      });
    });
    const statuses: unknown[] = [];
    for (let asked = 0; asked < 3; asked += 1) {
      statuses.push((await probe({ url, timeoutMs: 1000 })).status);
      await new Promise((resolve) => setImmediate(resolve));
    }
    expect(statuses).toEqual([200, 503, 200]);
  });

  test("uses the connection of an answer that is not ready once more, and then another", async () => {
    const server = createHttpServer((_, response) => response.writeHead(503).end());
    const url = await listening(server);
    const onConnection = vi.fn<() => void>();
    server.on("connection", onConnection);
    for (let asked = 0; asked < 6; asked += 1) {
      await probe({ url, timeoutMs: 1000 });
      await idle(server);
    }
    expect(onConnection).toHaveBeenCalledTimes(3);
  });

  test("asks again on a new connection when the kept one was closed meanwhile", async () => {
    let connections = 0;
    const url = await tcpUrl((socket) => {
      connections += 1;
      let requests = 0;
      socket.on("data", () => {
        requests += 1;
        if (requests === 1) socket.write("HTTP/1.1 200 OK\r\ncontent-length: 0\r\n\r\n");
        else socket.destroy();
      });
    });
    expect(await probe({ url, timeoutMs: 1000 })).toMatchObject({ isReady: true });
    await new Promise((resolve) => setImmediate(resolve));
    expect(await probe({ url, timeoutMs: 1000 })).toMatchObject({ isReady: true });
    expect(connections).toBe(2);
  });

  test.each(["timed out", "was aborted"])(
    "asks nothing more once it has %s on a kept connection",
    async (how) => {
      let requests = 0;
      const hung = Promise.withResolvers<void>();
      const closed = Promise.withResolvers<void>();
      const server = createHttpServer((request, response) => {
        requests += 1;
        if (requests === 1) return void response.end("ok");
        hung.resolve();
        request.socket.on("close", () => closed.resolve());
      });
      const url = await listening(server);
      await probe({ url, timeoutMs: 1000 });
      await idle(server);
      const leaving = new AbortController();
      const answer = probe({ url, timeoutMs: how === "timed out" ? 50 : 5000 }, leaving.signal);
      await hung.promise;
      if (how === "was aborted") leaving.abort();
      expect(await answer).toMatchObject({ isReady: false });
      await closed.promise;
      // Connections are taken in order: had another request been sent, it would have come before this one.
      await probe({ url, timeoutMs: 50 });
      expect(requests).toBe(3);
    },
  );
});

/** The client's agent keeps a connection in the turn after the answer's last byte. */
async function idle(server: Server): Promise<void> {
  await new Promise((resolve) => server.getConnections(resolve));
  await new Promise((resolve) => setImmediate(resolve));
}
