import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import path from "node:path";
import { type RunningStudio, startStudio } from "@unsam/studio";
import type { Browser, CDPSession, Page } from "playwright-core";
import sharp from "sharp";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { browserHere } from "../scripts/browser.mjs";
import { openPage } from "./open-page.ts";
import { photo } from "./photo.ts";

const executable = browserHere();

describe.skipIf(!executable)("fingers and the clipboard", () => {
  let studio: RunningStudio;
  let folder: string;
  let browser: Browser;
  let page: Page;
  let fingers: CDPSession;

  beforeAll(async () => {
    folder = await mkdtemp(path.join(tmpdir(), "unsam-studio-hands-"));
    await writeFile(path.join(folder, "house.png"), await photo(640, 480));
    studio = await startStudio({ path: folder, load: { model: "region-tree" } });
    ({ browser, page } = await openPage(studio, { viewport: { width: 420, height: 800 }, hasTouch: true }));
    fingers = await page.context().newCDPSession(page);
  });
  afterAll(async () => {
    await browser?.close();
    await studio?.stop();
    await rm(folder, { recursive: true, force: true });
  });

  const touch = (
    type: "touchStart" | "touchMove" | "touchEnd",
    points: readonly (readonly [number, number])[],
  ) =>
    fingers.send("Input.dispatchTouchEvent", {
      type,
      touchPoints: points.map(([x, y], id) => ({ x, y, id })),
    });

  /** How wide the window left of the photo's middle is on the screen, pixels. */
  async function width(): Promise<number> {
    // The next frame has drawn what was done.
    await page.evaluate(
      () => new Promise((done) => requestAnimationFrame(() => requestAnimationFrame(done))),
    );
    const view = await page.locator(".stage-view").screenshot();
    const { data, info } = await sharp(view).removeAlpha().raw().toBuffer({ resolveWithObject: true });
    const yellow = new Set<number>();
    for (let i = 0; i < info.width * info.height; i++) {
      const [r, g, b] = data.subarray(3 * i, 3 * i + 3);
      if (r > 225 && g > 215 && b > 90 && b < 150) yellow.add(i % info.width);
    }
    const right = Math.floor(info.width / 2) - 3;
    let left = right;
    while (yellow.has(left)) left--;
    return right - left;
  }

  it("two fingers zoom around the point between them and move the photo, and make no box", async () => {
    const box = (await page.locator(".stage-view").boundingBox())!;
    const at = (dx: number, dy: number) => [box.x + box.width / 2 + dx, box.y + box.height / 2 + dy] as const;
    const before = await width();
    expect(before).toBeGreaterThan(10);
    await touch("touchStart", [at(-30, 0)]);
    await touch("touchStart", [at(-30, 0), at(30, 0)]);
    for (const spread of [36, 42, 48, 54, 60]) await touch("touchMove", [at(-spread, 0), at(spread, 0)]);
    await touch("touchEnd", []);
    const wide = await width();
    expect(wide / before).toBeGreaterThan(1.7);
    expect(wide / before).toBeLessThan(2.3);
    await touch("touchStart", [at(-60, 0)]);
    await touch("touchStart", [at(-60, 0), at(60, 0)]);
    for (const spread of [50, 40, 30]) await touch("touchMove", [at(-spread, 0), at(spread, 0)]);
    await touch("touchEnd", []);
    expect(Math.abs((await width()) - before)).toBeLessThan(4);
    expect(await page.getByRole("textbox", { name: /^Name of object/ }).count()).toBe(0);
    // One finger still clicks.
    await page.touchscreen.tap(...at(0, 20));
    await page.getByRole("textbox", { name: "Name of object 1" }).waitFor();
  });

  it("opens a picture that is pasted, and leaves pasted text alone", async () => {
    const paste = (kind: "picture" | "text", bytes: readonly number[]) =>
      page.evaluate(
        ([what, given]) => {
          const clipboardData = new DataTransfer();
          if (what === "text") clipboardData.setData("text/plain", "no picture");
          else clipboardData.items.add(new File([new Uint8Array(given)], "image.png", { type: "image/png" }));
          const event = new ClipboardEvent("paste", { clipboardData, bubbles: true, cancelable: true });
          document.body.dispatchEvent(event);
        },
        [kind, bytes] as const,
      );
    await paste("text", []);
    expect(await page.getByText(/^Opening/).count()).toBe(0);
    await paste("picture", [...(await photo(320, 240))]);
    await page.getByText("image.png is ready, 320 by 240 pixels.").waitFor({ state: "attached" });
  });
});
