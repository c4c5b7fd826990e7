import { copyFile, mkdir, mkdtemp, readdir, readFile, rm, writeFile } from "node:fs/promises";
import { createServer, type IncomingMessage, type Server, type ServerResponse } from "node:http";
import type { AddressInfo } from "node:net";
import { tmpdir } from "node:os";
import path from "node:path";
import { pathToFileURL } from "node:url";
import { Mask } from "@unsam/sdk";
import { inRepository } from "@unsam/test-support";
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from "vitest";
import { sentences, unsam, unsamProcess } from "./run.js";
import { expectSchema } from "./schema.js";

const photo = inRepository("docs", "images", "dragonfruit.jpg");
// The model that is quickest.
const click = ["--point", "211,144", "--model", "region-tree"];

let folder: string;
beforeEach(async () => {
  folder = await mkdtemp(path.join(tmpdir(), "unsam-images-"));
  await mkdir(path.join(folder, "photos", "more"), { recursive: true });
  for (const name of ["a.jpg", "b.jpg", path.join("more", "a.jpg")]) {
    await copyFile(photo, path.join(folder, "photos", name));
  }
});
afterEach(() => rm(folder, { recursive: true, force: true }));

const run = (...args: string[]) => unsam(args, { cwd: folder });
const names = async (name: string) => (await readdir(path.join(folder, name))).sort();

describe("several photos", () => {
  it("are each answered as alone; a bad one fails for itself, and the exit code tells", async () => {
    await writeFile(path.join(folder, "photos", "b.jpg"), "no JPEG at all");
    const args = ["photos/*.jpg", "none.jpg", ...click, "--out", "masks", "--overlay", "masks", "--json"];
    const { code, stdout, stderr } = await run("segment", ...args);
    expect(code).toBe(1);
    await expectSchema("images", stdout);
    const { results, failed } = JSON.parse(stdout);
    expect(failed).toMatchObject([
      { image: path.join("photos", "b.jpg"), code: "E_BAD_IMAGE" },
      { image: "none.jpg", code: "E_BAD_IMAGE" },
    ]);
    expect(stderr).toMatch(/unsam: none\.jpg: There is no file “none\.jpg”/);
    expect(await names("masks")).toEqual(["a.jpg.mask.png", "a.jpg.overlay.png"]);
    await expectSchema("segment", JSON.stringify(results[0]));
    const alone = JSON.parse((await run("segment", "photos/a.jpg", ...click, "--json")).stdout);
    expect(results.map(({ segment }: typeof alone) => segment)).toEqual([alone.segment]);
    const mask = await Mask.fromPNG(await readFile(path.join(folder, "masks", "a.jpg.mask.png")));
    expect(mask.equals(Mask.fromRLE(alone.segment.rle))).toBe(true);
  });

  it("come from folders, too, as in everything; one pattern is several whatever it finds", async () => {
    await writeFile(path.join(folder, "photos", "c.HEIC"), "x");
    const args = ["photos", "photos/more/*.jpg", "./photos/a.jpg", ...click, "--levels", "3"];
    const { code, stdout, stderr } = await run("ladder", ...args, "--out", "out/{folder}-{name}.png");
    expect(code, stderr).toBe(0);
    expect(await names("out")).toEqual(["more-a.png", "photos-a.png", "photos-b.png"]);
    expect(stdout.match(/scales? at 3 granularities/g)).toHaveLength(3);
    expect(stderr).toMatch(/1 file is not taken/);
    expect(stderr).toMatch(/1 photos are named twice/);
    expect(stderr).toMatch(/3 of 3 photos done, 0 failed/);
    const one = await run("ladder", "photos/more/*.jpg", ...click, "--levels", "1", "--json");
    await expectSchema("images", one.stdout);
    await expectSchema("ladder", JSON.stringify(JSON.parse(one.stdout).results[0]));
  });

  it("that are all bad cost no model", async () => {
    await writeFile(path.join(folder, "bad.jpg"), "x");
    const args = ["bad.jpg", "none.jpg", "--point", "1,1", "--model", "./none.pt"];
    await writeFile(path.join(folder, "none.pt"), "no checkpoint");
    const { code, stderr } = await run("segment", ...args);
    expect(code).toBe(1);
    expect(stderr).not.toMatch(/none\.pt/);
  });

  it.each<[string, string[], RegExp]>([
    ["a pattern without a match", ["photos/*.png"], /No file matches “photos\/\*\.png”/],
    ["a file for all masks", ["photos", "--out", "mask.png"], /give a folder, or a name with \{name\}/],
    ["a folder that is a file", ["photos", "--out", "photos/a.jpg"], /there may be several photos/],
    ["a pattern of another kind", ["photos", "--out", "{name}.jpg"], /must end in \.png/],
    ["two photos of one name", ["photos", "photos/more/a.jpg", "--out", "masks"], /put \{folder\} into/],
    ["results over photos", ["photos", "--out", "photos/a.jpg/x"], /cannot be written/],
    ["one result twice", ["photos", "--out", "{name}.png", "--overlay", "{name}.png"], /is the file of/],
    ["several to standard output", ["photos", "--out", "-"], /holds the result of one photo/],
    ["an option that no photo takes", ["photos", "--multimask"], /multimask/],
  ])("are refused with %s, and nothing is written", async (_, args, message) => {
    const before = await readdir(folder, { recursive: true });
    const { code, stdout, stderr } = await run("segment", ...args, ...click);
    expect([code, stdout]).toEqual([2, ""]);
    expect(sentences(stderr).at(-1)).toMatch(message);
    expect(await readdir(folder, { recursive: true })).toEqual(before);
  });
});

describe("standard input and output", () => {
  it("carry photo and mask through a pipe, words go to standard error", async () => {
    const input = await readFile(photo);
    const piped = await unsamProcess(["segment", "-", ...click, "--out", "-"], { input });
    expect(piped.code, piped.stderr).toBe(0);
    expect(piped.stderr).toMatch(/^-: a mask of \d+ pixels/m);
    const alone = JSON.parse((await run("segment", photo, ...click, "--json")).stdout);
    expect((await Mask.fromPNG(piped.bytes)).equals(Mask.fromRLE(alone.segment.rle))).toBe(true);
  });

  it("carry a scene", async () => {
    const args = ["everything", "photos/a.jpg", "--model", "region-tree", "--out"];
    const whole = path.join(folder, "scene.coco.json");
    expect((await run(...args, whole)).code).toBe(0);
    const { code, stdout } = await run(...args, "-", "--format", "coco.json");
    expect(code).toBe(0);
    expect(JSON.parse(stdout)).toEqual(JSON.parse(await readFile(whole, "utf8")));
  });

  it.each<[string, string, RegExp]>([
    ["nothing", "", /The image of standard input is empty/],
    ["a web page", "<!doctype html><p>no", /is a page of HTML or XML; fetch the image itself/],
    ["a beginning", "\xff\xd8\xff cut", /^unsam: The image .*(cannot be|is not)/],
  ])("refuse %s with exit code 2", async (_, text, message) => {
    const input = Buffer.from(text, "latin1");
    const { code, stdout, stderr } = await unsamProcess(["segment", "-", ...click], { input });
    expect([code, stdout]).toEqual([2, ""]);
    expect(sentences(stderr).join()).toMatch(message);
  });

  it.each<[string[], RegExp]>([
    [["segment", "-", "-", ...click], /name it once/],
    [["segment", "photos/a.jpg", ...click, "--out", "-", "--json"], /holds one result, and --out and --json/],
    [["segment", "photos/a.jpg", ...click, "--out", "-", "--overlay", "-"], /--out and --overlay want it/],
    [["everything", "photos/a.jpg", "--out", "-", "--out", "-"], /holds one result/],
    [["everything", "photos", "--out", "-"], /photos may be several photos; standard output/],
    [["everything", "photos/a.jpg", "--out", "-", "--format", "gif"], /--format is gif/],
  ])("are used once: %j", async (args, message) => {
    const { code, stdout, stderr } = await run(...args);
    expect([code, stdout]).toEqual([2, ""]);
    expect(stderr).toMatch(message);
  });
});

describe("addresses", () => {
  let server: Server;
  let bytes: Buffer;
  let answer: (request: IncomingMessage, response: ServerResponse) => void;
  const env = { UNSAM_OFFLINE: "", HF_HUB_OFFLINE: "", TRANSFORMERS_OFFLINE: "", NO_PROXY: "*" };
  const at = (name: string) => `http://127.0.0.1:${(server.address() as AddressInfo).port}/${name}`;
  const fetching = (name: string, ...more: string[]) =>
    unsam(["segment", at(name), ...click, "--allow-url", ...more], { cwd: folder, env });

  beforeAll(async () => {
    bytes = await readFile(photo);
    server = createServer((request, response) => answer(request, response));
    await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  });
  afterAll(() => {
    server.closeAllConnections();
    return new Promise((resolve) => server.close(resolve));
  });

  it("are refused without --allow-url, and nothing is asked", async () => {
    let asked = 0;
    answer = () => asked++;
    for (const address of [at("a.jpg"), pathToFileURL(photo).href]) {
      for (const args of [
        ["segment", address, ...click],
        ["ladder", address, ...click],
        ["everything", address],
      ]) {
        const { code, stderr } = await run(...args);
        expect([code, sentences(stderr)]).toEqual([
          2,
          [expect.stringMatching(/pass --allow-url to have it/)],
        ]);
      }
    }
    expect(asked).toBe(0);
  });

  it("give what the file gives, after redirects, without a token", async () => {
    const headers: IncomingMessage["headers"][] = [];
    answer = (request, response) => {
      headers.push(request.headers);
      if (request.url === "/old") response.writeHead(302, { location: "/new%20name.jpg" }).end();
      else response.end(bytes);
    };
    const alone = JSON.parse((await run("segment", photo, ...click, "--json")).stdout);
    const [web, file] = [
      await fetching("old", "--json"),
      await run("segment", pathToFileURL(photo).href, ...click, "--allow-url", "--json"),
    ];
    for (const { code, stdout, stderr } of [web, file]) {
      expect(code, stderr).toBe(0);
      expect(JSON.parse(stdout).segment).toEqual(alone.segment);
    }
    expect(headers.every(({ authorization, cookie }) => !authorization && !cookie)).toBe(true);
    // One of several: its own name for what is written.
    const args = [at("new%20name.jpg"), "none.jpg", ...click, "--allow-url", "--out", "out"];
    expect((await unsam(["segment", ...args], { cwd: folder, env })).code).toBe(1);
    expect(await names("out")).toEqual(["new name.jpg.mask.png"]);
    const scene = await unsam(["everything", at("x"), "--model", "region-tree", "--allow-url", "--json"], {
      env,
    });
    expect(JSON.parse(scene.stdout)).toMatchObject({ image: at("x"), width: 512 });
  });

  const cases: [
    string,
    (request: IncomingMessage, response: ServerResponse) => void,
    string[],
    number,
    RegExp,
  ][] = [
    ["a status", (_, r) => r.writeHead(404).end("no"), [], 1, /There is no http.*\(404\)/],
    ["a busy server", (_, r) => r.writeHead(503).end(), [], 1, /could not be fetched: .*503/],
    [
      "a web page that says so",
      (_, r) => r.writeHead(200, { "content-type": "text/html" }).end("<p>hello"),
      [],
      1,
      /sends a web page instead of the image/,
    ],
    [
      "a web page that does not",
      (_, r) => r.end("<!doctype html><p>hello"),
      [],
      2,
      /is a page of HTML or XML/,
    ],
    ["something else", (_, r) => r.end("hello"), [], 2, /is not an image that can be read/],
    [
      "too much, announced",
      (_, r) => r.end(bytes),
      ["--max-download", "1000"],
      1,
      /has \d+ bytes; at most 1000/,
    ],
    [
      "too much, sent",
      (_, r) => {
        r.write(bytes.subarray(0, 9000));
        r.end(bytes.subarray(9000));
      },
      ["--max-download", "10000"],
      1,
      /has more than 10000 bytes/,
    ],
    ["silence", () => {}, ["--download-timeout", "0.3"], 1, /has not come within 0\.3 s/],
    [
      "a connection that is cut",
      (_, r) => {
        r.writeHead(200, { "content-length": bytes.length });
        r.write(bytes.subarray(0, 9000), () => r.destroy());
      },
      [],
      1,
      /cannot be read|was cut/,
    ],
    ["a circle", (q, r) => r.writeHead(302, { location: q.url }).end(), [], 1, /more than 10 times/],
    ["a file", (_, r) => r.writeHead(302, { location: "file:///etc/passwd" }).end(), [], 1, /leads to file:/],
  ];
  it.each(cases)("that lead to %s fail in one sentence", async (_, reply, more, expected, message) => {
    answer = reply;
    const { code, stdout, stderr } = await fetching("a.jpg?key=secret", ...more);
    expect([code, stdout]).toEqual([expected, ""]);
    expect(sentences(stderr)).toEqual([expect.stringMatching(message)]);
  });

  it.each<[string[], RegExp]>([
    [["http://user:word@127.0.0.1/a.jpg", "--allow-url"], /carries a user's name or password/],
    [["http://", "--allow-url"], /is no address/],
    [["file://elsewhere/a.jpg", "--allow-url"], /is not the address of a local file/],
    [["photos/a.jpg", "--max-download", "5"], /give --allow-url with it/],
    [["photos/a.jpg", "--allow-url", "--download-timeout", "1e9"], /at most 86400 seconds/],
  ])("are refused with exit code 2: %j", async (args, message) => {
    const { code, stdout, stderr } = await unsam(["segment", ...args, ...click], { cwd: folder, env });
    expect([code, stdout]).toEqual([2, ""]);
    expect(stderr).toMatch(message);
  });

  it("are not fetched offline", async () => {
    answer = (_, response) => response.end(bytes);
    const offline = { ...env, UNSAM_OFFLINE: "1" };
    const { code, stderr } = await unsam(["segment", at("a.jpg"), ...click, "--allow-url"], { env: offline });
    expect([code, sentences(stderr)]).toEqual([1, [expect.stringMatching(/UNSAM_OFFLINE .* is set/)]]);
  });
});
