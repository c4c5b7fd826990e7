import { mkdtemp, rm, writeFile } from "node:fs/promises";
import type { ServerResponse } from "node:http";
import { tmpdir } from "node:os";
import path from "node:path";
import { listModels } from "@unsam/sdk";
import { type RunningStudio, startStudio } from "@unsam/studio";
import { LocalHub } from "@unsam/test-support";
import type { Browser, Page } from "playwright-core";
import { afterAll, beforeAll, describe, expect, it, vi } from "vitest";
import { browserHere } from "../scripts/browser.mjs";
import { openPage, PATIENCE } from "./open-page.ts";
import { photo } from "./photo.ts";

const executable = browserHere();
const NAME = "sam2.1-tiny";
/** What the hub says of the official file. */
const SHA256 = "7402e0d864fa82708a20fbd15bc84245c2f26dff0eb43a4b5b93452deb34be69";
const COME = 40_000_000;

describe.skipIf(!executable)("a model is fetched from the page", () => {
  let studio: RunningStudio;
  let hub: LocalHub;
  let folder: string;
  let browser: Browser;
  let page: Page;
  let isThere = false;
  const sending = new Set<ServerResponse>();
  let bytes = 0;

  beforeAll(async () => {
    folder = await mkdtemp(path.join(tmpdir(), "unsam-studio-download-"));
    hub = await LocalHub.start();
    for (const [name, value] of Object.entries(hub.environment(folder))) vi.stubEnv(name, value);
    bytes = (await listModels()).find(({ name }) => name === NAME)!.bytes!;
    // A hub that has nothing at first; later one that sends a quarter of the file, and then little.
    hub.interfere = ({ host, method, url }, response) => {
      if (!isThere) return false;
      response.setHeader("x-repo-commit", hub.commit);
      response.setHeader("x-linked-size", bytes);
      response.setHeader("x-linked-etag", `"${SHA256}"`);
      response.setHeader("etag", `"${SHA256}"`);
      if (host === "hub") {
        response
          .writeHead(302, { location: `${hub.storeOrigin}/file${new URL(url, "http://x").search}` })
          .end();
        return true;
      }
      response.writeHead(200, { "content-length": bytes, "accept-ranges": "bytes" });
      if (method === "HEAD") response.end();
      else {
        sending.add(response);
        response.write(Buffer.alloc(COME));
        const drops = setInterval(() => response.write(Buffer.alloc(1000)), 50);
        response.once("close", () => {
          clearInterval(drops);
          sending.delete(response);
        });
      }
      return true;
    };
    await writeFile(path.join(folder, "house.png"), await photo(320, 240));
    studio = await startStudio({ path: path.join(folder, "house.png"), load: { model: "region-tree" } });
    ({ browser, page } = await openPage(studio, { viewport: { width: 1000, height: 700 } }));
  });
  afterAll(async () => {
    await browser?.close();
    await studio?.stop();
    await hub?.stop();
    vi.unstubAllEnvs();
    await rm(folder, { recursive: true, force: true });
  });

  const models = () => page.getByRole("combobox", { name: "Model" });
  const dialog = () => page.getByRole("dialog");

  it("asks first, says why it did not come, tells how far it is, and stops when it is told to", async () => {
    await models().selectOption(NAME);
    await dialog()
      .getByText(/156 MB\. Its licence: Apache-2\.0/)
      .waitFor();
    expect(hub.seen).toEqual([]);
    await dialog().getByRole("button", { name: "Download" }).click();
    await dialog()
      .getByRole("heading", { name: `${NAME} did not come` })
      .waitFor();
    expect(await dialog().getByRole("alert").textContent()).toMatch(
      /[a-z]+\. What has come already is kept\.$/,
    );

    isThere = true;
    await dialog().getByRole("button", { name: "Try again" }).click();
    const progress = dialog().getByRole("progressbar", { name: `Downloading ${NAME}` });
    await progress.waitFor();
    const share = COME / bytes;
    await expect
      .poll(() => progress.evaluate((bar: HTMLProgressElement) => bar.value), { timeout: PATIENCE })
      .toBeGreaterThan(share);
    await dialog()
      .getByText(/^4[0-9] MB of 156 MB/)
      .waitFor();

    await dialog().getByRole("button", { name: "Stop" }).click();
    await dialog().waitFor({ state: "detached" });
    await expect.poll(() => sending.size, { timeout: PATIENCE }).toBe(0);
    await expect.poll(() => models().inputValue()).toBe("region-tree");
    expect(await page.getByRole("alert").textContent()).toBe("");
  });

  it("goes on behind the page, which can be used meanwhile, and tells there how far it is", async () => {
    await models().selectOption(NAME);
    await dialog().getByRole("button", { name: "Download" }).click();
    await dialog()
      .getByText(/ of 156 MB/)
      .waitFor();
    await dialog().getByRole("button", { name: "Go on behind the page" }).click();
    await dialog().waitFor({ state: "detached" });
    await page
      .locator(".waiting")
      .getByText(/ of 156 MB/)
      .waitFor();
    await page.locator(".stage-view").focus();
    await page.keyboard.press("Enter");
    await page
      .locator(".granularity-text")
      .filter({ hasText: /^Scale \d+ of/ })
      .waitFor();
    expect(sending.size).toBe(1);
    await page.getByRole("button", { name: "Stop" }).click();
    await expect.poll(() => sending.size, { timeout: PATIENCE }).toBe(0);
    await page.locator(".waiting").waitFor({ state: "detached" });
  });
});
