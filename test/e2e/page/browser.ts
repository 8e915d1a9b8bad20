import { existsSync } from "node:fs";

import type { Need } from "@kong-serverless/testing";
import { type Browser, chromium } from "playwright-core";

const candidates = [
  process.env["CHROMIUM"],
  "/usr/bin/chromium",
  "/usr/bin/chromium-browser",
  "/usr/bin/google-chrome",
];

/** The Chromium to test with: what $CHROMIUM names, or where packages put it; undefined where there is none. */
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
      // There is no user namespace in most containers.
      "--no-sandbox",
      // Pages that are not in front are treated as those that are.
      "--disable-background-timer-throttling",
      "--disable-backgrounding-occluded-windows",
      "--disable-renderer-backgrounding",
    ],
  });
}
