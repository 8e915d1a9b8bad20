import { join } from "node:path";

import { ConfigError, readCliEnvironment } from "@kong-serverless/config";
import { readManifests } from "@kong-serverless/manifests";
import {
  errorReport,
  type ExitCode,
  exitCode,
  formatError,
  printable,
  ServerlessError,
} from "@kong-serverless/runtime";

import { type ColdStart, ColdStarts } from "./cold-starts.ts";
import { type CommandOptions, defaultManifests, readCommand } from "./command.ts";
import { Journal } from "./journal.ts";
import { type Cluster, joinCluster } from "./manifests/cluster.ts";
import { addComponent } from "./manifests/component.ts";
import { type NotPlayed, formatNotPlayed } from "./manifests/not-played.ts";
import { Page } from "./page/page.ts";
import { viewPlayground } from "./page/playground-view.ts";
import { Playground } from "./playground.ts";
import type { Program } from "./processes/program.ts";
import { parseMappedApp, programOf, readMappedApps } from "./programs.ts";
import { chooseSettings } from "./settings.ts";
import { readStartCommand } from "./start-command.ts";
import { playStory } from "./story/story.ts";
import { TargetNames } from "./target-names.ts";
import { printJournal, formatStart } from "./terminal.ts";
import { entryPointOf, readVersions, workspaceFolder } from "./workspace.ts";

/** pnpm passes on the Ctrl-C that the terminal has already sent: a second one within this time is the same. */
const sameKeyMs = 500;

const stopping = new AbortController();
let stoppedAtMs = 0;
// SIGHUP: the terminal was closed.
for (const signal of ["SIGINT", "SIGTERM", "SIGHUP"] as const) {
  process.on(signal, () => {
    if (!stopping.signal.aborted) {
      stoppedAtMs = performance.now();
      stopping.abort(new ServerlessError("INTERRUPTED", "stopped before it was done"));
    } else if (performance.now() - stoppedAtMs > sameKeyMs) {
      // A second one does not wait: exiting kills what the playground started.
      process.exit(exitCode.interrupted);
    }
  });
}
// One listener for each process that the playground runs.
process.setMaxListeners(0);

const argv = process.argv.slice(2);
try {
  process.exitCode = await run(readCommand(argv));
} catch (thrown) {
  process.exitCode = endWith(stopping.signal.aborted ? stopping.signal.reason : thrown);
}

function endWith(error: unknown): ExitCode {
  const isStory = argv.includes("--once");
  // Stopping a playground while it starts is a success; cutting a story short is not.
  if (stopping.signal.aborted && !isStory) {
    process.stderr.write("\nStopped. Nothing is left.\n");
    return exitCode.fine;
  }
  // A known error needs no stack.
  const text = error instanceof ServerlessError ? error.message : formatError(error);
  process.stderr.write(`${printable(text, { lines: true })}\n`);
  if (argv.includes("--json")) process.stdout.write(`${JSON.stringify(errorReport(error))}\n`);
  return stopping.signal.aborted ? exitCode.interrupted : exitCode.failed;
}

async function run(options: CommandOptions): Promise<ExitCode> {
  // With --json stdout has only the object.
  const say = (text: string) =>
    (options.json ? process.stderr : process.stdout).write(`${printable(text, { lines: true })}\n`);
  const { cluster, programs, notPlayed } = await readCluster(options);
  const settings = chooseSettings(cluster, options.realTimes);
  const journal = new Journal();
  const coldStarts: ColdStart[] = [];
  const recorder = new ColdStarts(cluster, journal);
  recorder.onColdStart((coldStart) => coldStarts.push(coldStart));
  printJournal(journal, recorder, say);

  const startedAt = performance.now();
  say("Starting the playground ...");
  const playground = await Playground.start({
    cluster,
    settings,
    port: options.port,
    pluginServer: pluginServerBundle(),
    programs,
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
        startCommand: await readStartCommand(process.argv.slice(2)),
      });
    }
    stopping.signal.throwIfAborted();
    const startedInMs = Math.round(performance.now() - startedAt);
    say(formatStart({ playground, cluster, page, settings, notPlayed, startedInMs, isStory: options.once }));
    if (!options.once) {
      await new Promise((done) => stopping.signal.addEventListener("abort", done, { once: true }));
      say("\nStopping ...");
      await page?.stop();
      await playground.stop();
      say("Stopped. Nothing is left.");
      return exitCode.fine;
    }
    const story = { playground, journal, settings, coldStarts, signal: stopping.signal, say };
    const report = await playStory(story, {
      ...(await readVersions()),
      sidecar: playground.sidecar.description,
    });
    say(report.ok ? "The story went as expected." : `The story failed: ${report.reason}`);
    await playground.stop();
    stopping.signal.throwIfAborted();
    if (options.json) process.stdout.write(`${JSON.stringify(report)}\n`);
    return report.ok ? exitCode.fine : exitCode.findings;
  } finally {
    await page?.stop();
    await playground.stop();
  }
}

interface Played {
  readonly cluster: Cluster;
  readonly programs: ReadonlyMap<string, Program>;
  readonly notPlayed: readonly NotPlayed[];
}

/** Reads the manifests and finds a program for each image. */
async function readCluster({
  manifests: path,
  app = [],
  apps,
  instantWake,
  chain,
  fairJobs,
}: CommandOptions): Promise<Played> {
  const { KUSTOMIZE: kustomize, INIT_CWD, npm_lifecycle_event: script } = readCliEnvironment();
  // An outer script may have left its own INIT_CWD.
  const cwd = (script === "demo" ? INIT_CWD : undefined) ?? process.cwd();
  let manifests = await readManifests(path === defaultManifests ? { overlay: "base" } : { files: [path] }, {
    root: workspaceFolder,
    cwd,
    kustomize,
    stdin: process.stdin,
    signal: stopping.signal,
  });
  const components = [
    ...(chain ? ["chain"] : []),
    ...(instantWake ? ["instant-wake"] : []),
    ...(fairJobs ? ["fair-jobs"] : []),
  ];
  for (const name of components) {
    const shown = `deploy/components/${name}`;
    manifests = await addComponent(manifests, { path: join(workspaceFolder, shown), shown });
  }
  const mapped = [
    ...app.map((text) => parseMappedApp(text, cwd)),
    ...(apps === undefined ? [] : await readMappedApps(apps, cwd)),
  ];
  const cluster = joinCluster(manifests);
  const programs = new Map<string, Program>();
  const notPlayed = [...cluster.notPlayed];
  for (const { name, deployment } of cluster.scaleTargets) {
    const program = programOf(deployment, mapped, cwd);
    if (program !== undefined) programs.set(name, program);
    else {
      const image = deployment.spec.template.spec.containers[0]?.image ?? "";
      notPlayed.push({
        object: `Deployment ${deployment.metadata.namespace}/${name}`,
        field: `image ${image}`,
        why: `nothing on this machine stands in for it (--app ${name}='COMMAND')`,
        meaning: "its pods do not start, and requests to it are held until their deadline",
      });
    }
  }
  if (programs.size > 0 || cluster.scaleTargets.length === 0) return { cluster, programs, notPlayed };
  throw new ConfigError(
    "Nothing is left to play: what the manifests hold",
    notPlayed.map((note) => formatNotPlayed(note)),
  );
}

function pluginServerBundle(): string {
  const path = entryPointOf("kong-serverless/kong-plugin");
  if (path !== undefined) return path;
  throw new ConfigError("The plugin server", ["it has not been built: node scripts/build.ts"]);
}
