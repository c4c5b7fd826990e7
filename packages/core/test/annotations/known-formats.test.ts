import { readFile } from "node:fs/promises";
import { inRepository } from "@unsam/test-support";
import { describe, expect, it } from "vitest";
import { ANNOTATION_CODECS, codecNamed, recogniseAnnotations } from "#core/annotations/index.js";
import { annotationFormatOf } from "#core/annotations/known-formats.js";

describe("the table of formats", () => {
  it("is the one of docs/formats.md", async () => {
    const rows = (await readFile(inRepository("docs", "formats.md"), "utf8")).split("\n");
    for (const { name, suffixes, images, keeps, outlines } of ANNOTATION_CODECS) {
      const row = rows.find((line) => line.startsWith(`| \`${name}\` |`)) ?? "";
      const facts = keeps.filter((fact) => fact !== "file name").join(", ");
      const taken = { "with holes": "all", "of several parts": "several parts", "of one ring": "one ring" }[
        outlines
      ];
      const cells = row.split("|").map((cell) => cell.trim());
      expect(cells.slice(1, 6)).toEqual([`\`${name}\``, `\`${suffixes[0]}\``, images, facts, taken]);
    }
  });

  it("finds a format by name, by the end of a file's name, and by content", () => {
    for (const format of ANNOTATION_CODECS) {
      expect(codecNamed(format.name.toUpperCase(), "--to")).toBe(format);
      expect(annotationFormatOf(`dir/x${format.suffixes[0]}`).name).toBe(format.name);
    }
    expect(() => codecNamed("pdf", "--to")).toThrow("--to is pdf; give one of coco, labelme");
    expect(() => annotationFormatOf("x.json")).toThrow(/names no format by its end/);
    expect(() => recogniseAnnotations('{"a":1}', "x.json", "“x.json”")).toThrow(/in none of the formats/);
  });
});
