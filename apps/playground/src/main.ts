import { resolve } from "node:path";

import { ServerlessError } from "@kong-serverless/runtime";

import { type ColdStart, ColdStarts } from "./cold-starts.ts";
import { type CommandOptions, readCommand } from "./command.ts";
import { Journal } from "./journal.ts";
import { joinCluster } from "./manifests/cluster.ts";
import { readManifests } from "./manifests/read-manifests.ts";
import { Page } from "./page/page.ts";
import { viewPlayground } from "./page/playground-view.ts";
import { Playground } from "./playground.ts";
import { chooseSettings } from "./settings.ts";
import { playStory } from "./story/story.ts";
import { TargetNames } from "./target-names.ts";
import { tellJournal, tellStart } from "./tell.ts";
import { entryPointOf, readVersions, workspaceFolder } from "./workspace.ts";

/** Exit code of a process that ended because of SIGINT, as shells count. */
const interrupted = 130;

const stopping = new AbortController();
// SIGHUP: the terminal was closed.
for (const signal of ["SIGINT", "SIGTERM", "SIGHUP"] as const) {
  process.on(signal, () => {
    // The second one does not wait; ending kills what the playground started.
    if (stopping.signal.aborted) process.exit(interrupted);
    stopping.abort(new Error("stopped before it was done"));
  });
}
// One for each process that the playground runs.
process.setMaxListeners(0);

try {
  process.exitCode = await run(readCommand(process.argv.slice(2)));
} catch (error) {
  if (stopping.signal.aborted) {
    process.exitCode = interrupted;
  } else if (error instanceof ServerlessError) {
    process.stderr.write(`${error.message}\n`);
    process.exitCode = 1;
  } else {
    throw error;
  }
}

async function run(options: CommandOptions): Promise<number> {
  // With --json stdout is for the object alone.
  const say = (text: string) => (options.json ? process.stderr : process.stdout).write(`${text}\n`);
  const manifests = await readManifests(
    folder(options.manifests),
    options.instantWake ? [folder("deploy/components/instant-wake")] : [],
  );
  const cluster = joinCluster(manifests);
  const settings = chooseSettings(cluster, options.realTimes);
  const journal = new Journal();
  const coldStarts: ColdStart[] = [];
  const recorder = new ColdStarts(cluster, journal);
  recorder.onColdStart((coldStart) => coldStarts.push(coldStart));
  tellJournal(journal, recorder, say);

  const startedAt = performance.now();
  say("Starting the playground ...");
  const playground = await Playground.start({
    cluster,
    settings,
    port: options.port,
    entryPointOf,
    daprd: options.daprd,
    journal,
    signal: stopping.signal,
  });
  let page: Page | undefined;
  try {
    stopping.signal.throwIfAborted();
    if (options.pagePort !== undefined) {
      page = await Page.start({
        port: options.pagePort,
        view: viewPlayground(playground, cluster, journal),
        targetNames: new TargetNames(cluster),
        coldStarts: recorder,
      });
    }
    stopping.signal.throwIfAborted();
    const startedInMs = Math.round(performance.now() - startedAt);
    const { notHonoured } = manifests;
    say(tellStart({ playground, page, settings, notHonoured, startedInMs, isStory: options.once }));
    if (!options.once) {
      await new Promise((done) => stopping.signal.addEventListener("abort", done, { once: true }));
      say("\nStopping ...");
      await page?.stop();
      await playground.stop();
      say("Stopped. Nothing is left.");
      return 0;
    }
    const stage = { playground, journal, settings, coldStarts, signal: stopping.signal, say };
    const report = await playStory(stage, {
      ...(await readVersions()),
      sidecar: playground.sidecar.description,
    });
    say(report.ok ? "The story went as it should." : `The story failed: ${report.reason}`);
    await playground.stop();
    if (options.json) process.stdout.write(`${JSON.stringify(report)}\n`);
    return report.ok ? 0 : 1;
  } finally {
    await page?.stop();
    await playground.stop();
  }
}

function folder(shown: string) {
  return { path: resolve(workspaceFolder, shown), shown };
}
