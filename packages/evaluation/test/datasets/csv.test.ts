import { describe, expect, it } from "vitest";
import { readClicks } from "#evaluation/datasets/clicks/clicks-table.js";
import { parseCsv } from "#evaluation/datasets/clicks/csv.js";

const rowsOf = (text: string) => parseCsv(text, "t.csv").rows.map(({ values }) => values);

describe("a table of separated values", () => {
  it("knows quotes, doubled quotes, line ends and empty fields", () => {
    expect(rowsOf('a,b\r\n1,"x, ""y""\r\nz"\r\n2,\r\n')).toEqual([
      { a: "1", b: 'x, "y"\nz' },
      { a: "2", b: "" },
    ]);
    expect(rowsOf("")).toEqual([]);
    expect(rowsOf("a,b\n1,2")).toEqual([{ a: "1", b: "2" }]);
    expect(rowsOf('a,b\r1,5" wide\r')).toEqual([{ a: "1", b: '5" wide' }]);
  });

  it.each([
    ["semicolons", "a;b\n1;2,5\n"],
    ["tabs", "a\tb\n1\t2,5\n"],
    ["a named separator", "sep=|\r\na|b\r\n1|2,5\r\n"],
    ["headings of any case", " A ; b\n1;2,5\n"],
    ["blank lines, and columns without a name", "\r\na;b;;\r\n\r\n;;;\r\n1;2,5;;\r\n"],
  ])("is read with %s", (_, text) => {
    expect(rowsOf(text)).toEqual([{ a: "1", b: "2,5" }]);
  });

  it("counts the lines of the file", () => {
    expect(parseCsv('a\n\n"x\ny"\nz\n', "t.csv").rows.map(({ line }) => line)).toEqual([3, 5]);
  });

  it.each([
    ['a,b\n1,"2\n', /t\.csv has a quote in line 2 that is never closed/],
    ["a,A\n1,2\n", /two columns named “a”/],
    ["x,y\n1,5,2\n", /3 values in line 2, but 2 columns \(x, y\)/],
  ])("is refused where it cannot be understood: %j", (text, reason) => {
    expect(() => parseCsv(text, "t.csv")).toThrow(reason);
  });
});

describe("clicks.csv", () => {
  const photos = new Map([
    ["one", "one.png"],
    ["two.x", "two.x.png"],
  ]);
  const read = (text: string) => [...readClicks(text, "c.csv", photos).values()].flat();

  it("may name photos with their endings, leave annotators out, and have further columns", () => {
    expect(read("image;region;x;y;note\none.png;-1;4.0;5;a\ntwo.x; 7 ;0;0;\n")).toEqual([
      { image: "one", annotator: 1, region: -1, x: 4, y: 5 },
      { image: "two.x", annotator: 1, region: 7, x: 0, y: 0 },
    ]);
  });

  it.each([
    ["image,x,y\none,1,2\n", /no column region; it has image, x, y/],
    ["", /no column image, region, x, y; it has none/],
    ["image,region,x,y\none,,1,2\n", /line 2: region is “”/],
    ["image,region,x,y\none,1,2\n", /line 2: y is “”/],
    ["image;region;x;y\none;1;2,5;3\n", /line 2: x is “2,5”; it must be a whole number from 0/],
    ["image,region,x,y\none,1,-2,3\n", /x is “-2”/],
    ["image,region,x,y\none,0x1,2,3\n", /region is “0x1”/],
    ["image,region,x,y\n\nnone,1,2,3\n", /line 3: there is no photo “none”/],
  ])("is refused by line and column: %j", (text, reason) => {
    expect(() => read(text)).toThrow(reason);
  });
});
