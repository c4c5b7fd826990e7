import { halfOf, takeHalf } from "@unsam/evaluation";
import { describe, expect, it } from "vitest";

describe("the halves of a data set", () => {
  it("are fixed for ever: names stay where they are", () => {
    // From `printf NAME | sha256sum`: the lowest bit of the first byte.
    expect(["a", "b", "c", "d", "e"].map(halfOf)).toEqual([
      "development", // ca
      "development", // 3e
      "development", // 2e
      "development", // 18
      "report", // 3f
    ]);
  });

  it("share the images out, about evenly, whatever else a set holds", () => {
    const images = Array.from({ length: 1000 }, (_, k) => ({ name: `image-${k}` }));
    const dataset = { name: "s", images } as unknown as Parameters<typeof takeHalf>[0];
    const [development, report] = (["development", "report"] as const).map((half) => takeHalf(dataset, half));
    expect(development.images.length).toBeGreaterThan(440);
    expect(report.images.length).toBeGreaterThan(440);
    expect(new Set([...development.images, ...report.images]).size).toBe(1000);
    expect(takeHalf(dataset, "all")).toBe(dataset);
    const few = takeHalf({ ...dataset, images: dataset.images.slice(500) }, "report");
    expect(few.images).toEqual(report.images.filter((image) => dataset.images.indexOf(image) >= 500));
  });
});
