import { join } from "node:path";

import { spawnApp, type SpawnedApp } from "@kong-serverless/testing";
import type { Browser, BrowserContextOptions, Page } from "playwright-core";
import { onTestFinished } from "vitest";

const entry = join(import.meta.dirname, "../../../apps/playground/dist/main.js");

export interface Demo {
  readonly app: SpawnedApp;
  /** Where its page is. */
  readonly url: string;
}

/** Starts what `pnpm demo` runs, with its page at a port; 0 takes any free one. */
export async function startDemo(pagePort = 0): Promise<Demo> {
  const args = ["--daprd", "no-such-daprd", "--port", "0", "--page-port", String(pagePort)];
  const app = spawnApp({ entry, args });
  onTestFinished(() => app[Symbol.asyncDispose]());
  const [, url = ""] = await app.waitForOutput(/See it live.*: (http:\S+)/, { timeoutMs: 20_000 });
  return { app, url };
}

/** Opens the demo's page in a tab and waits until it is connected; collects errors of the browser's console. */
export async function openPage(browser: Browser, url: string, options: BrowserContextOptions = {}) {
  const context = await browser.newContext(options);
  onTestFinished(() => context.close());
  const page = await context.newPage();
  const complaints: string[] = [];
  page.on("console", (message) => {
    if (["error", "warning"].includes(message.type())) complaints.push(message.text());
  });
  page.on("pageerror", (error) => complaints.push(error.message));
  page.setDefaultTimeout(15_000);
  await page.goto(url);
  await untilConnection(page, "live");
  return { page, complaints };
}

export function untilConnection(page: Page, state: "live" | "gone"): Promise<unknown> {
  return page.waitForSelector(`body[data-connection="${state}"]`);
}
