import { readdirSync, readFileSync, statSync } from "node:fs";
import path from "node:path";
import { sendAndCut, sendRange, sha256 } from "@unsam/test-support";
import { describe, expect, it } from "vitest";
import { hubSetting, someBytes } from "./hub-setting.js";

const setting = hubSetting();
const bytes = someBytes(100_000);

function serve(etag: string | null, content = bytes, cuts = 0): string {
  let cut = 0;
  setting.hub.interfere = (request, response) => {
    if (!request.url.startsWith("/files/")) return false;
    if (etag) response.setHeader("etag", etag);
    const isSame = !request.headers["if-range"] || request.headers["if-range"] === etag;
    const asked = isSame ? request : { ...request, headers: {} };
    if (request.method === "GET" && cut++ < cuts) sendAndCut(asked, content, 40_000, response);
    else sendRange(asked, content, response);
    return true;
  };
  return `${setting.hub.endpoint}/files/my_model.pt?key=secret`;
}

describe("a file of any address", () => {
  it("lies in our own cache under its name, and is not asked for again", async () => {
    const url = serve('"v1"');
    const pulled = await setting.pull(url);
    expect(pulled).toMatchObject({
      repo: null,
      downloaded: true,
      sha256: sha256(bytes),
      bytes: bytes.length,
    });
    expect(path.basename(pulled.path)).toBe("my_model.pt");
    expect(path.relative(setting.own, pulled.path)).toMatch(/^downloads\/[0-9a-f]{32}\/my_model\.pt$/);
    expect(readFileSync(pulled.path).equals(bytes)).toBe(true);
    expect(readdirSync(path.dirname(pulled.path))).toEqual(["my_model.pt"]);
    const asked = setting.hub.seen.length;
    expect(await setting.pull(url)).toMatchObject({ path: pulled.path, downloaded: false });
    expect(await setting.pull(url, { offline: true })).toMatchObject({ path: pulled.path });
    expect(setting.hub.seen.length).toBe(asked);
    const other = someBytes(90_000, 5);
    serve('"v2"', other);
    expect(await setting.pull(url, { update: true })).toMatchObject({
      downloaded: true,
      sha256: sha256(other),
    });
    expect(setting.told.map(({ message, from }) => `${message} ${from}`).join()).not.toContain("secret");
  });

  it("is continued only while it is the same file", async () => {
    const url = serve('"v1"', bytes, 1);
    await setting.pull(url);
    expect(setting.hub.seen.at(-1)?.headers).toMatchObject({ "if-range": '"v1"', range: expect.any(String) });
  });

  it("without anything that tells versions apart is begun anew each time", async () => {
    const url = serve(null, bytes, 2);
    expect(await setting.pull(url)).toMatchObject({ sha256: sha256(bytes) });
    expect(setting.hub.seen.some(({ headers }) => headers.range)).toBe(false);
  });

  it("is held to the SHA-256 in its address", async () => {
    const url = serve('"v1"');
    expect(await setting.pull(`${url}#sha256=${sha256(bytes)}`)).toMatchObject({ downloaded: true });
    await expect(setting.pull(`${url}#sha256=${"0".repeat(64)}`)).rejects.toMatchObject({
      code: "E_DOWNLOAD",
      message: expect.stringContaining(sha256(bytes)),
    });
  });

  it("of unknown length is taken as it comes, up to a limit", async () => {
    const url = serve(null);
    setting.hub.interfere = (request, response) => {
      if (request.method === "HEAD") response.writeHead(405).end();
      else {
        response.write(bytes);
        response.end();
      }
      return true;
    };
    expect(await setting.pull(url)).toMatchObject({ bytes: bytes.length });
    await expect(setting.pull(url, { update: true, maxBytes: 50_000 })).rejects.toMatchObject({
      code: "E_DOWNLOAD",
      message: expect.stringMatching(/more than the 50000 bytes/),
    });
    expect(statSync((await setting.pull(url)).path).size).toBe(bytes.length);
  });

  it("that is not there is said to be so", async () => {
    setting.hub.interfere = (_, response) => {
      response.writeHead(404).end();
      return true;
    };
    await expect(setting.pull(`${setting.hub.endpoint}/files/x.pt`)).rejects.toMatchObject({
      code: "E_DOWNLOAD",
      message: expect.stringMatching(/There is no http.*\/files\/x\.pt \(404\)/),
    });
  });
});
