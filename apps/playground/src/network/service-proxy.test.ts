import { once } from "node:events";
import { type AddressInfo, connect, createServer, type Server, type Socket } from "node:net";
import { buffer, text } from "node:stream/consumers";

import { listen } from "@kong-serverless/runtime";
import { expect, it, onTestFinished } from "vitest";

import type { Endpoint } from "./endpoint.ts";
import { ServiceProxy } from "./service-proxy.ts";

/** A TCP server that plays a pod, with its connections in the order they came. */
async function startPod(onConnection: (socket: Socket) => void = (socket) => socket.pipe(socket)) {
  const sockets: Socket[] = [];
  const server: Server = createServer({ allowHalfOpen: true }, (socket) => {
    sockets.push(socket);
    socket.on("error", () => {});
    onConnection(socket);
  });
  await listen(server, { host: "127.0.0.1", port: 0 });
  const close = () => {
    for (const socket of sockets) socket.destroy();
    server.close();
  };
  onTestFinished(close);
  const endpoint: Endpoint = { host: "127.0.0.1", port: (server.address() as AddressInfo).port };
  return { endpoint, sockets, close };
}

async function startProxy(endpoints: readonly Endpoint[]) {
  const proxy = await ServiceProxy.start(() => endpoints);
  onTestFinished(() => proxy.stop());
  return proxy;
}

function connectTo({ port }: { port: number }): Socket {
  const socket = connect({ port, host: "127.0.0.1", allowHalfOpen: true });
  onTestFinished(() => void socket.destroy());
  socket.on("error", () => {});
  return socket;
}

const ended = async (socket: Socket) => {
  if (!socket.readableEnded) await once(socket.resume(), "end");
};

it("connects to a ready endpoint in both directions, for as long as either side sends", async () => {
  const { endpoint } = await startPod((socket) => {
    void text(socket).then((said) => socket.end(`${said} and goodbye`));
  });
  const client = connectTo(await startProxy([endpoint]));
  client.end("hello");
  expect(await text(client)).toBe("hello and goodbye");
});

it("passes on everything that a pod sent before it closed, however slowly it is read", async () => {
  const bytes = 5_000_000;
  const { endpoint, sockets } = await startPod((socket) => socket.end(Buffer.alloc(bytes)));
  const client = connectTo(await startProxy([endpoint]));
  client.pause();
  // The pod has closed it before the client has read a byte.
  await expect.poll(() => sockets[0]?.writableLength).toBeLessThan(bytes);
  client.end();
  expect(await buffer(client)).toHaveLength(bytes);
});

it("spreads connections over the endpoints", async () => {
  const pods = await Promise.all([startPod(), startPod()]);
  const proxy = await startProxy(pods.map(({ endpoint }) => endpoint));
  for (let i = 0; i < 40; i++) connectTo(proxy);
  await expect.poll(() => pods.flatMap(({ sockets }) => sockets)).toHaveLength(40);
  // That all 40 reach the same one of two happens once in 10^11 runs.
  for (const { sockets } of pods) expect(sockets.length).toBeGreaterThan(0);
});

it("closes a connection at once if no endpoint is ready, and finds one that comes later", async () => {
  const endpoints: Endpoint[] = [];
  const proxy = await startProxy(endpoints);
  const tooEarly = connectTo(proxy);
  expect(await text(tooEarly).catch((error: NodeJS.ErrnoException) => error.code ?? "")).toMatch(
    /^(ECONNRESET)?$/,
  );
  const { endpoint } = await startPod();
  endpoints.push(endpoint);
  const inTime = connectTo(proxy);
  inTime.end("hello");
  expect(await text(inTime)).toBe("hello");
});

it("resets the client if the endpoint has just gone", async () => {
  const { endpoint, close } = await startPod();
  close();
  const client = connectTo(await startProxy([endpoint]));
  await expect(once(client, "data")).rejects.toThrow("ECONNRESET");
});

it("passes a reset of one half on to the other, and survives when half of all peers vanish", async () => {
  const { endpoint, sockets } = await startPod();
  const proxy = await startProxy([endpoint]);
  const clients = Array.from({ length: 20 }, () => connectTo(proxy));
  await Promise.all(
    clients.map(async (client) => {
      client.write("hello");
      await once(client, "data");
    }),
  );
  const podsThatStay = new Set(sockets);
  for (const client of clients.slice(0, 5)) client.resetAndDestroy();
  for (const socket of sockets.filter((candidate) => !candidate.closed).slice(-5)) {
    podsThatStay.delete(socket);
    socket.resetAndDestroy();
  }
  await expect.poll(() => sockets.filter((socket) => !socket.closed).length).toBe(10);
  await expect.poll(() => clients.filter((client) => !client.closed).length).toBe(10);
  for (const client of clients.filter((candidate) => !candidate.closed)) {
    client.write("still here?");
    const [answer] = (await once(client, "data")) as [Buffer];
    expect(answer.toString()).toBe("still here?");
  }
});

it("stops with every connection closed, whatever it was doing", async () => {
  const { endpoint, sockets } = await startPod();
  const proxy = await startProxy([endpoint]);
  const clients = [connectTo(proxy), connectTo(proxy)];
  await expect.poll(() => sockets).toHaveLength(2);
  const { port } = proxy;
  await proxy.stop();
  await Promise.all([...clients, ...sockets].map(ended));
  await expect(once(connectTo({ port }), "connect")).rejects.toThrow("ECONNREFUSED");
});
