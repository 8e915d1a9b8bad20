import type { Browser, BrowserContext, BrowserContextOptions, Page } from "playwright-core";

import { RunningPlayground } from "../running-playground.ts";

/** A playground with its page in a browser. `await using` ends it and closes its tabs. */
export class Demo implements AsyncDisposable {
  readonly playground: RunningPlayground;
  /** Where its page is. */
  readonly url: string;
  readonly #browser: Browser;
  readonly #tabs: BrowserContext[] = [];

  private constructor(playground: RunningPlayground, url: string, browser: Browser) {
    this.playground = playground;
    this.url = url;
    this.#browser = browser;
  }

  /** @param pagePort 0 takes any free one. */
  static async start(browser: Browser, pagePort = 0): Promise<Demo> {
    const playground = await RunningPlayground.spawn(["--page-port", String(pagePort)]);
    return new Demo(playground, await playground.pageUrl(), browser);
  }

  /** The page in a new tab, connected, and what the browser's console complained of. */
  async openPage(options: BrowserContextOptions = {}) {
    const tab = await this.#browser.newContext(options);
    this.#tabs.push(tab);
    const page = await tab.newPage();
    const complaints: string[] = [];
    page.on("console", (message) => {
      if (["error", "warning"].includes(message.type())) complaints.push(message.text());
    });
    page.on("pageerror", (error) => complaints.push(error.message));
    page.setDefaultTimeout(30_000);
    await page.goto(this.url);
    await untilConnection(page, "live");
    return { page, complaints };
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await Promise.all(this.#tabs.map((tab) => tab.close()));
    await this.playground[Symbol.asyncDispose]();
  }
}

export function untilConnection(page: Page, state: "live" | "gone"): Promise<unknown> {
  return page.waitForSelector(`body[data-connection="${state}"]`);
}
