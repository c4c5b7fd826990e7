import type { RunningStudio } from "@unsam/studio";
import type { Browser, Page } from "playwright-core";
import { openBrowser } from "../scripts/browser.mjs";

export const PATIENCE = 60_000;

/** A browser with the studio's page in it, once its first photo is encoded. */
export async function openPage(
  studio: RunningStudio,
  options: Parameters<Browser["newPage"]>[0],
): Promise<{ browser: Browser; page: Page }> {
  const browser = await openBrowser();
  const page = await browser.newPage(options);
  page.setDefaultTimeout(PATIENCE);
  await page.goto(studio.url);
  await page.getByText(/^Encoded in/).waitFor();
  return { browser, page };
}
