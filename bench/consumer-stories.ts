import { mkdtemp, readdir, readFile, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";

import { sleep } from "@kong-serverless/runtime";
import { QueueEmulator, spawnApp, type SpawnedApp, TokenService } from "@kong-serverless/testing";

import type { BenchmarkOptions } from "./benchmark.ts";
import { fair, FaultyQueue } from "./consumer/faulty-queue.ts";

/** What a story can act on: the consumer and its surroundings. */
interface Scene {
  readonly queue: FaultyQueue;
  readonly tokens: TokenService;
  readonly consumer: SpawnedApp;
}

interface Story {
  /** How long the trouble lasts. */
  readonly seconds: number;
  readonly begin: (scene: Scene) => void;
  readonly end: (scene: Scene) => void;
}

const calm = ({ queue }: Scene) => {
  queue.weather = fair;
};

const stories: Readonly<Record<string, Story>> = {
  "90 % of calls throttled": {
    seconds: 30,
    begin: ({ queue }) => {
      queue.weather = { ...fair, throttled: 0.9 };
    },
    end: calm,
  },
  "corrupted answers": {
    seconds: 30,
    begin: ({ queue }) => {
      queue.weather = { ...fair, corrupted: 0.2 };
    },
    end: calm,
  },
  "hung credentials": {
    seconds: 60,
    begin: ({ tokens }) => {
      tokens.isSilent = true;
    },
    end: ({ tokens }) => {
      tokens.isSilent = false;
    },
  },
  "clock set back by an hour": {
    seconds: 30,
    begin: ({ consumer }) => consumer.signal("SIGUSR2"),
    end: () => {},
  },
  "poison: 1 in 20 lets an error escape": { seconds: 30, begin: () => {}, end: () => {} },
  "no network": {
    seconds: 300,
    begin: ({ queue }) => {
      queue.weather = { ...fair, isGone: true };
    },
    end: calm,
  },
};

const perSecond = 100;
const healthySeconds = 10;
const handler = fileURLToPath(import.meta.resolve("@kong-serverless/testing/recording-handler"));

/** Plays each story once: a consumer, 100 messages a second, some trouble, and the outcome of every message. */
export async function run(progress: (line: string) => void, { isQuick }: BenchmarkOptions): Promise<object> {
  const outcomes: object[] = [];
  for (const [name, story] of Object.entries(stories)) {
    const seconds = isQuick ? Math.min(5, story.seconds) : story.seconds;
    const outcome = await play(name, { ...story, seconds });
    progress(`${name}: ${JSON.stringify(outcome)}`);
    outcomes.push({ story: name, seconds, ...outcome });
  }
  return { stories: outcomes, perSecond };
}

async function play(name: string, { seconds, begin, end }: Story): Promise<object> {
  const isPoisonous = name.startsWith("poison");
  const directory = await mkdtemp(join(tmpdir(), "consumer-story-"));
  await using emulator = await QueueEmulator.start();
  await using queue = await new FaultyQueue(String(emulator.env["AWS_ENDPOINT_URL"])).start();
  await using tokens = await new TokenService().start();
  tokens.lifetimeMs = 20_000;
  await writeFile(join(directory, "token"), "token");
  const records = await mkdtemp(join(directory, "records-"));
  emulator.createQueue("work", { maxReceiveCount: 5 });
  await using consumer = spawnApp({
    entry: fileURLToPath(import.meta.resolve("@kong-serverless/consumer/main")),
    nodeArgs: ["--import", new URL("consumer/jump-clock.ts", import.meta.url).href],
    env: {
      AWS_ENDPOINT_URL: queue.url,
      AWS_REGION: "eu-west-1",
      AWS_ENDPOINT_URL_STS: tokens.url,
      AWS_ROLE_ARN: "arn:aws:iam::000000000000:role/consumer",
      AWS_WEB_IDENTITY_TOKEN_FILE: join(directory, "token"),
      QUEUE_NAME: "work",
      ACCOUNT_ID: "000000000000",
      HANDLER: handler,
      CONCURRENCY: "50",
      MAX_RETRY_SECONDS: "2",
      OPS_HOST: "127.0.0.1",
      OPS_PORT: "0",
    },
  });
  try {
    const { port } = await consumer.waitFor("ops.listening", { timeoutMs: 60_000 });
    await consumer.waitFor("worker.started", { timeoutMs: 60_000 });
    let sent = 0;
    const send = () => {
      const isPoison = isPoisonous && sent % 20 === 0;
      const work = {
        number: sent,
        directory: records,
        durationMs: 50,
        failures: isPoison ? Number.MAX_SAFE_INTEGER : 0,
        failsBy: isPoison ? "escape" : "error",
      };
      emulator.send("work", JSON.stringify(work));
      sent += 1;
    };
    const startedAt = performance.now();
    const sending = setInterval(() => {
      // Timers are late on a busy machine; catch up to keep the rate.
      while (sent < ((performance.now() - startedAt) / 1000) * perSecond) send();
    }, 10);
    const scene = { queue, tokens, consumer };
    await sleep(healthySeconds * 1000);
    const begunAt = performance.now();
    begin(scene);
    const noticed = noticeAfter(Number(port), begunAt);
    await sleep(seconds * 1000);
    const endedAt = performance.now();
    end(scene);
    const secondsUntilFullSpeed = await secondsUntilSpeed(
      records,
      endedAt,
      isPoisonous ? 0.95 * perSecond : perSecond,
    );
    await sleep(5000);
    clearInterval(sending);
    await drain(emulator, 240_000);
    const noticedAfterSeconds = await noticed.stop();
    await consumer.stop("SIGTERM", 60_000);
    return { ...(await count(records, emulator, sent)), noticedAfterSeconds, secondsUntilFullSpeed };
  } finally {
    await rm(directory, { recursive: true });
  }
}

/** Watches `/readyz` and reports after how many seconds it first said 503; null if it never did. */
function noticeAfter(port: number, begunAt: number): { stop(): Promise<number | null> } {
  const over = new AbortController();
  const watching = (async () => {
    while (!over.signal.aborted) {
      const { status } = await fetch(`http://127.0.0.1:${port}/readyz`).catch(() => ({ status: 0 }));
      if (status === 503) return Math.round((performance.now() - begunAt) / 100) / 10;
      await sleep(100);
    }
    return null;
  })();
  return {
    stop: () => {
      over.abort();
      return watching;
    },
  };
}

/**
 * Seconds from `since` to the end of the first second in which `rate` messages were handled, less a tenth for the
 * timers' noise.
 */
async function secondsUntilSpeed(records: string, since: number, rate: number): Promise<number> {
  const samples: { readonly at: number; readonly handled: number }[] = [];
  for (;;) {
    const now = performance.now();
    const handled = await handledSoFar(records);
    samples.push({ at: now, handled });
    const before = samples.findLast(({ at }) => at <= now - 1000);
    if (before !== undefined && handled - before.handled >= rate * 0.9) {
      return Math.round((now - since) / 100) / 10;
    }
    if (now - since > 120_000) throw new Error("not at full speed after two minutes");
    await sleep(100);
  }
}

async function handledSoFar(directory: string): Promise<number> {
  const files = await readdir(directory);
  const lines = await Promise.all(
    files.map(async (file) => (await readFile(join(directory, file), "utf8")).split("\n").length - 1),
  );
  return lines.reduce((sum, ofFile) => sum + ofFile, 0);
}

async function drain(emulator: QueueEmulator, deadlineMs: number): Promise<void> {
  const giveUpAt = performance.now() + deadlineMs;
  for (;;) {
    const { ready, inFlight } = emulator.length("work");
    if (ready + inFlight === 0) return;
    if (performance.now() > giveUpAt) throw new Error(`${ready} ready and ${inFlight} in flight at the end`);
    await sleep(250);
  }
}

async function count(records: string, emulator: QueueEmulator, sent: number) {
  const times = new Map<number, number>();
  for (const file of await readdir(records)) {
    const lines = (await readFile(join(records, file), "utf8")).split("\n").slice(0, -1);
    for (const number of lines.map(Number)) times.set(number, (times.get(number) ?? 0) + 1);
  }
  const dead = new Set(
    emulator.bodies("work-dead").map((body) => (JSON.parse(body) as { number: number }).number),
  );
  const handledMore = [...times.values()].filter((handled) => handled > 1).length;
  const lost = Array.from({ length: sent }, (_, number) => number).filter(
    (number) => !times.has(number) && !dead.has(number),
  ).length;
  return { sent, handled: times.size, handledMore, lost, deadLettered: dead.size };
}
