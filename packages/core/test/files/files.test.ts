import { execFileSync, spawnSync } from "node:child_process";
import {
  lstatSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  symlinkSync,
  utimesSync,
  writeFileSync,
} from "node:fs";
import { createServer } from "node:net";
import { tmpdir } from "node:os";
import path from "node:path";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import {
  createWhole,
  lookAtFile,
  outputName,
  problemOfTarget,
  readFileBytes,
  readFileJson,
  readFileText,
  removeLeftovers,
  temporaryPath,
  writeWhole,
  writeWholeFile,
} from "#core/files/index.js";

const folder = mkdtempSync(path.join(tmpdir(), "unsam-files-"));
const at = (name: string) => path.join(folder, name);
const options = { what: "The calibration", code: "E_BAD_FILE" } as const;
const posix = process.platform !== "win32";
const server = createServer();

beforeAll(async () => {
  writeFileSync(at("bom.json"), '\ufeff{ "a": [1] }');
  writeFileSync(at("utf16.json"), Buffer.from("\ufeff{}", "utf16le"));
  writeFileSync(at("bytes.bin"), Buffer.from([0xc3, 0x28]));
  writeFileSync(at("deep.json"), "[".repeat(1e6));
  writeFileSync(at("brackets.json"), JSON.stringify(`${"[".repeat(1000)}\\"{`));
  mkdirSync(at("folder"));
  if (!posix) return;
  execFileSync("mkfifo", [at("fifo")]);
  symlinkSync(at("fifo"), at("to-fifo"));
  symlinkSync("/dev/zero", at("to-zero"));
  symlinkSync(at("loop"), at("loop"));
  await new Promise<void>((done) => server.listen(at("socket"), done));
});

afterAll(() => {
  server.close();
  rmSync(folder, { recursive: true });
});

describe("reading", () => {
  it.skipIf(!posix).each(["fifo", "to-fifo", "to-zero", "socket"])("refuses %s at once", async (name) => {
    await expect(readFileBytes(at(name), options)).rejects.toMatchObject({
      code: "E_BAD_FILE",
      message: expect.stringMatching(/^The calibration “.*” is not a regular file/),
    });
  });

  it("refuses folders, names of nothing, links that lead nowhere, and names that cannot be", async () => {
    const messages = new Map([
      ["folder", /is a folder/],
      ["none", /There is no file/],
      ["bom.json/x", /There is no file/],
      ["a\0b", /cannot be read/],
    ]);
    if (posix) messages.set("loop", /cannot be read/);
    for (const [name, message] of messages) {
      await expect(readFileBytes(at(name), options)).rejects.toMatchObject({
        code: "E_BAD_FILE",
        message: expect.stringMatching(message),
      });
    }
  });

  it("reads what the file holds, also of files that state no size", async () => {
    expect(await readFileJson(at("bom.json"), options)).toEqual({ a: [1] });
    expect(await readFileJson(at("brackets.json"), options)).toHaveLength(1003);
    if (process.platform === "linux")
      expect(await readFileText("/proc/self/status", options)).toMatch(/^Name:/);
    const large = Buffer.alloc(9_000_000, 7);
    await writeWhole(at("large.bin"), large);
    expect(large.equals(await readFileBytes(at("large.bin"), options))).toBe(true);
  });

  it("refuses more bytes than allowed, other encodings, and deep nesting", async () => {
    await expect(readFileBytes(at("bom.json"), { ...options, maxBytes: 8 })).rejects.toThrow(
      /at most 8 are read/,
    );
    await expect(readFileText("/proc/self/status", { ...options, maxBytes: 8 })).rejects.toThrow(
      /at most 8|no file/,
    );
    await expect(readFileText(at("utf16.json"), options)).rejects.toThrow(/UTF-16/);
    await expect(readFileText(at("bytes.bin"), options)).rejects.toThrow(/not UTF-8/);
    await expect(readFileJson(at("deep.json"), options)).rejects.toMatchObject({
      code: "E_BAD_FILE",
      message: expect.stringMatching(/nests deeper/),
    });
  });

  it("refuses more values than allowed before anything is made of them", async () => {
    writeFileSync(at("values.json"), `[${"[],".repeat(40)}"a,b,[c",{"d":1,"e":2}]`);
    await expect(readFileJson(at("values.json"), { ...options, maxValues: 80 })).rejects.toMatchObject({
      code: "E_BAD_FILE",
      message: expect.stringMatching(/^The calibration “.*values\.json” holds more than 80 values/),
    });
    expect(await readFileJson(at("values.json"), { ...options, maxValues: 100 })).toHaveLength(42);
  });

  it("tells what the system refuses from what the file holds, where asked to", async () => {
    const split = { ...options, systemCode: "E_IO" } as const;
    await expect(readFileText(at("none"), split)).rejects.toMatchObject({ code: "E_IO" });
    await expect(readFileText(at("folder"), split)).rejects.toMatchObject({ code: "E_BAD_FILE" });
    await expect(readFileText(at("utf16.json"), split)).rejects.toMatchObject({ code: "E_BAD_FILE" });
  });

  it("stops when aborted", async () => {
    const reason = new Error("enough");
    await expect(
      readFileBytes(at("bom.json"), { ...options, signal: AbortSignal.abort(reason) }),
    ).rejects.toBe(reason);
  });
});

describe("looking", () => {
  it("shows the first bytes before the rest is read", async () => {
    writeFileSync(at("ten.bin"), "0123456789");
    let seen = "";
    const look = (head: Uint8Array) => {
      seen = Buffer.from(head).toString();
    };
    await lookAtFile(at("ten.bin"), { ...options, look });
    expect(seen).toBe("0123456789");
    const refuse = () => {
      throw new Error("no good");
    };
    await expect(readFileBytes(at("ten.bin"), { ...options, look: refuse })).rejects.toThrow(/no good/);
  });
});

describe("names of files made of others", () => {
  it("are the name and the suffix where that fits", () => {
    expect(outputName("a.jpg", ".json")).toBe("a.jpg.json");
    const full = `${"n".repeat(246)}.jpg`;
    expect(outputName(full, ".json")).toBe(`${full}.json`);
  });

  it("are cut to 255 bytes at a whole character, and stay apart", () => {
    const long = ["漢".repeat(83), `${"漢".repeat(82)}字`, `${"n".repeat(251)}.jpg`, "😀".repeat(63)];
    const names = long.map((name) => outputName(name, ".contours.png"));
    for (const name of names) {
      expect(Buffer.byteLength(name)).toBeLessThanOrEqual(255);
      expect(Buffer.byteLength(name)).toBeGreaterThan(250);
      expect(name).toMatch(/~[0-9a-f]{12}\.contours\.png$/);
      expect(name).not.toContain("\ufffd");
      expect(Buffer.from(name).toString()).toBe(name);
    }
    expect(new Set(names).size).toBe(names.length);
  });
});

describe("writing", () => {
  it("takes the longest names a file system allows", async () => {
    for (const name of [`${"n".repeat(251)}.png`, "漢".repeat(84)]) {
      await writeWhole(at(name), "x");
      expect(await readFileText(at(name), options)).toBe("x");
    }
  });

  it("leaves nothing behind when it fails", async () => {
    const failing = writeWholeFile(at("half"), async (file) => {
      await file.writeFile("half");
      throw new Error("the device is full");
    });
    await expect(failing).rejects.toThrow("the device is full");
    await expect(writeWhole(at("none/x"), "x")).rejects.toMatchObject({ code: "E_IO" });
    expect(readdirSync(folder).filter((name) => name.includes("half") || name.endsWith(".tmp"))).toEqual([]);
  });

  it.skipIf(!posix)("puts no file in the place of a pipe, a device, a socket or a folder", async () => {
    for (const [name, problem] of [
      [at("fifo"), /is a pipe, a device/],
      [at("to-fifo"), /is a pipe, a device/],
      ["/dev/full", /is a pipe, a device/],
      ["/dev/null", /is a pipe, a device/],
      [at("socket"), /is a pipe, a device/],
      [at("folder"), /is a folder/],
      [at("none/x"), /there is no folder/],
      [at("bom.json/x"), /there is no folder/],
    ] as const) {
      expect(await problemOfTarget(name), name).toMatch(problem);
      await expect(writeWhole(name, "x"), name).rejects.toMatchObject({
        code: "E_IO",
        message: expect.stringMatching(problem),
      });
    }
    expect(lstatSync("/dev/null").isCharacterDevice()).toBe(true);
    expect(lstatSync(at("fifo")).isFIFO()).toBe(true);
    expect(await problemOfTarget(at("new"))).toBe(null);
  });

  it.skipIf(!posix)("replaces a link to a file, and leaves alone what it leads to", async () => {
    writeFileSync(at("theirs"), "theirs");
    symlinkSync(at("theirs"), at("link"));
    await writeWhole(at("link"), "ours");
    expect(readFileSync(at("theirs"), "utf8")).toBe("theirs");
    expect(readFileSync(at("link"), "utf8")).toBe("ours");
    expect(lstatSync(at("link")).isFile()).toBe(true);
  });

  it("creates a file once, however many try at the same time", async () => {
    const file = at("once");
    const all = await Promise.all(
      Array.from({ length: 12 }, (_, i) => createWhole(file, `${i}`.repeat(100_000))),
    );
    expect(all.filter((created) => created)).toHaveLength(1);
    const winner = all.indexOf(true);
    expect(readFileSync(file, "utf8")).toBe(`${winner}`.repeat(100_000));
    expect(await createWhole(file, "later")).toBe(false);
    await expect(createWhole(at("none/x"), "x")).rejects.toMatchObject({ code: "E_IO" });
  });

  it("removes leftovers of dead processes only", async () => {
    const dead = spawnSync(process.execPath, ["-e", ""]).pid;
    const mine = temporaryPath(folder);
    const abandoned = mine.replace(`-${process.pid}-`, `-${dead}-`);
    const elsewhere = abandoned.replace(/unsam-[0-9a-f]{8}/, "unsam-00000000");
    const old = elsewhere.replace(/-[0-9a-f]{16}\.tmp$/, "-0123456789abcdef.tmp");
    for (const file of [mine, abandoned, elsewhere, old, at("other.tmp")]) writeFileSync(file, "");
    const before = new Date(Date.now() - 25 * 3600 * 1000);
    for (const file of [old, at("other.tmp")]) utimesSync(file, before, before);
    await removeLeftovers(folder);
    expect(
      readdirSync(folder)
        .filter((name) => name.endsWith(".tmp"))
        .sort(),
    ).toEqual([mine, elsewhere, "other.tmp"].map((file) => path.basename(file)).sort());
  });
});
