import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import path from "node:path";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { notTakenSentence, outputName, photosIn } from "#core/files/index.js";

let folder: string;
beforeAll(async () => {
  folder = await mkdtemp(path.join(tmpdir(), "unsam-names-"));
});
afterAll(() => rm(folder, { recursive: true }));

describe("a name that fits a file system", () => {
  it("is the name itself where it is short enough", () => {
    expect(outputName("a.b", ".json")).toBe("a.b.json");
    expect(outputName("n".repeat(250), ".json")).toBe(`${"n".repeat(250)}.json`);
  });

  it("is cut by whole characters, keeps its ending, and tells long names apart", async () => {
    for (const letter of ["n", "é", "図", "🐟"]) {
      const names = ["x", "y"].map((last) => outputName(letter.repeat(300) + last, ".json"));
      expect(new Set(names).size).toBe(2);
      for (const name of names) {
        expect(name).toMatch(/~[0-9a-f]{12}\.json$/);
        expect(name).not.toContain("\ufffd");
        await writeFile(path.join(folder, name), "");
      }
    }
  });
});

describe("the photos of a folder", () => {
  it("are told from hidden files and from formats that are not taken", async () => {
    for (const name of ["b.PNG", "a.jpeg", "._a.jpeg", ".b.png", "c.Heic", "d.bmp", "e.txt"]) {
      await writeFile(path.join(folder, name), "");
    }
    const found = await photosIn(folder);
    expect(found).toEqual({ photos: ["a.jpeg", "b.PNG"], notTaken: ["c.Heic", "d.bmp"] });
    expect(notTakenSentence(found)).toBe(
      "2 files are not taken (.bmp, .heic; the first is “c.Heic”); convert to JPEG or PNG.",
    );
    expect(notTakenSentence({ photos: [], notTaken: [] })).toBeNull();
    await expect(photosIn(path.join(folder, "none"))).rejects.toMatchObject({ code: "E_IO" });
  });
});
