import { expect, it } from "vitest";

import { readStartCommand } from "./start-command.ts";

it("keeps the arguments, quoted for a shell, and leaves the page's port to the page", async () => {
  const argv = ["--", "--page-port", "0", "--app", "web=node it's.js", "--page-port=8001", "--chain"];
  expect(await readStartCommand(argv)).toMatch(
    /^npx -y pnpm@\d+\.\d+\.\d+ demo --app 'web=node it'\\''s\.js' --chain$/,
  );
});
