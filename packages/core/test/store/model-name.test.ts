import path from "node:path";
import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { HubApi } from "#core/store/hub-api.js";
import { HubCache } from "#core/store/hub-cache.js";
import { isModelName, KNOWN_MODELS, parseModelName } from "#core/store/index.js";

const HUB = "https://huggingface.co";
const parse = (name: string) => parseModelName(name, HUB);
const COMMIT = "0123456789abcdef0123456789abcdef01234567";

describe("names of models", () => {
  it("are short for a repository and a file", () => {
    expect(parse("sam2.1-small")).toMatchObject({
      kind: "hub",
      repo: "facebook/sam2.1-hiera-small",
      file: "sam2.1_hiera_small.pt",
      revision: "main",
    });
    expect(parse("unsamv2")).toMatchObject({ repo: "yujunwei04/UnSAMv2", file: null });
    for (const { name, aliases } of KNOWN_MODELS) {
      expect(isModelName(name)).toBe(true);
      for (const alias of aliases) expect(parse(alias)).toEqual(parse(name));
    }
  });

  it("or say where a file is", () => {
    expect(parse("hf:a/b/c.pt")).toMatchObject({ repo: "a/b", file: "c.pt", revision: "main" });
    expect(parse("hf:a/b")).toMatchObject({ repo: "a/b", file: null, revision: "main" });
    expect(parse("hf:a/b/in/deep/c.pt#refs/pr/1")).toMatchObject({
      file: "in/deep/c.pt",
      revision: "refs/pr/1",
    });
    expect(parse(`hf:a/b/c.pt#${COMMIT}`)).toMatchObject({ revision: COMMIT });
    expect(parse("https://example.org/x/model.pt?download=1")).toEqual({
      kind: "url",
      url: "https://example.org/x/model.pt?download=1",
      sha256: null,
    });
    const sum = "ab".repeat(32);
    expect(parse(`https://example.org/m.pt#sha256=${sum.toUpperCase()}`)).toMatchObject({ sha256: sum });
    expect(parse("http://localhost:8080/m.pt")).toMatchObject({ kind: "url" });
  });

  it("may be the address that a browser shows for a file of the hub", () => {
    const expected = { kind: "hub", repo: "a/b", file: "in/c d.pt", revision: "refs/pr/1", known: null };
    expect(parse(`${HUB}/a/b/resolve/refs%2Fpr%2F1/in/c%20d.pt?download=true`)).toEqual(expected);
    expect(parse(`${HUB}/a/b/blob/refs%2Fpr%2F1/in/c%20d.pt`)).toEqual(expected);
    expect(parse("https://elsewhere.co/a/b/blob/main/c.pt")).toMatchObject({ kind: "url" });
  });

  it("that do not exist are answered with those that do", () => {
    expect(() => parse("sam2.1-smal")).toThrow(/“sam2.1-smal” does not exist.*sam2\.1-small.*unsamv2.*hf:/);
  });

  it.each([
    "hf:",
    "hf:a",
    "hf:/a/b",
    "hf:a/b/",
    "hf:a/b//c.pt",
    "hf:a/b/../../c.pt",
    "hf:../b/c.pt",
    "hf:a/../c.pt",
    "hf:a/b/./c.pt",
    "hf:a/b/c/..",
    "hf:a/b/...",
    "hf:a/b/.. /c.pt",
    "hf:a/b/c\\..\\d.pt",
    "hf:a/b/C:c.pt",
    "hf:a/b/c.pt\0",
    "hf:a/b/c\n.pt",
    "hf:a--b/c/d.pt",
    "hf:a/b/c.pt#",
    "hf:a/b/c.pt#..",
    "hf:a/b/c.pt#../x",
    "hf:a/b/c.pt#/x",
    "hf:a/b/c.pt#x/",
    "hf:a/b/c.pt#x\\y",
    "hf:a/b/c.pt#x..y",
    `hf:a/b/${"x".repeat(256)}`,
    `hf:${"a".repeat(3000)}/b`,
    "http://example.org/m.pt",
    "ftp://example.org/m.pt",
    "file:///etc/passwd",
    "https://",
    "https://user:geheim@example.org/m.pt",
    "https://example.org/m.pt#sha256=1",
    "https://example.org/m.pt#x",
    "",
    "..",
    "/etc/passwd",
  ])("refuse %j", (name) => {
    expect(() => parse(name)).toThrow(expect.objectContaining({ code: "E_BAD_OPTION" }));
  });

  it("show no password", () => {
    expect(() => parse("https://user:geheim@example.org/m.pt")).toThrow(/^(?!.*geheim).*password/);
  });

  it("never lead out of the cache's folder or out of the repository's addresses, whatever they hold", () => {
    const part = fc.oneof(
      fc.constantFrom(
        "..",
        ".",
        "",
        "a",
        "%2e%2e",
        "%2E.",
        "..%2f",
        "%5c",
        "\\",
        "C:",
        "/",
        "~",
        "x.pt",
        " ",
        "#",
        "?",
        "é",
      ),
      fc.string({ maxLength: 8 }),
      fc.string({ unit: "binary", maxLength: 4 }),
    );
    const name = fc
      .tuple(
        fc.constantFrom("", "a/b/", "a/"),
        fc.array(part, { maxLength: 6 }),
        fc.option(part, { nil: undefined }),
      )
      .map(
        ([start, parts, revision]) =>
          `hf:${start}${parts.join("/")}${revision === undefined ? "" : `#${revision}`}`,
      );
    let accepted = 0;
    fc.assert(
      fc.property(name, (text) => {
        let source: ReturnType<typeof parse>;
        try {
          source = parse(text);
        } catch (error) {
          expect(error).toMatchObject({ code: "E_BAD_OPTION" });
          return;
        }
        if (source.kind !== "hub") throw new Error("hf: names are of the hub");
        accepted++;
        const { repo, file, revision } = source;
        for (const system of [path.posix, path.win32]) {
          const folder = system.resolve("/cache", `models--${repo.replace("/", "--")}`);
          const inside = (...parts: string[]) =>
            system.resolve(folder, ...parts).startsWith(folder + system.sep);
          expect(inside("refs", ...revision.split("/"))).toBe(true);
          const snapshot = system.resolve(folder, "snapshots", COMMIT);
          if (file !== null) {
            expect(system.resolve(snapshot, ...file.split("/")).startsWith(snapshot + system.sep)).toBe(true);
          }
        }
        if (file === null) return;
        const cache = new HubCache("/cache", repo);
        expect(cache.snapshot(COMMIT, file)).toBe(
          `/cache/models--${repo.replace("/", "--")}/snapshots/${COMMIT}/${file}`,
        );
        const url = new URL(new HubApi(HUB, null as never, {}).fileUrl(repo, revision, file));
        expect(url.origin).toBe(HUB);
        expect(url.pathname.startsWith(`/${repo}/resolve/${encodeURIComponent(revision)}/`)).toBe(true);
        expect(decodeURIComponent(url.pathname)).toBe(`/${repo}/resolve/${revision}/${file}`);
        expect([url.search, url.hash]).toEqual(["", ""]);
      }),
      { seed: 7, numRuns: 3000 },
    );
    expect(accepted).toBeGreaterThan(50);
  });

  it("never throw anything but a sentence", () => {
    fc.assert(
      fc.property(
        fc.oneof(fc.string(), fc.webUrl({ withFragments: true }), fc.string({ unit: "binary" })),
        (text) => {
          try {
            parse(text);
          } catch (error) {
            expect(error).toMatchObject({ name: "UnSAMError", code: "E_BAD_OPTION" });
          }
        },
      ),
      { numRuns: 2000 },
    );
  });
});
