import { expect, it } from "vitest";

import { restartDelays } from "./restart-delays.ts";

it("restarts a container at once the first time, then after longer and longer pauses, up to 5 minutes", () => {
  const delays = restartDelays();
  const seconds = Array.from({ length: 8 }, () => delays.next().value / 1000);
  expect(seconds).toEqual([0, 10, 20, 40, 80, 160, 300, 300]);
});
