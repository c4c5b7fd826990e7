import { describe, expect, it } from "vitest";
import { csvText } from "#evaluation/report/csv.js";
import { latexTables, latexText } from "#evaluation/report/latex.js";

describe("tables for others", () => {
  it("are CSV whose cells hold whatever a name may", () => {
    const text = csvText(
      ["a", "b"],
      [
        ['x,"y"\nz', null],
        [0.1, -3],
      ],
    );
    expect(text).toBe('a,b\n"x,""y""\nz",\n0.1,-3\n');
  });

  it("are LaTeX whose signs mean nothing else", () => {
    expect(latexText("a_b & 5 % of {x}\\~^ – −1 #$")).toBe(
      "a\\_b \\& 5 \\% of \\{x\\}\\textbackslash{}\\textasciitilde{}\\textasciicircum{} -- $-$1 \\#\\$",
    );
    const table = { title: "T", note: "n%", columns: ["a", "b", "c"], rows: [["x_1", "y", "2"]] };
    const text = latexTables([table]);
    expect(text).toContain("\\begin{tabular}{llr}");
    expect(text).toContain("x\\_1 & y & 2 \\\\");
    expect(text).toContain("\\caption{T. n\\%}");
  });
});
