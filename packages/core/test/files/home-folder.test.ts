import { execFileSync } from "node:child_process";
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir, userInfo } from "node:os";
import path from "node:path";
import { describe, expect, it } from "vitest";

const own = userInfo().homedir;
const core = (room: string) => new URL(`../../dist/${room}/index.js`, import.meta.url).href;

/** What a program prints that has these variables and no other; `nobody`: as a user number that the system does not know. */
function printed(program: string, variables: NodeJS.ProcessEnv, nobody = false): string {
  const folder = mkdtempSync(path.join(tmpdir(), "unsam-home-"));
  const become = nobody ? "process.setgid(54321); process.setuid(54321);" : "";
  const source = `const { defaultCacheDir } = await import("${core("engine")}");
    const { listModels } = await import("${core("store")}");
    ${become} ${program}`;
  try {
    return execFileSync(process.execPath, ["--input-type=module", "-e", source], {
      env: variables,
      cwd: folder,
      encoding: "utf8",
    }).trim();
  } finally {
    rmSync(folder, { recursive: true });
  }
}

describe.skipIf(process.platform === "win32" || process.platform === "darwin")("the cache", () => {
  const cache = "console.log(defaultCacheDir());";

  it.each([
    ["without HOME", {}],
    ["with an empty HOME", { HOME: "" }],
    ["with a relative HOME", { HOME: "here" }],
    ["with empty and relative variables", { HOME: own, XDG_CACHE_HOME: "" }],
    ["with a relative XDG_CACHE_HOME", { HOME: own, XDG_CACHE_HOME: "cache" }],
  ])("lies in the user's home, never in the folder one is in: %s", (_, variables) => {
    expect(printed(cache, variables)).toBe(path.join(own, ".cache", "unsam"));
  });

  it("lies where variables say", () => {
    expect(printed(cache, { HOME: own, XDG_CACHE_HOME: "/var/one" })).toBe("/var/one/unsam");
    expect(printed(cache, { HOME: "/var/home" })).toBe("/var/home/.cache/unsam");
  });

  const root = process.getuid?.() === 0;
  it.skipIf(!root)("lies among the temporary files of a user who has no home", () => {
    expect(printed(cache, { TMPDIR: "/var/tmp" }, true)).toBe("/var/tmp/unsam-54321");
  });

  it.skipIf(!root)("of models is asked for where there is no home, in one sentence", () => {
    const list =
      "console.log(await listModels(defaultCacheDir()).then(() => 'listed', ({ code, message }) => code + ' ' + message));";
    expect(printed(list, {}, true)).toMatch(
      /^E_BAD_OPTION There is no home folder .*HF_HUB_CACHE or HF_HOME/,
    );
    expect(printed(list, { HF_HOME: "/var/tmp/no-such-hub" }, true)).toBe("listed");
  });
});
