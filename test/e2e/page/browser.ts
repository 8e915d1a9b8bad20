import { existsSync } from "node:fs";

import type { Need } from "@kong-serverless/testing";
import { type Browser, chromium } from "playwright-core";

const candidates = [
  process.env["CHROMIUM"],
  "/usr/bin/chromium",
  "/usr/bin/chromium-browser",
  "/usr/bin/google-chrome",
];

/** The Chromium to test with: $CHROMIUM, or where packages install it; undefined if there is none. */
const chromiumPath = candidates.find((path) => path !== undefined && existsSync(path));

export const anyChromium: Need = {
  what: "Chromium",
  remedy: "apt-get install chromium, or name its path in CHROMIUM",
  isMet: chromiumPath !== undefined,
};

export function launchChromium(): Promise<Browser> {
  if (chromiumPath === undefined) throw new Error("no Chromium is installed");
  return chromium.launch({
    executablePath: chromiumPath,
    args: [
      // Most containers have no user namespaces.
      "--no-sandbox",
      // Keeps pages in the background running at full speed.
      "--disable-background-timer-throttling",
      "--disable-backgrounding-occluded-windows",
      "--disable-renderer-backgrounding",
    ],
  });
}
