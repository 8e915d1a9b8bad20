import { mkdtemp, readdir, readFile, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";

import { sleep } from "@kong-serverless/runtime";

import { QueueEmulator } from "./queue-emulator.ts";
import type { RecordedWork } from "./recording-handler.ts";
import { spawnApp } from "./spawn-app.ts";

export interface KillStoryOptions {
  /** The consumer's main script. */
  readonly entry: string;
  readonly messages: number;
  /** Consumers at work at any time. */
  readonly workers: number;
  /** Milliseconds that a consumer lives at most before it is killed; 3,000 unless given. Shorter than the work, or none is. */
  readonly longestLifeMs?: number;
  readonly deadlineMs: number;
  readonly onProgress?: (left: number, kills: number) => void;
}

export interface KillStoryOutcome {
  readonly sent: number;
  readonly handledOnce: number;
  readonly handledMore: number;
  /** Neither handled nor in the dead-letter queue. */
  readonly lost: number;
  readonly deadLettered: number;
  /** Processes ended by SIGKILL or SIGTERM while there was work. */
  readonly kills: number;
}

type Plan = (number: number) => Pick<RecordedWork, "failures" | "failsBy">;

export const killStories = {
  "handlers that succeed": () => ({ failures: 0, failsBy: "error" }),
  // One in 20 fails once, one in 200 always: half of these by an error, half by rejection.
  "handlers that fail": (number) => ({
    failures: number % 200 === 0 ? Number.MAX_SAFE_INTEGER : Number(number % 20 === 1),
    failsBy: number % 400 === 0 ? "rejection" : "error",
  }),
} satisfies Record<string, Plan>;

/** Kills count as receives too: enough of them that no sound message dies of its workers' bad luck. */
const maxReceiveCounts = { "handlers that succeed": 50, "handlers that fail": 8 };

const handler = fileURLToPath(new URL("recording-handler.ts", import.meta.url));

/**
 * Has consumer processes work off a queue while they are killed at random, half of them by SIGKILL and half by SIGTERM, and
 * counts what became of each message. Fails when the queue is not empty at the deadline, or when a SIGTERM does not end in exit 0.
 */
export async function playKillStory(
  story: keyof typeof killStories,
  options: KillStoryOptions,
): Promise<KillStoryOutcome> {
  await using emulator = await QueueEmulator.start();
  const directory = await mkdtemp(join(tmpdir(), "kill-story-"));
  try {
    emulator.createQueue("work", { maxReceiveCount: maxReceiveCounts[story] });
    for (let number = 0; number < options.messages; number += 1) {
      const durationMs = Math.round(Math.random() * 40);
      const work: RecordedWork = { number, directory, durationMs, ...killStories[story](number) };
      emulator.send("work", JSON.stringify(work));
    }
    let kills = 0;
    const drained = waitUntilEmpty(emulator, options, () => kills);
    const isDrained = drained.then(() => true);
    const lives = Array.from({ length: options.workers }, () =>
      liveAndDie(options, emulator, isDrained, () => {
        kills += 1;
      }),
    );
    await Promise.all([drained, ...lives]);
    return { ...(await countRecords(emulator, directory, options.messages)), kills };
  } finally {
    await rm(directory, { recursive: true });
  }
}

/** Runs one consumer after the other and ends each at a random moment; only the last one may finish. */
async function liveAndDie(
  { entry, longestLifeMs = 3000 }: KillStoryOptions,
  emulator: QueueEmulator,
  isDrained: Promise<boolean>,
  onKill: () => void,
): Promise<void> {
  for (;;) {
    await using consumer = spawnApp({
      entry,
      env: {
        ...emulator.env,
        QUEUE_NAME: "work",
        HANDLER: handler,
        CONCURRENCY: "20",
        VISIBILITY_SECONDS: "3",
        WAIT_SECONDS: "1",
        RETRY_SECONDS: "1",
        MAX_RETRY_SECONDS: "1",
        SHUTDOWN_GRACE_SECONDS: "2",
        OPS_HOST: "127.0.0.1",
        OPS_PORT: "0",
      },
    });
    await consumer.waitFor("worker.started", { timeoutMs: 60_000 });
    const isOver = await Promise.race([isDrained, sleep(Math.random() * longestLifeMs).then(() => false)]);
    const signal = isOver || Math.random() < 0.5 ? "SIGTERM" : "SIGKILL";
    if (!isOver) onKill();
    const { code } = await consumer.stop(signal);
    if (signal === "SIGTERM" && code !== 0) throw new Error(`exit ${code} after SIGTERM: ${consumer.output}`);
    if (isOver) return;
  }
}

async function waitUntilEmpty(
  emulator: QueueEmulator,
  { deadlineMs, onProgress }: KillStoryOptions,
  kills: () => number,
): Promise<void> {
  const giveUpAt = Date.now() + deadlineMs;
  for (;;) {
    const { ready, inFlight } = emulator.length("work");
    if (ready + inFlight === 0) return;
    if (Date.now() > giveUpAt)
      throw new Error(`${ready} ready and ${inFlight} in flight after ${deadlineMs} ms`);
    onProgress?.(ready + inFlight, kills());
    await sleep(250);
  }
}

async function countRecords(
  emulator: QueueEmulator,
  directory: string,
  sent: number,
): Promise<Omit<KillStoryOutcome, "kills">> {
  const times = new Map<number, number>();
  for (const file of await readdir(directory)) {
    const lines = (await readFile(join(directory, file), "utf8")).split("\n").slice(0, -1);
    for (const number of lines.map(Number)) times.set(number, (times.get(number) ?? 0) + 1);
  }
  const dead = new Set(emulator.bodies("work-dead").map((body) => (JSON.parse(body) as RecordedWork).number));
  const handledMore = [...times.values()].filter((handled) => handled > 1).length;
  const lost = Array.from({ length: sent }, (_, number) => number).filter(
    (number) => !times.has(number) && !dead.has(number),
  ).length;
  return { sent, handledOnce: times.size - handledMore, handledMore, lost, deadLettered: dead.size };
}
