import { expect, it } from "vitest";

import { dump } from "./index.ts";
import { pluginOf } from "./testing/served-plugin.ts";

it("describes protocol, socket, phases and configuration schema for Kong's query command", () => {
  const plugin = { ...pluginOf({ log() {}, access() {} }), Schema: [{ count: { type: "integer" } }] };
  expect(dump(plugin, "/run/kong/tested.socket")).toEqual({
    Protocol: "ProtoBuf:1",
    SocketPath: "/run/kong/tested.socket",
    Plugins: [
      {
        Name: "tested",
        Version: "1.0.0",
        Priority: 1,
        Phases: ["access", "log"],
        Schema: {
          name: "tested",
          fields: [{ config: { type: "record", fields: [{ count: { type: "integer" } }] } }],
        },
      },
    ],
  });
});
