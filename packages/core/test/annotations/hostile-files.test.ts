import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { ANNOTATION_CODECS, codecNamed, recogniseAnnotations } from "#core/annotations/index.js";
import { UnSAMError } from "#core/errors.js";
import { Budget } from "#core/limits/index.js";
import { maskImages, packed, reading, readText, region, writeText } from "./samples.js";

// Files that nobody should write.

describe("hostile files", () => {
  const refused = async (file: string, content: unknown, more: Parameters<typeof reading>[0] = {}) => {
    const started = performance.now();
    const error = await readText(file, content, more).then(
      () => null,
      (problem: unknown) => problem,
    );
    expect(error).toBeInstanceOf(UnSAMError);
    expect((error as UnSAMError).code).toBe("E_BAD_FILE");
    expect(performance.now() - started).toBeLessThan(1000);
    return (error as UnSAMError).message;
  };

  it("with a document type, entities or depth of XML are refused at once", async () => {
    const laughs = Array.from({ length: 30 }, (_, k) => `<!ENTITY l${k + 1} "&l${k};&l${k};&l${k};">`).join(
      "",
    );
    const bomb = `<?xml version="1.0"?><!DOCTYPE annotations [<!ENTITY l0 "ha">${laughs}]><annotations>&l30;</annotations>`;
    expect(await refused("a.xml", bomb)).toMatch(/declares a document type/);
    const outside = '<!DOCTYPE annotations SYSTEM "file:///etc/passwd"><annotations/>';
    expect(await refused("a.xml", outside)).toMatch(/declares a document type/);
    expect(await refused("a.xml", "<annotations>&unknown;</annotations>")).toMatch(/no XML/);
    expect(await refused("a.xml", `<annotations>${"<a>".repeat(1e6)}`)).toMatch(/nest deeper than 32/);
    expect(await refused("a.xml", "<html></html>")).toMatch(/its root is "html"/);
  });

  it("that name images or masks of any size are refused before anything is filled", async () => {
    const huge = { width: 1e9, height: 1e9 };
    const lines = {
      "a.coco.json": { images: [{ id: 1, file_name: "", ...huge }], annotations: [] },
      "a.labelme.json": { shapes: [], imagePath: "", imageWidth: 1e9, imageHeight: 1e9 },
      "a.geojson": { type: "FeatureCollection", ...huge, features: [] },
      "a.cvat.xml":
        '<annotations><image id="0" name="" width="1000000000" height="1000000000"/></annotations>',
      "a.labelstudio.json": [
        {
          data: {},
          annotations: [{ result: [{ original_width: 1e9, original_height: 1e9, type: "brushlabels" }] }],
        },
      ],
    };
    for (const [file, content] of Object.entries(lines))
      expect(await refused(file, content)).toMatch(/limit of 100000000/);
    expect(
      await refused("a.yolo.txt", "0 0 0 1 0 1 1", { photo: { fileName: "", ...huge, georeference: null } }),
    ).toMatch(/limit of 100000000/);
  });

  it("of many large masks are refused where their budget ends", async () => {
    const mask = '<mask label="a" rle="0, 100000000" left="0" top="0" width="10000" height="10000"></mask>';
    const xml = `<annotations><image id="0" name="" width="10000" height="10000">${mask.repeat(200)}</image></annotations>`;
    expect(await refused("a.xml", xml, { budget: new Budget("“a”", 2 ** 20) })).toMatch(
      /takes more than 1048576 bytes/,
    );
  });

  it("of a brush that is cut off, too long, or of another size are refused", async () => {
    const [task] = JSON.parse(
      await writeText(codecNamed("labelstudio", "format"), [
        {
          fileName: "",
          width: 5,
          height: 3,
          regions: [region({ kind: "mask", mask: packed(5, 3, "101010101010101".split("").map(Number)) })],
        },
      ]),
    );
    const [{ value }] = task.annotations[0].result;
    const bytes: number[] = value.rle;
    const withRle = (rle: unknown) => {
      const result = [{ ...task.annotations[0].result[0], value: { ...value, rle } }];
      return [{ ...task, annotations: [{ result }] }];
    };
    expect(await refused("a.json", withRle(bytes.slice(0, -3)))).toMatch(/ends too early/);
    expect(await refused("a.json", withRle([0, 0, 0, 4, ...bytes.slice(4)]))).toMatch(
      /holds 4 values, and 5×3 pixels take 60/,
    );
    expect(await refused("a.json", withRle([300]))).toMatch(/must be a byte/);
    expect(await refused("a.json", withRle(null))).toMatch(/rle is null; it must be a list of bytes/);
  });

  it("are refused in one sentence or read, whatever was changed in them", async () => {
    const texts = fc.sample(
      maskImages.filter(({ regions }) => regions.length > 0),
      { numRuns: 3, seed: 7 },
    );
    for (const format of ANNOTATION_CODECS) {
      for (const image of texts) {
        const text = await writeText(format, [image]);
        const changes = fc.array(
          fc.record({
            at: fc.nat(text.length),
            cut: fc.nat(6),
            put: fc.constantFrom("", "-", "9", "e9", "null", "[", "{}", '"', "<", "NaN", "\u0000", "1e400"),
          }),
          { minLength: 1, maxLength: 4 },
        );
        await fc.assert(
          fc.asyncProperty(changes, async (list) => {
            let changed = text;
            for (const { at, cut, put } of list)
              changed = changed.slice(0, at) + put + changed.slice(at + cut);
            const photo = { fileName: "", width: image.width, height: image.height, georeference: null };
            try {
              const known = recogniseAnnotations(changed, `a${format.suffixes[0]}`, "“a”");
              await known.format.read(known.content, reading({ photo, classes: ["a", "b"] }));
            } catch (error) {
              expect(error).toBeInstanceOf(UnSAMError);
              expect((error as UnSAMError).message).toMatch(/^“a”.*\.$/su);
            }
          }),
          { numRuns: 120 },
        );
      }
    }
  });
});
