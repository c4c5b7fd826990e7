import { execFileSync, spawnSync } from "node:child_process";
import { existsSync } from "node:fs";
import { copyFile, cp, mkdtemp, readdir, readFile, rm, utimes, writeFile } from "node:fs/promises";
import { createRequire } from "node:module";
import { tmpdir } from "node:os";
import path from "node:path";
import { fileURLToPath, pathToFileURL } from "node:url";
import { familySync } from "detect-libc";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { findNative, type NativeStatus } from "#native/load.js";
import { PLATFORM_PACKAGES, packagesFor } from "#native/platforms.js";
import { ADDON, describeWithAddon } from "./addon.js";

let folder: string;
beforeAll(async () => {
  folder = await mkdtemp(path.join(tmpdir(), "unsam-native-"));
});
afterAll(() => rm(folder, { recursive: true }));

const find = (addon: string, cacheDir: string | null = null) => findNative({ cacheDir }, addon);

function reason(status: NativeStatus): string {
  if (status.binding !== null) throw new Error(`${status.path} was loaded.`);
  return status.reason;
}

/** A shared library that does `body` when it is loaded. */
function library(name: string, body: string): string {
  const file = path.join(folder, name);
  const source = `#include <cstdlib>\n#include <csignal>\nextern "C" void register_() {}\nstruct S { S() { ${body} } } s;\n`;
  execFileSync("c++", ["-shared", "-fPIC", "-x", "c++", "-o", file, "-"], { input: source });
  return file;
}

describe("an addon that cannot be used is not loaded, and the reason is told", () => {
  it("turned off", async () => {
    expect(reason(await find("off"))).toContain("UNSAM_NATIVE=off");
  });

  it("no such file", async () => {
    expect(reason(await find(path.join(folder, "nothing.node")))).toMatch(/nothing\.node.*no such file/);
    expect(reason(await find(folder))).toContain("no such file");
  });

  it("a text file, and JavaScript by that name", async () => {
    const file = path.join(folder, "text.node");
    await writeFile(file, "This is no binary.\n");
    expect(reason(await find(file))).toMatch(
      /text\.node.*(invalid ELF header|file too short|not a mach-o|Win32)/i,
    );
    const script = path.join(folder, "script.js");
    await writeFile(script, `require("node:fs").writeFileSync(${JSON.stringify(`${script}.ran`)}, "");`);
    expect(reason(await find(script))).toContain("script.js");
    expect(await readdir(folder)).not.toContain("script.js.ran");
  });

  it("an empty file", async () => {
    const file = path.join(folder, "empty.node");
    await writeFile(file, "");
    expect(reason(await find(file))).toContain("empty.node");
  });

  it("a child process that Node cannot start: not Node's version is told, but the error", async () => {
    // Yarn's Plug'n'Play, where the child's modules are found by what NODE_OPTIONS names, and by nothing else.
    const broken = `--import=${pathToFileURL(path.join(folder, "no-such-hook.mjs"))}`;
    const program = `const { findNative } = await import(${JSON.stringify(new URL("../dist/load.js", import.meta.url))});
      process.env.NODE_OPTIONS = ${JSON.stringify(broken)};
      const versions = { ...process.versions, pnp: "3" };
      if (process.argv[1] === "yarn") Object.defineProperty(process, "versions", { value: versions });
      const { binding, reason } = await findNative({ cacheDir: null }, ${JSON.stringify(import.meta.filename)});
      console.log(binding === null ? reason : "loaded");`;
    const said = (how: string) =>
      execFileSync(process.execPath, ["--input-type=module", "-e", program, how], { encoding: "utf8" });
    expect(said("yarn")).toMatch(/does not work: Error.*Cannot find module .*no-such-hook\.mjs/);
    expect(said("npm")).not.toContain("no-such-hook");
  });

  const compiles = process.platform === "linux" && spawnSync("c++", ["--version"]).status === 0;
  it.runIf(compiles).each([
    ["abort", "std::abort();", /SIGABRT/],
    ["segfault", "std::raise(SIGSEGV);", /SIGSEGV/],
    ["exit", "std::_Exit(3);", /code 3/],
    ["harmless", "", /did not self-register/],
  ])("a library that answers with %s when it is loaded", async (name, body, expected) => {
    expect(reason(await find(library(`${name}.node`, body)))).toMatch(expected);
  });
});

describeWithAddon("an addon that works", () => {
  it("is loaded from where UNSAM_NATIVE says", async () => {
    const native = await find(ADDON);
    expect(native).toMatchObject({ path: ADDON, origin: "UNSAM_NATIVE", rejected: [] });
  });

  it("is found as a local build", async () => {
    expect(await find("")).toMatchObject({ path: ADDON, origin: "local build" });
  });

  it("is tried out once, until it changes", async () => {
    const cacheDir = path.join(folder, "cache");
    const copy = path.join(folder, "copy.node");
    await copyFile(ADDON, copy);
    expect((await find(copy, cacheDir)).binding).not.toBeNull();
    const [first, ...others] = await readdir(path.join(cacheDir, "native"));
    expect(others).toEqual([]);
    const started = performance.now();
    expect((await find(copy, cacheDir)).binding).not.toBeNull();
    expect(performance.now() - started).toBeLessThan(1000);
    await utimes(copy, new Date(), new Date(0));
    expect((await find(copy, cacheDir)).binding).not.toBeNull();
    expect(await readdir(path.join(cacheDir, "native"))).toEqual(expect.arrayContaining([first]));
    expect(await readdir(path.join(cacheDir, "native"))).toHaveLength(2);
  });

  it("is loaded though nothing can be remembered", async () => {
    const file = path.join(folder, "a-file");
    await writeFile(file, "");
    expect((await find(ADDON, path.join(file, "cache"))).binding).not.toBeNull();
  });

  it("is refused when it was cut off or damaged, in place of one that worked", async () => {
    const cacheDir = path.join(folder, "cache-2");
    const copy = path.join(folder, "damaged.node");
    await copyFile(ADDON, copy);
    expect((await find(copy, cacheDir)).binding).not.toBeNull();
    // A file of another inode: the library loaded above stays mapped.
    const bytes = await readFile(copy);
    await rm(copy);
    await writeFile(copy, bytes.subarray(0, bytes.length / 2));
    expect(reason(await find(copy, cacheDir))).toContain("damaged.node");
    await rm(copy);
    await writeFile(copy, bytes.fill(0xcc, bytes.length / 4, bytes.length / 2));
    expect(reason(await find(copy, cacheDir))).toContain("damaged.node");
  });
});

describe("platform packages", () => {
  it("are chosen by system, processor and C library, better ones first", () => {
    const names = (os: NodeJS.Platform, cpu: NodeJS.Architecture, libc: string | null) =>
      packagesFor({ os, cpu, libc }).map(({ name }) => name);
    expect(names("linux", "x64", "glibc")).toEqual([
      "@unsam/native-linux-x64-cuda",
      "@unsam/native-linux-x64-gnu",
    ]);
    expect(names("linux", "arm64", "glibc")).toEqual(["@unsam/native-linux-arm64-gnu"]);
    expect(names("linux", "x64", "musl")).toEqual(["@unsam/native-linux-x64-musl"]);
    expect(names("linux", "arm64", "musl")).toEqual(["@unsam/native-linux-arm64-musl"]);
    expect(names("darwin", "arm64", null)).toEqual(["@unsam/native-darwin-arm64"]);
    expect(names("darwin", "x64", null)).toEqual(["@unsam/native-darwin-x64"]);
    expect(names("win32", "x64", null)).toEqual(["@unsam/native-win32-x64"]);
    expect(names("linux", "x64", null)).toEqual([]);
    expect(names("freebsd", "x64", null)).toEqual([]);
  });

  it("name in their call of require.resolve what they are listed as", async () => {
    for (const { name, locate } of PLATFORM_PACKAGES) {
      expect(() => locate()).toThrow(name);
      expect(locate.toString()).toContain(`"${name}/unsam.node"`);
    }
  });
});

describe.runIf(process.platform === "linux")("an addon for Linux is published only where it is fit", () => {
  const check = fileURLToPath(new URL("../scripts/check-addon.mjs", import.meta.url));
  const said = (file: string, name: string) =>
    spawnSync(process.execPath, [check, file, name], { encoding: "utf8" });
  const tools = ["c++", "readelf"].every((tool) => spawnSync(tool, ["--version"]).status === 0);
  const [ours, other] =
    process.arch === "x64" ? ["linux-x64-gnu", "linux-arm64-gnu"] : ["linux-arm64-gnu", "linux-x64-gnu"];
  const glibc = familySync() === "glibc" && ["x64", "arm64"].includes(process.arch);

  it.runIf(glibc && tools && existsSync(ADDON))("the local build is: glibc 2.28 is enough", () => {
    const { status, stdout, stderr } = said(ADDON, `@unsam/native-${ours}`);
    expect(stderr).toBe("");
    expect(stdout).toMatch(/runs with glibc 2\.(1\d|2[0-8]) or newer/);
    expect(status).toBe(0);
  });

  it.runIf(glibc && tools)("a library is told what it needs too much, symbol by symbol", () => {
    // The C++ runtime of the machine, a function that came with glibc 2.30, one that nobody has.
    const source =
      "#include <string>\n#include <stdexcept>\n" +
      'extern "C" int gettid(); extern "C" int missing(); extern "C" int napi_x(); extern "C" __attribute__((weak)) int maybe();\n' +
      "int f(const std::string& s) { if (s.empty()) throw std::runtime_error(s); return gettid() + missing() + napi_x() + (maybe ? maybe() : 0); }\n";
    const file = path.join(folder, "needs.node");
    execFileSync("c++", ["-shared", "-fPIC", "-x", "c++", "-o", file, "-"], { input: source });
    const { status, stderr } = said(file, `@unsam/native-${ours}`);
    expect(status).toBe(1);
    expect(stderr).toContain("gettid needs glibc 2.30, newer than 2.28.");
    expect(stderr).toContain("missing is nobody's.");
    expect(stderr).toContain("needs the library libstdc++.so.6.");
    expect(stderr).not.toMatch(/napi_x|maybe/);
    expect(said(file, `@unsam/native-${other}`).stderr).toMatch(/it is for .*, not for (x64|arm64)/);
    expect(said(file, `@unsam/native-${ours.replace("gnu", "musl")}`).stderr).toContain("gettid is glibc's");
  });
});

describeWithAddon("an installed platform package", () => {
  const [chosen] = packagesFor({ os: process.platform, cpu: process.arch, libc: familySync() }).slice(-1);
  const scripts = fileURLToPath(new URL("../scripts/platform-packages.mjs", import.meta.url));
  let modules: string;
  let platformPackage: string;

  /** What `@unsam/native-cuda` finds where npm has installed it with its platform package, and built it too. */
  const found = () => {
    const script = `const { loadNative } = await import("@unsam/native-cuda");
      const { origin, rejected, reason } = await loadNative({ cacheDir: null });
      console.log(JSON.stringify({ origin, rejected, reason }));`;
    const { UNSAM_NATIVE: _, ...env } = process.env;
    const options = { cwd: path.dirname(modules), encoding: "utf8", env } as const;
    return JSON.parse(execFileSync(process.execPath, ["--input-type=module", "-e", script], options));
  };

  beforeAll(async () => {
    modules = path.join(folder, "project", "node_modules");
    platformPackage = path.join(modules, chosen.name);
    const own = fileURLToPath(new URL("..", import.meta.url));
    const copy = path.join(modules, "@unsam", "native-cuda");
    await cp(path.join(own, "dist"), path.join(copy, "dist"), { recursive: true });
    await cp(path.join(own, "package.json"), path.join(copy, "package.json"));
    await cp(ADDON, path.join(copy, "build", "Release", "unsam.node"));
    const library = path.dirname(createRequire(import.meta.url).resolve("detect-libc/package.json"));
    await cp(library, path.join(modules, "detect-libc"), { recursive: true });
    execFileSync(process.execPath, [scripts, "pack", chosen.name, platformPackage]);
  });

  it("says what it is for", async () => {
    const manifest = JSON.parse(await readFile(path.join(platformPackage, "package.json"), "utf8"));
    expect(manifest).toMatchObject({ name: chosen.name, os: [process.platform], cpu: [process.arch] });
    expect(manifest.libc).toEqual(chosen.libc === null ? undefined : [chosen.libc]);
    const own = JSON.parse(await readFile(path.join(path.dirname(scripts), "..", "package.json"), "utf8"));
    for (const key of ["keywords", "license", "author", "homepage", "repository", "bugs", "engines"]) {
      expect(manifest[key], key).toEqual(own[key]);
      expect(own[key], key).toBeTruthy();
    }
    expect(manifest).toMatchObject({ type: "commonjs", sideEffects: false });
  });

  it("wins over a local build", () => {
    expect(found()).toEqual({ origin: chosen.name, rejected: [] });
  });

  it("gives way to a local build when it is broken, which is told", async () => {
    await writeFile(path.join(platformPackage, "unsam.node"), "broken");
    const { origin, rejected } = found();
    expect(origin).toBe("local build");
    expect(rejected).toEqual([expect.stringContaining(chosen.name)]);
    await rm(path.join(modules, "@unsam/native-cuda/build"), { recursive: true });
    expect(found().reason).toContain(chosen.name);
    await rm(platformPackage, { recursive: true });
    expect(found().reason).toMatch(/is installed.*npm run build:native/);
  });
});
