import { statSync } from "node:fs";
import path from "node:path";
import { describe, expect, it, vi } from "vitest";
import { bytes, NAME, oneModel, PART, REPO } from "./one-model.js";

const { atDownload, blobs, fails, setting, succeeds } = oneModel();

describe("a download", () => {
  it("is left off at once when its caller gives up, and goes on later from there", async () => {
    atDownload((request, response) => {
      response.setHeader("content-length", bytes.length);
      response.write(bytes.subarray(0, 120_000));
      return request.host === "store";
    }, 1);
    const stop = new AbortController();
    const reason = new Error("changed my mind");
    await expect(
      setting.pull(NAME, {
        signal: stop.signal,
        onProgress: (progress) => progress.bytes >= 60_000 && stop.abort(reason),
      }),
    ).rejects.toBe(reason);
    const begun = statSync(path.join(blobs(), PART)).size;
    expect(begun).toBeGreaterThanOrEqual(60_000);
    await expect(setting.pull(NAME, { signal: stop.signal })).rejects.toBe(reason);
    await succeeds();
    expect(setting.hub.downloads.at(-1)?.headers.range).toBe(`bytes=${begun}-`);
    expect(setting.told[0]).toMatchObject({ phase: "start", bytes: begun });
  });

  it("is one for several callers; each may leave, and a callback that throws is its own caller's error", async () => {
    const { hub, pull } = setting;
    hub.add(REPO, "model.pt", bytes);
    const stop = new AbortController();
    const others = [pull(NAME), pull(NAME)];
    const leaving = pull(NAME, { signal: stop.signal });
    const throwing = pull(NAME, {
      onProgress: () => {
        throw new Error("my own fault");
      },
    });
    stop.abort(new Error("left"));
    const [left, thrown, ...stayed] = await Promise.allSettled([leaving, throwing, ...others]);
    expect(left).toMatchObject({ status: "rejected", reason: { message: "left" } });
    expect(thrown).toMatchObject({ status: "rejected", reason: { message: "my own fault" } });
    for (const one of stayed) expect(one).toMatchObject({ status: "fulfilled", value: { downloaded: true } });
    // HEAD and GET at the hub, GET at the store, and the question about the licence.
    expect(hub.seen.map(({ method, host }) => `${method} ${host}`).sort()).toEqual([
      "GET hub",
      "GET hub",
      "GET store",
      "HEAD hub",
    ]);
  });

  it("is not begun offline, and no connection is opened", async () => {
    const { hub, pull } = setting;
    hub.add(REPO, "model.pt", bytes);
    for (const variable of ["UNSAM_OFFLINE", "HF_HUB_OFFLINE", "TRANSFORMERS_OFFLINE"]) {
      vi.stubEnv(variable, "1");
      await fails(/is not in .*offline nothing is fetched/, "E_OFFLINE");
      vi.stubEnv(variable, "0");
    }
    await expect(pull(NAME, { offline: true })).rejects.toMatchObject({ code: "E_OFFLINE" });
    expect(hub.seen).toEqual([]);
  });
});
