import { globSync } from "node:fs";
import { join } from "node:path";

import { expect, test } from "vitest";

import { errorCodes } from "../../packages/runtime/src/index.ts";
import { read, root } from "./markdown.ts";

const page = read("docs/operations.md");

/** Names of the form `word.word` that the processes which run in a cluster write to their logs. */
function eventsInCode(): Set<string> {
  const sources = globSync(
    [
      "apps/{kong-plugin,consumer,demo-backend}/src/**/*.ts",
      "packages/{activator,dapr-publisher,health-poller,keda-scaler,kubernetes-watch,plugin-server,runtime,sqs-worker}/src/**/*.ts",
    ],
    { cwd: root },
  ).filter((file) => !/\.test\.ts$|\/testing\//.test(file));
  return new Set(
    sources.flatMap((file) =>
      [...read(join(file)).matchAll(/"(?!grpc\.|serverless\.|error\.type")([a-z_]+\.[a-z_]+)"/g)].map(
        ([, name = ""]) => name,
      ),
    ),
  );
}

// Names of spans and their attributes begin with `serverless.`.
const eventsOnPage = new Set(
  [...page.matchAll(/`(?!serverless\.)([a-z_]+\.[a-z_]+)`/g)].map(([, name = ""]) => name),
);

test("docs/operations.md says what to do about every error code", () => {
  expect(Object.keys(errorCodes).filter((code) => !page.includes(`\`${code}\``))).toEqual([]);
});

test("docs/operations.md names no unknown error code", () => {
  const named = [...page.matchAll(/`([A-Z]+(?:_[A-Z]+)+)`/g)].map(([, name = ""]) => name);
  const settings = new Set(
    [...read("docs/configuration.md").matchAll(/`([A-Z_]+)`/g)].map(([, name]) => name),
  );
  expect(named.filter((name) => !(name in errorCodes) && !settings.has(name))).toEqual([]);
});

test("docs/operations.md explains every event that the code logs, and no other", () => {
  const inCode = eventsInCode();
  expect(inCode.size).toBeGreaterThan(40);
  expect([...inCode].filter((event) => !eventsOnPage.has(event))).toEqual([]);
  expect([...eventsOnPage].filter((event) => !inCode.has(event))).toEqual([]);
});
