import { existsSync } from "node:fs";
import { chromium } from "playwright-core";

const PLACES = [
  process.env.UNSAM_CHROMIUM,
  "/usr/bin/chromium",
  "/usr/bin/chromium-browser",
  "/usr/bin/google-chrome",
  "/Applications/Google Chrome.app/Contents/MacOS/Google Chrome",
];

/** The Chromium of this machine; null: there is none. */
export function browserHere() {
  return PLACES.find((place) => place && existsSync(place)) ?? null;
}

/** Starts it. Root, as in a container, has no sandbox. */
export function openBrowser() {
  const args = process.getuid?.() === 0 ? ["--no-sandbox"] : [];
  return chromium.launch({ executablePath: browserHere(), args });
}
