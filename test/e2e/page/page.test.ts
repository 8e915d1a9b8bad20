import { join } from "node:path";

import { type Need, needs } from "@kong-serverless/testing";
import type { Browser, Page } from "playwright-core";
import { afterAll, beforeAll, describe, expect, it } from "vitest";

import { anyChromium, launchChromium } from "./browser.ts";
import { openPage, startDemo, untilConnection } from "./demo-page.ts";

const screenshot = join(import.meta.dirname, "../../../docs/images/playground.png");
const backend = '.target:has(h3:text-is("demo-backend"))';

/** What is said when the server goes away is the browser's own, and no script can prevent it. */
const lostConnection =
  /net::ERR_(CONNECTION_REFUSED|CONNECTION_RESET|INCOMPLETE_CHUNKED_ENCODING|EMPTY_RESPONSE)/;

interface Focused {
  readonly isButton: boolean;
  readonly name: string;
  readonly outlineStyle: string;
}

function press(page: Page, action: string): Promise<void> {
  return page.click(`button[data-action="${action}"]`);
}

async function untilText(page: Page, selector: string, text: string | RegExp): Promise<void> {
  await page.locator(selector).filter({ hasText: text }).first().waitFor();
}

/** Notes every state of the backend that the page shows from now on, in order: a wait may miss one that lasts a second. */
async function noteStates(page: Page): Promise<() => Promise<string[]>> {
  await page.evaluate(`{
    const states = (globalThis.states = []);
    const note = () => {
      const targets = Array.from(document.querySelectorAll(".target"));
      const target = targets.find((each) => each.querySelector("h3")?.textContent === "demo-backend");
      const state = target?.querySelector(".state")?.textContent.trim();
      if (state && state !== states.at(-1)) states.push(state);
    };
    note();
    new MutationObserver(note).observe(document.body, { subtree: true, childList: true, characterData: true });
  }`);
  return () => page.evaluate("states");
}

/** Wakes the backend, and waits for its cold start to be shown. */
async function wake(page: Page): Promise<void> {
  await press(page, "request");
  await page.waitForSelector(".cold-start");
}

const pictures: Need = {
  what: "SCREENSHOT",
  remedy: "set it to have the README's picture taken again",
  isMet: process.env["SCREENSHOT"] !== undefined,
};

// Each starts the whole system, and waits with deadlines of its own.
describe("the playground's page", { timeout: 90_000, ...needs(anyChromium) }, () => {
  let browser: Browser;
  beforeAll(async () => {
    browser = await launchChromium();
  });
  afterAll(() => browser.close());

  it("shows a cold start from the request to its answer, step by step, and complains of nothing", async () => {
    const { url } = await startDemo();
    const { page, complaints } = await openPage(browser, url);
    await untilText(page, `${backend} .state`, "cold");
    const states = await noteStates(page);
    await press(page, "request");
    await untilText(page, "#status", /^The request was answered 200 after \d/);
    const steps = page.locator(".cold-start[open] [data-field=name]");
    await steps.first().waitFor();
    const names = await steps.allTextContents();
    // The message may be seen before the sidecar has answered that it is sent.
    expect(names.toSorted()).toEqual([
      "Answered",
      "Held",
      "Process started",
      "Proxied",
      "Queue seen",
      "Ready",
      "Ready for the kubelet",
      "Scaled to 1",
      "Wake message sent",
    ]);
    expect(names.slice(-3)).toEqual(["Ready", "Proxied", "Answered"]);
    await expect.poll(states, { timeout: 15_000 }).toEqual(["cold", "activating", "ready", "cold"]);
    expect(complaints).toEqual([]);
  });

  it("shows a killed backend, that it is started anew, and nobody else's error", async () => {
    const { url } = await startDemo();
    const { page, complaints } = await openPage(browser, url);
    await wake(page);
    await page.waitForSelector(`${backend} .pod.ready`);
    await page.click(`${backend} button`);
    await untilText(page, "#status", /^demo-backend-\w+ was sent SIGKILL\.$/);
    await untilText(page, "#news .bad", /ended \(SIGKILL\) and is started anew at once/);
    await page.waitForSelector(`${backend} .pod:not(.ready)`);
    await page.waitForSelector(`${backend} .pod.ready`);
    expect(complaints).toEqual([]);
  });

  it("shows the same in every tab, and what the sidecar's button does", async () => {
    const { url } = await startDemo();
    const [one, other] = [await openPage(browser, url), await openPage(browser, url)];
    await press(one.page, "sidecar");
    for (const { page } of [one, other]) {
      await untilText(page, "#sidecar", "stopped");
      await untilText(page, "#news .bad", "The sidecar is off");
    }
    await press(other.page, "sidecar");
    await untilText(one.page, "#sidecar", /^a stand-in/);
    expect([...one.complaints, ...other.complaints]).toEqual([]);
  });

  it("says when the playground is gone, and goes on by itself when another one is there", async () => {
    const demo = await startDemo();
    const { page, complaints } = await openPage(browser, demo.url);
    await press(page, "sidecar");
    await untilText(page, "#sidecar", "stopped");
    const stopped = demo.app.stop("SIGINT");
    await untilConnection(page, "gone");
    expect(await page.textContent("#gone")).toContain("The playground is gone.");
    await press(page, "request");
    await untilText(page, "#status", "The playground did not answer.");
    expect(await stopped).toEqual({ code: 0, signal: null });
    await startDemo(Number(new URL(demo.url).port));
    await untilConnection(page, "live");
    expect(await page.isVisible("#gone")).toBe(false);
    await untilText(page, "#sidecar", /^a stand-in/);
    await wake(page);
    expect(complaints.filter((complaint) => !lostConnection.test(complaint))).toEqual([]);
  });

  it("is used by keyboard: every button is reached, seen to be reached, and pressed", async () => {
    const { url } = await startDemo();
    const { page } = await openPage(browser, url);
    const expected = await page.locator("button:visible").count();
    const reached = new Set<string>();
    for (let tabs = 0; tabs < 30; tabs += 1) {
      await page.keyboard.press("Tab");
      const focused = await page.evaluate<Focused>(`(() => {
          const { tagName, ariaLabel, innerText } = document.activeElement;
          const { outlineStyle } = getComputedStyle(document.activeElement);
          return { isButton: tagName === "BUTTON", name: ariaLabel ?? innerText, outlineStyle };
        })()`);
      if (!focused.isButton) continue;
      expect(focused.outlineStyle).toBe("solid");
      reached.add(focused.name);
    }
    expect(reached.size).toBe(expected);
    expect([...reached]).toContain("Kill a replica of demo-backend");
    await page.focus('button[data-action="sidecar"]');
    await page.keyboard.press("Enter");
    await untilText(page, "#status", "The sidecar was stopped.");
  });

  it.each(["light", "dark"] as const)("fits a phone, and can be read: %s", async (colorScheme) => {
    const { url } = await startDemo();
    const phone = { viewport: { width: 375, height: 740 }, colorScheme };
    const { page } = await openPage(browser, url, phone);
    await wake(page);
    expect(await page.evaluate("document.documentElement.scrollWidth")).toBe(375);
    expect(await page.evaluate(leastContrast)).toBeGreaterThan(4.5);
  });

  it("is in the README as it is (with $SCREENSHOT)", needs(pictures), async () => {
    const { url } = await startDemo();
    const { page } = await openPage(browser, url, {
      viewport: { width: 1280, height: 900 },
      colorScheme: "light",
    });
    page.setDefaultTimeout(60_000);
    const zeros = page.locator("#news li", { hasText: "KEDA scales demo-backend from 1 to 0." });
    const untilZero = (times: number) => zeros.nth(times - 1).waitFor();
    await wake(page);
    await press(page, "jobs");
    await untilZero(1);
    await press(page, "request");
    await untilZero(2);
    await press(page, "burst");
    await untilText(page, "#status", /^50 of 50/);
    await press(page, "websocket");
    while ((await page.locator(`${backend} .pod.ready`).count()) < 3) {
      await press(page, "burst");
      await untilText(page, "#status", "50 requests are on their way.");
      await untilText(page, "#status", /^50 of 50/);
    }
    await press(page, "burst");
    // The WebSocket is one more.
    await untilText(page, `${backend} [data-field=in-flight]`, "51");
    await page.mouse.move(0, 0);
    const image = await page.screenshot({ path: screenshot, fullPage: true });
    expect(image.length).toBeGreaterThan(10_000);
  });
});

/** The least contrast of any text that is shown, computed in the page: https://www.w3.org/TR/WCAG21/#dfn-contrast-ratio */
const leastContrast = `(() => {
  const canvas = document.createElement("canvas").getContext("2d", { willReadFrequently: true });
  const paint = (colours) => {
    canvas.clearRect(0, 0, 1, 1);
    for (const colour of colours) { canvas.fillStyle = colour; canvas.fillRect(0, 0, 1, 1); }
    return [...canvas.getImageData(0, 0, 1, 1).data].slice(0, 3);
  };
  const luminance = (rgb) => {
    const [r, g, b] = rgb.map((c) => (c /= 255) <= 0.04045 ? c / 12.92 : ((c + 0.055) / 1.055) ** 2.4);
    return 0.2126 * r + 0.7152 * g + 0.0722 * b;
  };
  const ratios = [...document.querySelectorAll("body *")].filter((element) =>
    element.checkVisibility() && [...element.childNodes].some((node) => node.nodeType === 3 && node.data.trim()),
  ).map((element) => {
    const grounds = [];
    for (let at = element; at; at = at.parentElement) grounds.unshift(getComputedStyle(at).backgroundColor);
    const [a, b] = [paint(grounds), paint([...grounds, getComputedStyle(element).color])].map(luminance);
    return (Math.max(a, b) + 0.05) / (Math.min(a, b) + 0.05);
  });
  return Math.min(...ratios);
})()`;
