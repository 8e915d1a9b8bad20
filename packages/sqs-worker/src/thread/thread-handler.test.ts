import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { pathToFileURL } from "node:url";

import { RecordingLog } from "@kong-serverless/testing";
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, test } from "vitest";

import { MessageRejectedError } from "../errors.ts";
import type { HandlerContext, Message } from "../message.ts";
import { ThreadHandler } from "./thread-handler.ts";

const source = `
import { threadId } from "node:worker_threads";
export async function handler({ data, text }, { signal, log, reject }) {
  log.info({ threadId, text, isBuffer: Buffer.isBuffer(data) }, "handler.began");
  switch (text) {
    case "block": for (const until = Date.now() + 500; Date.now() < until; ); return;
    case "spin": for (;;) ;
    case "exit": process.exit(3);
    case "throw in a timer": setTimeout(() => { throw new Error("late"); }, 1); return new Promise(() => {});
    case "throw": throw new Error("no luck");
    case "throw something odd": throw Object.create(null);
    case "reject": reject("never");
    case "never end": return new Promise(() => {});
    case "obey": return new Promise((_, fail) => signal.addEventListener("abort", () => fail(signal.reason)));
  }
}
`;

describe("ThreadHandler", () => {
  let directory: string;
  let threads: ThreadHandler;
  let log: RecordingLog;

  beforeAll(async () => {
    directory = await mkdtemp(join(tmpdir(), "threads-"));
    await writeFile(join(directory, "handler.mjs"), source);
  });
  beforeEach(() => {
    threads = new ThreadHandler({
      module: pathToFileURL(join(directory, "handler.mjs")).href,
    });
    log = new RecordingLog();
  });
  afterEach(() => threads[Symbol.asyncDispose]());
  afterAll(() => rm(directory, { recursive: true }));

  function handle(text: string, signal = new AbortController().signal, data: unknown = text): Promise<void> {
    const message: Message = {
      id: "m",
      idempotencyKey: "m",
      data,
      text,
      body: text,
      attributes: {},
      receiveCount: 1,
    };
    const context: HandlerContext = {
      signal,
      log,
      reject: () => {
        throw new Error("not here");
      },
    };
    return Promise.resolve(threads.handler(message, context));
  }

  const threadIds = () => log.fieldsOf("handler.began").map(({ threadId }) => threadId);

  test("handles one message after the other in the same thread, and passes its log on", async () => {
    await handle("one");
    await handle("two");
    expect(log.fieldsOf("handler.began").map(({ text }) => text)).toEqual(["one", "two"]);
    expect(new Set(threadIds()).size).toBe(1);
  });

  test("has a thread for each message in work, so that one that blocks holds up no other", async () => {
    await Promise.all([handle("one"), handle("two")]);
    const ended: string[] = [];
    await Promise.all(["block", "one"].map((text) => handle(text).then(() => ended.push(text))));
    expect(ended).toEqual(["one", "block"]);
    expect(new Set(threadIds()).size).toBe(2);
  });

  test("hands bytes over as a buffer", async () => {
    await handle("bytes", undefined, Buffer.from("bytes"));
    expect(log.fieldsOf("handler.began")).toMatchObject([{ isBuffer: true }]);
  });

  test("fails with what the handler throws", async () => {
    await expect(handle("throw")).rejects.toThrow("no luck");
    await expect(handle("throw something odd")).rejects.toThrow("a value that cannot be printed");
    await expect(handle("reject")).rejects.toThrow(MessageRejectedError);
    expect(new Set(threadIds()).size).toBe(1);
  });

  test.each([
    ["exit", "Its thread ended with code 3."],
    ["throw in a timer", "Its thread ended: late"],
  ])("survives a handler whose thread ends (%s), with another thread", async (text, reason) => {
    await expect(handle(text)).rejects.toMatchObject({ code: "HANDLER_CRASHED", message: reason });
    await handle("one");
    expect(new Set(threadIds()).size).toBe(2);
  });

  test("passes the abort on to a handler that obeys, and keeps its thread", async () => {
    const stop = new AbortController();
    const handling = handle("obey", stop.signal);
    await expect.poll(() => threadIds()).toHaveLength(1);
    stop.abort(new Error("time is up"));
    await expect(handling).rejects.toThrow("time is up");
    await handle("one");
    expect(new Set(threadIds()).size).toBe(1);
  });

  test.each(["never end", "spin"])(
    "ends the thread of a handler that ignores the abort (%s)",
    async (text) => {
      const stop = new AbortController();
      const handling = handle(text, stop.signal);
      stop.abort(new Error("time is up"));
      await expect(handling).rejects.toMatchObject({ code: "HANDLER_CRASHED" });
      await handle("one");
      expect(log.fieldsOf("handler.began").at(-1)).toMatchObject({ text: "one" });
    },
  );

  test("fails when the module cannot be loaded", async () => {
    await using missing = new ThreadHandler({ module: pathToFileURL(join(directory, "nowhere.mjs")).href });
    const message = { text: "one" } as Message;
    const { signal } = new AbortController();
    const context = { signal, log } as unknown as HandlerContext;
    await expect(missing.handler(message, context)).rejects.toMatchObject({ code: "HANDLER_CRASHED" });
  });
});
