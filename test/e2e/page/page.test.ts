import { readFile, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { pathToFileURL } from "node:url";

import { type Need, needs } from "@kong-serverless/testing";
import type { Browser, Page } from "playwright-core";
import { afterAll, beforeAll, describe, expect, it, vi } from "vitest";

import { workspace } from "../running-playground.ts";
import { accessibilityViolations } from "./accessibility.ts";
import { anyChromium, launchChromium } from "./browser.ts";
import { coldStartPicture } from "./cold-start-picture.ts";
import { Demo, untilConnection } from "./demo-page.ts";

const screenshot = join(workspace, "docs/images/playground.png");
const picture = join(workspace, "docs/images/cold-start.svg");
const backend = '.target:has(h3:text-is("demo-backend"))';

/** When the server goes away, the browser logs this itself, and no script can prevent it. */
const lostConnection =
  /net::ERR_(CONNECTION_REFUSED|CONNECTION_RESET|INCOMPLETE_CHUNKED_ENCODING|EMPTY_RESPONSE)/;

interface Focused {
  readonly isButton: boolean;
  /** Its position among all visible buttons. */
  readonly index: number;
  readonly name: string;
  readonly outlineStyle: string;
}

/** The line below a button, with its outcome. */
const result = (action: string) => `[data-result="${action}"]`;

function press(page: Page, action: string): Promise<void> {
  return page.click(`button[data-action="${action}"]`);
}

async function untilText(page: Page, selector: string, text: string | RegExp): Promise<void> {
  await page.locator(selector).filter({ hasText: text }).first().waitFor();
}

/** Records every state of the backend that the page shows from now on, in order: polling might miss a short one. */
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

/** Wakes the backend, and waits until its cold start is shown. */
async function wake(page: Page): Promise<void> {
  await press(page, "request");
  await page.waitForSelector(".cold-start[data-state=answered]");
}

const pictures: Need = {
  what: "SCREENSHOT",
  remedy: "set it to have the README's picture taken again",
  isMet: process.env["SCREENSHOT"] !== undefined,
};

// Each starts the whole system, and waits with its own deadlines.
describe("the playground's page", { timeout: 180_000, concurrent: true, ...needs(anyChromium) }, () => {
  let browser: Browser;
  beforeAll(async () => {
    browser = await launchChromium();
  });
  afterAll(() => browser.close());

  it("shows a cold start from the request to its answer, step by step, without console errors", async () => {
    await using demo = await Demo.start(browser);
    const { page, complaints } = await demo.openPage();
    await untilText(page, `${backend} .state`, "cold");
    const states = await noteStates(page);
    await press(page, "request");
    await untilText(page, result("request"), /^The request was answered 200 after \d/);
    const steps = page.locator(".cold-start[open] [data-field=name]");
    await steps.first().waitFor();
    const names = await steps.allTextContents();
    // KEDA may see the message before the sidecar has confirmed it.
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
    await vi.waitFor(async () => expect(await states()).toEqual(["cold", "activating", "ready", "cold"]), {
      timeout: 30_000,
    });
    expect(complaints).toEqual([]);
  });

  it("shows the effects of a kill as consequences, and that the replica restarts, without console errors", async () => {
    await using demo = await Demo.start(browser);
    const { page, complaints } = await demo.openPage();
    const kill = page.locator(`${backend} button[data-action=kill]`);
    expect(await kill.getAttribute("aria-disabled")).toBe("true");
    const reason = await kill.getAttribute("aria-describedby");
    expect(await page.textContent(`#${reason}`)).toBe("no replica to kill");
    await wake(page);
    await page.waitForSelector(`${backend} .pod.ready`);
    // Under load, so that requests are cut off.
    await press(page, "burst");
    await untilText(page, `${backend} [data-field=in-flight]`, /^[1-9]/);
    await kill.click();
    await untilText(page, `${backend} .result`, /^demo-backend-\w+ was sent SIGKILL\.$/);
    await untilText(page, "#news .plain", /^[\d:]+demo-backend-\w+ was killed on request\.$/);
    await untilText(page, "#news .consequence", /ended \(SIGKILL\) and restarts at once/);
    await page.waitForSelector(`${backend} .pod:not(.ready)`);
    await page.waitForSelector(`${backend} .pod.ready`);
    await untilText(page, result("burst"), /^\d+ of 50 requests were answered 200/);
    // The burst's outcome is no consequence: it belongs to its own button.
    expect(await page.locator("#news .bad:not(.outcome)").allTextContents()).toEqual([]);
    expect(complaints).toEqual([]);
  });

  it("shows the same in every tab, and what the sidecar's button does", async () => {
    await using demo = await Demo.start(browser);
    const [one, other] = [await demo.openPage(), await demo.openPage()];
    await press(one.page, "sidecar");
    for (const { page } of [one, other]) {
      await untilText(page, "#sidecar", "stopped");
      await untilText(page, "#news .bad", "The sidecar is off");
    }
    await press(other.page, "sidecar");
    await untilText(one.page, "#sidecar", /^a stand-in/);
    expect([...one.complaints, ...other.complaints]).toEqual([]);
  });

  it("says when the playground is gone, and continues by itself when another one is there", async () => {
    await using demo = await Demo.start(browser);
    const { page, complaints } = await demo.openPage();
    await press(page, "sidecar");
    await untilText(page, "#sidecar", "stopped");
    const stopped = demo.playground.app.stop("SIGINT");
    await untilConnection(page, "gone");
    const port = new URL(demo.url).port;
    expect(await page.textContent("#gone")).toMatch(
      new RegExp(
        `^The playground is gone\\. Start it again with npx -y pnpm@[\\d.]+ demo --daprd no-such-daprd --port 0 --page-port ${port} `,
      ),
    );
    const buttons = page.locator("button[data-action]");
    for (const button of await buttons.all()) {
      expect(await button.getAttribute("aria-disabled")).toBe("true");
      expect(await button.getAttribute("aria-describedby")).toBe("gone");
    }
    expect(await accessibilityViolations(page)).toEqual([]);
    expect(await stopped).toEqual({ code: 0, signal: null });
    await using again = await Demo.start(browser, Number(port));
    expect(again.url).toBe(demo.url);
    await untilConnection(page, "live");
    expect(await page.isVisible("#gone")).toBe(false);
    expect(await page.getAttribute('[data-action="request"]', "aria-disabled")).toBe(null);
    await untilText(page, "#sidecar", /^a stand-in/);
    await wake(page);
    expect(complaints.filter((complaint) => !lostConnection.test(complaint))).toEqual([]);
  });

  it("works by keyboard: every button can be reached, shows its focus, and can be pressed", async () => {
    await using demo = await Demo.start(browser);
    const { page } = await demo.openPage();
    const expected = await page.locator("button:visible").count();
    const reached = new Map<number, string>();
    for (let tabs = 0; tabs < expected + 10; tabs += 1) {
      await page.keyboard.press("Tab");
      const focused = await page.evaluate<Focused>(`(() => {
          const { tagName, ariaLabel, innerText } = document.activeElement;
          const { outlineStyle } = getComputedStyle(document.activeElement);
          const index = [...document.querySelectorAll("button")].indexOf(document.activeElement);
          return { isButton: tagName === "BUTTON", index, name: ariaLabel ?? innerText, outlineStyle };
        })()`);
      if (!focused.isButton) continue;
      expect(focused.outlineStyle).toBe("solid");
      reached.set(focused.index, focused.name);
    }
    expect(reached.size).toBe(expected);
    expect([...reached.values()]).toContain("Kill a replica of demo-backend");
    await page.focus('button[data-action="sidecar"]');
    await page.keyboard.press("Enter");
    await untilText(page, result("sidecar"), "The sidecar was stopped.");
  });

  it("explains its terms in place: by keyboard, by touch, and to screen readers", async () => {
    await using demo = await Demo.start(browser);
    const { page } = await demo.openPage({
      hasTouch: true,
      viewport: { width: 390, height: 844 },
    });
    const terms = await page.locator("button.term:visible").all();
    const names = new Set(await page.locator("button.term:visible").allTextContents());
    for (const name of ["Sidecar", "stand-in", "Held", "In flight", "Queue", "Replicas"]) {
      expect(names).toContain(name);
    }
    for (const term of terms) {
      const explanation = page.locator(`#${await term.getAttribute("aria-describedby")}`);
      expect(await explanation.isVisible()).toBe(false);
      await term.focus();
      await page.keyboard.press("Enter");
      expect(await explanation.isVisible()).toBe(true);
      const box = await explanation.boundingBox();
      expect(box?.x).toBeGreaterThanOrEqual(0);
      expect((box?.x ?? 0) + (box?.width ?? 0)).toBeLessThanOrEqual(390);
      await page.keyboard.press("Escape");
      expect(await explanation.isVisible()).toBe(false);
      await term.tap();
      expect(await explanation.isVisible()).toBe(true);
      await page.keyboard.press("Escape");
    }
    await wake(page);
    await page.locator(`${backend} button.term`, { hasText: "Lease" }).waitFor();
  });

  it("moves a held request, its wake and its bars as they happen", async () => {
    await using demo = await Demo.start(browser);
    const { page } = await demo.openPage();
    await page.evaluate(noteMotion);
    await press(page, "request");
    await page.waitForSelector(".cold-start[data-state=running] .segment.running");
    await untilText(page, "#diagram .gateway .state", "holds 1 request");
    const widths =
      "[...document.querySelectorAll('.cold-start .segment.running')].map((each) => each.style.width)";
    const first = await page.evaluate(widths);
    await vi.waitFor(async () => expect(await page.evaluate(widths)).not.toEqual(first), { timeout: 15_000 });
    await page.waitForSelector(".cold-start[data-state=answered]");
    await untilText(page, "#diagram .client .state", /^answered in /);
    await untilText(page, "#diagram .backend .state", "ready");
    await page.waitForSelector("#diagram-tokens:empty", { state: "attached" });
    const { tokens, captions } = await page.evaluate<Motion>("motion");
    expect(new Set(tokens)).toEqual(new Set(["request", "wake", "scale", "probe", "answer"]));
    expect(tokens[0]).toBe("request");
    expect(tokens.at(-1)).toBe("answer");
    expect(captions.some((caption) => caption.startsWith("The backend is starting."))).toBe(true);
  });

  it("stays still with reduced motion, and says the same", async () => {
    await using demo = await Demo.start(browser);
    const { page } = await demo.openPage({ reducedMotion: "reduce" });
    await page.evaluate(noteMotion);
    await press(page, "request");
    await untilText(page, "#diagram .gateway .state", "holds 1 request");
    expect(await page.evaluate("document.getAnimations().length")).toBe(0);
    await page.waitForSelector(".cold-start[data-state=answered]");
    await untilText(page, "#diagram .client .state", /^answered in /);
    const { tokens, captions } = await page.evaluate<Motion>("motion");
    expect(tokens).toEqual([]);
    expect(captions.length).toBeGreaterThan(2);
  });

  it("has live regions that speak twice for a request and are otherwise silent", async () => {
    await using demo = await Demo.start(browser);
    const { page } = await demo.openPage();
    await page.evaluate(`{
        const spoken = (globalThis.spoken = []);
        for (const region of document.querySelectorAll("[role=status], [role=alert], [aria-live]")) {
          const note = () => spoken.push(region.textContent);
          new MutationObserver(note).observe(region, { subtree: true, childList: true, characterData: true });
        }
      }`);
    await wake(page);
    await untilText(page, result("request"), /^The request was answered/);
    await untilText(page, `${backend} .state`, "cold");
    expect(await page.evaluate("spoken")).toEqual([
      "One request is on its way.",
      await page.textContent(result("request")),
    ]);
  });

  it.each([
    ["light", 390],
    ["light", 1280],
    ["dark", 390],
    ["dark", 1280],
  ] as const)("has no accessibility violations that axe finds: %s, %i px", async (colorScheme, width) => {
    await using demo = await Demo.start(browser);
    const { page } = await demo.openPage({ viewport: { width, height: 844 }, colorScheme });
    expect(await accessibilityViolations(page)).toEqual([]);
    await press(page, "request");
    await page.waitForSelector(".cold-start[data-state=running]");
    expect(await accessibilityViolations(page)).toEqual([]);
    await page.waitForSelector(".cold-start[data-state=answered]");
    await page.click(`${backend} button.term:visible`);
    await press(page, "sidecar");
    await untilText(page, "#sidecar", "stopped");
    await page.click("#way");
    await page.locator("button.term").first().click();
    expect(await accessibilityViolations(page)).toEqual([]);
  });

  it.each(["light", "dark"] as const)("fits a phone, and is readable: %s", async (colorScheme) => {
    await using demo = await Demo.start(browser);
    const phone = { viewport: { width: 375, height: 740 }, colorScheme };
    const { page } = await demo.openPage(phone);
    await wake(page);
    expect(await page.evaluate("document.documentElement.scrollWidth")).toBe(375);
    await page.setViewportSize({ width: 390, height: 844 });
    expect(await page.evaluate("document.documentElement.scrollWidth")).toBe(390);
    expect(await page.evaluate(leastContrast)).toBeGreaterThan(4.5);
  });

  it("is in the README in motion (with $SCREENSHOT)", needs(pictures), async () => {
    await using demo = await Demo.start(browser);
    const { page } = await demo.openPage();
    const diagram = await page.evaluate<string>(stillDiagram);
    await wake(page);
    const { timeline } = await page.evaluate<{ timeline: { atMs: number }[] }>(lastColdStart);
    const steps = await page.locator(".cold-start[open] li").all();
    const bars = await Promise.all(
      steps.map(async (step, index) => ({
        name: (await step.locator("[data-field=name]").textContent()) ?? "",
        phase: ((await step.locator(".segment").getAttribute("class")) ?? "").replace("segment ", ""),
        fromMs: timeline[index - 1]?.atMs ?? 0,
        atMs: timeline[index]?.atMs ?? 0,
      })),
    );
    const folder = join(workspace, "apps/playground/page");
    const styles = {
      page: await readFile(join(folder, "style.css"), "utf8"),
      diagram: await readFile(join(folder, "diagram.css"), "utf8"),
    };
    await writeFile(picture, coldStartPicture({ diagram, styles, bars }));
    const shown = await browser.newPage({ reducedMotion: "reduce" });
    await shown.goto(pathToFileURL(picture).href);
    expect(await shown.locator(".bar").count()).toBe(bars.length);
    expect(await shown.evaluate("document.getAnimations().length")).toBe(0);
    await shown.emulateMedia({ reducedMotion: "no-preference" });
    expect(await shown.evaluate("document.getAnimations().length")).toBeGreaterThan(bars.length);
    await shown.close();
  });

  it("is what the README's picture shows: the same parts at the same places", async () => {
    await using demo = await Demo.start(browser);
    const { page } = await demo.openPage();
    expect(await readFile(picture, "utf8")).toContain(await page.evaluate<string>(stillDiagram));
  });

  it("is in the README as it is (with $SCREENSHOT)", needs(pictures), async () => {
    await using demo = await Demo.start(browser);
    const { page } = await demo.openPage({
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
    await untilText(page, result("burst"), /^50 of 50/);
    await press(page, "websocket");
    while ((await page.locator(`${backend} .pod.ready`).count()) < 3) {
      await press(page, "burst");
      await untilText(page, result("burst"), "50 requests are on their way.");
      await untilText(page, result("burst"), /^50 of 50/);
    }
    await press(page, "burst");
    // Plus the WebSocket.
    await untilText(page, `${backend} [data-field=in-flight]`, "51");
    await page.mouse.move(0, 0);
    const image = await page.screenshot({ path: screenshot, fullPage: true });
    expect(image.length).toBeGreaterThan(10_000);
  });
});

/** The static parts of the diagram, as the inside of an SVG. */
const stillDiagram = `(() => {
  const copy = document.querySelector("#diagram").cloneNode(true);
  for (const changing of copy.querySelectorAll(".state, .resting, #diagram-tokens")) changing.remove();
  for (const part of copy.querySelectorAll(".active, .used")) part.classList.remove("active", "used");
  const serializer = new XMLSerializer();
  return [...copy.children].map((child) =>
    serializer.serializeToString(child).replaceAll(' xmlns="http://www.w3.org/2000/svg"', ""),
  ).join("\\n");
})()`;

/** The newest cold start, as the page's server tells a new tab. */
const lastColdStart = `new Promise((resolve) => {
  const source = new EventSource("/events");
  source.addEventListener("snapshot", ({ data }) => {
    source.close();
    resolve(JSON.parse(data).coldStarts.at(-1));
  });
})`;

interface Motion {
  readonly tokens: readonly string[];
  readonly captions: readonly string[];
}

/** Records what moves in the diagram from now on, and its captions. */
const noteMotion = `{
  const motion = (globalThis.motion = { tokens: [], captions: [] });
  const caption = document.querySelector("#caption");
  new MutationObserver((changes) => {
    for (const { addedNodes } of changes) {
      for (const { classList } of addedNodes) motion.tokens.push(classList[1]);
    }
  }).observe(document.querySelector("#diagram-tokens"), { childList: true });
  new MutationObserver(() => motion.captions.push(caption.textContent)).observe(caption, { childList: true });
}`;

/** The lowest contrast of any visible text, computed in the page: https://www.w3.org/TR/WCAG21/#dfn-contrast-ratio */
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
