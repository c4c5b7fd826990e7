import { statSync } from "node:fs";
import path from "node:path";
import { sendAndCut, sendRange, sha256 } from "@unsam/test-support";
import { describe, expect, it, vi } from "vitest";
import { someBytes } from "./hub-setting.js";
import { bytes, NAME, oneModel, PART, REPO } from "./one-model.js";

const { atDownload, atHub, blobs, fails, setting, succeeds } = oneModel();

describe("a download", () => {
  it("tells how far it is, from the first byte to the last", async () => {
    setting.hub.add(REPO, "model.pt", bytes);
    await succeeds();
    const { told } = setting;
    expect(told[0]).toMatchObject({ phase: "start", bytes: 0, total: bytes.length });
    expect(told[0].message).toMatch(
      /^Downloading model\.pt \(200000 bytes\) from http.*some-body\/some\.model/,
    );
    expect(told.at(-1)).toMatchObject({ phase: "done", bytes: bytes.length, total: bytes.length });
    const reached = told.filter(({ phase }) => phase === "download").map((progress) => progress.bytes);
    expect(reached).toEqual([...reached].sort((a, b) => a - b));
    expect(reached.at(-1)).toBe(bytes.length);
  });

  it("goes on where a connection was cut, at whatever byte", async () => {
    let cut = 7;
    atDownload((request, response) => {
      cut = (cut * 7919) % 30_000;
      sendAndCut(request, bytes, cut, response);
      return true;
    }, 12);
    await succeeds();
    expect(setting.hub.downloads.filter(({ headers }) => headers.range).length).toBeGreaterThan(8);
    expect(setting.told.some(({ phase }) => phase === "retry")).toBe(true);
  });

  it("keeps every byte that came before a cut, so that two connections are enough for two halves", async () => {
    atDownload((request, response) => {
      sendAndCut(request, bytes, 100_000, response);
      return true;
    }, 1);
    await succeeds();
    expect(setting.hub.downloads.at(-1)?.headers.range).toBe("bytes=100000-");
  });

  it("begins anew where a server ignores ranges", async () => {
    let count = 0;
    atDownload((request, response) => {
      if (count++ < 2) sendAndCut({ headers: {} }, bytes, 50_000, response);
      else sendRange({ method: "GET", headers: {} }, bytes, response);
      return request.host === "store";
    });
    await succeeds();
  });

  it("does not believe a range that is another one", async () => {
    let count = 0;
    atDownload((request, response) => {
      if (count++ === 0) sendAndCut(request, bytes, 70_000, response);
      else if (count === 2) sendRange({ method: "GET", headers: { range: "bytes=1000-" } }, bytes, response);
      else return false;
      return true;
    });
    await succeeds();
  });

  it("waits as long as it is asked to", async () => {
    const started = performance.now();
    atHub((_, response) => {
      response.statusCode = 429;
      response.setHeader("retry-after", "1");
      response.end();
      return true;
    }, 1);
    await succeeds();
    expect(performance.now() - started).toBeGreaterThan(950);
    expect(setting.told[0]).toMatchObject({ phase: "retry", message: expect.stringMatching(/429/) });
  });

  it("is not kept waiting for hours", async () => {
    atHub((_, response) => {
      response.writeHead(429, { "retry-after": "86400" }).end();
      return true;
    });
    await fails(/asks to wait 86400 s/);
  });

  it.each([500, 502, 503, 504])("is tried again after a %i", async (status) => {
    let count = 0;
    setting.hub.add(REPO, "model.pt", bytes);
    setting.hub.interfere = (_, response) => {
      // The first question to the hub, and the first one to the store.
      if (count++ % 4 > 0) return false;
      response.writeHead(status).end("sorry");
      return true;
    };
    await succeeds();
    expect(setting.told.filter(({ phase }) => phase === "retry").length).toBeGreaterThan(1);
  });

  it("is given up when a server has nothing but errors", async () => {
    atDownload((_, response) => {
      response.writeHead(503).end();
      return true;
    });
    await fails(/503.*tried 5 times/);
  });

  it("is given up when every connection is cut before it brings anything", async () => {
    atDownload((_, response) => {
      response.destroy();
      return true;
    });
    await fails(/cut.*tried 5 times/);
  });

  it("gives up a server that stalls, or that drips", async () => {
    vi.stubEnv("HF_HUB_DOWNLOAD_TIMEOUT", "0.3");
    atDownload((_, response) => {
      response.setHeader("content-length", bytes.length);
      response.write(bytes.subarray(0, 100));
      const drip = setInterval(() => response.write(bytes.subarray(100, 101)), 20);
      response.on("close", () => clearInterval(drip));
      return true;
    });
    await fails(/stopped sending.*tried 5 times/);
    atDownload(() => true, 2);
    await succeeds();
  });

  it("of wrong bytes is refused, and nothing of it is kept", async () => {
    const wrong = Uint8Array.from(bytes);
    wrong[wrong.length - 1] ^= 1;
    atDownload((request, response) => {
      sendRange(request, wrong, response);
      return true;
    });
    await fails(new RegExp(`not that file: its SHA-256 is ${sha256(wrong)}, not ${sha256(bytes)}`));
    expect(statSync(path.join(blobs(), PART)).size).toBe(0);
  });

  it("that was begun with wrong bytes is begun anew by itself", async () => {
    const wrong = Uint8Array.from(bytes);
    wrong[5] ^= 1;
    const stop = new AbortController();
    atDownload((request, response) => {
      sendAndCut(request, wrong, 100_000, response);
      return true;
    }, 1);
    await expect(
      setting.pull(NAME, {
        signal: stop.signal,
        onProgress: ({ phase }) => phase === "retry" && stop.abort(new Error("enough")),
      }),
    ).rejects.toThrow("enough");
    expect(statSync(path.join(blobs(), PART)).size).toBeGreaterThan(0);
    await succeeds();
  });

  it("of another length than the hub says is refused before a byte", async () => {
    for (const length of [bytes.length - 1, bytes.length + 1]) {
      atDownload((request, response) => {
        sendRange(request, someBytes(length), response);
        return true;
      });
      await fails(/sends 20000[01]|sends 199999/);
    }
  });

  it("that does not end is cut off", async () => {
    let sent = 0;
    atDownload((_, response) => {
      const more = () => {
        while (!response.destroyed && response.write(bytes)) sent += bytes.length;
      };
      response.on("drain", more);
      more();
      return true;
    });
    await fails(/sends more than the 200000 bytes/);
    expect(sent).toBeLessThan(100e6);
    expect(statSync(path.join(blobs(), PART)).size).toBe(0);
  });

  it("that is packed is refused", async () => {
    atDownload((_, response) => {
      response.writeHead(200, { "content-encoding": "gzip" }).end(bytes);
      return true;
    });
    await fails(/packed \(gzip\)/);
  });

  it.each([
    ["said to be one", "text/html; charset=utf-8", "<html>Log in</html>"],
    [
      "said to be a file",
      "application/octet-stream",
      "  <!DOCTYPE html>\n<html><body>Log in, please</body></html>".padEnd(300),
    ],
    ["short, and said to be a file", "application/octet-stream", "<html>Log in</html>"],
    ["with a comment first", "application/octet-stream", "<!-- proxy --><html>Log in</html>"],
  ])("that is a web page, %s, is recognised", async (_, type, page) => {
    atDownload((__, response) => {
      response.setHeader("content-type", type);
      response.write(page);
      response.end();
      return true;
    });
    await fails(/sends a web page instead of model\.pt/);
    atHub((__, response) => {
      response.writeHead(200, { "content-type": "text/html" }).end(page);
      return true;
    });
    await fails(/sends a web page instead of model\.pt/);
  });

  it("that is a pointer of Git LFS is recognised", async () => {
    atDownload((_, response) => {
      response.write(
        `version https://git-lfs.github.com/spec/v1\noid sha256:${sha256(bytes)}\nsize 200000\n`,
      );
      response.end();
      return true;
    });
    await fails(/pointer of Git LFS/);
  });

  it.each([
    [401, "RepoNotFound", /401.*does not exist, or a private one takes HF_TOKEN/],
    [401, null, /401.*HF_TOKEN/],
    [403, "GatedRepo", /accept its terms.*some-body\/some\.model.*HF_TOKEN/],
    [403, null, /accept its terms/],
    [404, "EntryNotFound", /There is no model\.pt in some-body\/some\.model \(404\)/],
    [404, "RevisionNotFound", /no such revision/],
    [404, null, /There is no model\.pt/],
    [418, null, /refuses.*418/],
  ])("that is refused with %i %s is not tried again", async (status, code, message) => {
    atHub((_, response) => {
      response.writeHead(status, code ? { "x-error-code": code } : {}).end();
      return true;
    });
    await fails(message);
    expect(setting.hub.seen.length).toBe(1);
  });

  it("from something that is no hub is refused", async () => {
    atHub((_, response) => {
      response.writeHead(200, { "content-type": "application/octet-stream", "content-length": "3" }).end();
      return true;
    });
    await fails(/X-Repo-Commit.*HF_ENDPOINT/);
    atHub((_, response) => {
      response.writeHead(200, { "x-repo-commit": "../../..", etag: '"x"', "content-length": "3" }).end();
      return true;
    });
    await fails(/X-Repo-Commit/);
    atHub((_, response) => {
      response
        .writeHead(200, { "x-repo-commit": "a".repeat(40), etag: '"../../x"', "content-length": "3" })
        .end();
      return true;
    });
    await fails(/ETag/);
  });

  it("does not fail because the question about the licence does", async () => {
    setting.hub.add(REPO, "model.pt", bytes);
    setting.hub.interfere = ({ url }, response) => {
      if (!url.startsWith("/api/")) return false;
      response.writeHead(404).end();
      return true;
    };
    await succeeds();
    expect(setting.told[0].message).toMatch(/licence could not be asked for/);
  });

  it("is not led in circles", async () => {
    atHub((request, response) => {
      response.writeHead(302, { location: request.url }).end();
      return true;
    });
    await fails(/leads from one address to the next, more than 10 times/);
  });

  it("is not led to where it is no web address", async () => {
    atHub((request, response) => {
      if (request.method === "HEAD") return false;
      response.writeHead(302, { location: "file:///etc/passwd" }).end();
      return true;
    });
    await fails(/leads to file:\/\/, which is no address of the web/);
  });

  it("larger than the disk has room for is refused before a byte", async () => {
    setting.hub.interfere = ({ url }, response) => {
      if (url.startsWith("/api/")) return false;
      response
        .writeHead(200, {
          "x-repo-commit": setting.hub.commit,
          etag: `"${sha256(bytes)}"`,
          "content-length": "30000000000000",
          "content-type": "application/octet-stream",
        })
        .end();
      return true;
    };
    await expect(setting.pull(NAME, { maxBytes: 1e15 })).rejects.toMatchObject({
      code: "E_IO",
      message: expect.stringMatching(/no room.*30000000000000 more bytes are needed, and \d+ are free/),
    });
    await fails(/30000000000000 bytes; at most 34359738368/);
  });
});
