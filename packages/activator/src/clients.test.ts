import { expect, test } from "vitest";

import { Clients } from "./clients.ts";

const limits = { maxHeldPerClient: 2, maxColdStartsPerClient: 0 };
const maxClients = 50_000;

test("when there are too many clients, the least recently seen one is forgotten", () => {
  const clients = new Clients();
  const hold = (client: string) => {
    clients.assertRoom(client, limits, false, "demo");
    clients.hold(client, false);
  };
  hold("busy");
  hold("quiet");
  hold("quiet");
  for (let nth = 2; nth < maxClients; nth += 1) hold(`client ${nth}`);
  hold("busy");
  hold("one more");
  expect(() => hold("busy")).toThrow("2 requests of one client are held already");
  expect(() => hold("quiet")).not.toThrow();
});
