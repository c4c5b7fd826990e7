import { cpSync, mkdirSync, mkdtempSync, rmSync, symlinkSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import path from "node:path";
import { Client } from "@modelcontextprotocol/client";
import { StdioClientTransport } from "@modelcontextprotocol/client/stdio";
import { EncodedPhotos, PhotoFolders } from "@unsam/mcp";
import { UnSAM } from "@unsam/sdk";
import { inRepository } from "@unsam/test-support";
import sharp from "sharp";
import { afterAll, beforeAll, describe, expect, it } from "vitest";

/** What an answer says for people. */
function textOf([first]: readonly { readonly type: string; readonly text?: unknown }[]): string {
  return String(first.text);
}

// The official client, and the command as a host starts it.
describe("unsam mcp", () => {
  const folder = mkdtempSync(path.join(tmpdir(), "unsam-mcp-"));
  const photos = path.join(folder, "photos");
  const client = new Client({ name: "test", version: "0.0.0" });
  let said = "";

  beforeAll(async () => {
    mkdirSync(photos);
    cpSync(inRepository("docs", "images", "fruit-board.jpg"), path.join(photos, "fruit.jpg"));
    cpSync(path.join(photos, "fruit.jpg"), path.join(folder, "secret.jpg"));
    symlinkSync(path.join(folder, "secret.jpg"), path.join(photos, "out.jpg"));
    symlinkSync(path.join(photos, "fruit.jpg"), path.join(photos, "in.jpg"));
    writeFileSync(path.join(photos, "poison.jpg"), "This is no JPEG.");
    const main = inRepository("packages", "cli", "bin", "unsam.js");
    const args = [main, "mcp", "--model", "region-tree", "--root", photos, "--no-defaults"];
    const transport = new StdioClientTransport({
      command: process.execPath,
      args,
      stderr: "pipe",
      cwd: folder,
    });
    transport.stderr?.on("data", (text) => {
      said += text;
    });
    await client.connect(transport);
  });
  afterAll(async () => {
    await client.close();
    rmSync(folder, { recursive: true });
  });

  const call = (name: string, input: Record<string, unknown>) =>
    client.callTool({ name, arguments: { image: "fruit.jpg", ...input } });

  it("has four tools that only read", async () => {
    const { tools } = await client.listTools();
    expect(tools.map(({ name }) => name)).toEqual(["segment", "ladder", "everything", "describe_scene"]);
    for (const { annotations, inputSchema, outputSchema } of tools) {
      expect(annotations).toMatchObject({ readOnlyHint: true, destructiveHint: false });
      expect(inputSchema.required).toContain("image");
      expect(outputSchema?.type).toBe("object");
    }
  });

  it("answers with numbers, a sentence and a picture", async () => {
    const { structuredContent, content, isError } = await call("segment", {
      points: [[323, 123]],
      rle: true,
    });
    expect(isError).toBeFalsy();
    expect(structuredContent).toMatchObject({ width: 512, height: 341, rle: { size: [341, 512] } });
    const [, picture] = content as unknown as [unknown, { data: string; mimeType: string }];
    expect(textOf(content)).toMatch(/^One mask of .* % of the photo at granularity /);
    expect(picture.mimeType).toBe("image/jpeg");
    expect(await sharp(Buffer.from(picture.data, "base64")).metadata()).toMatchObject({
      width: 512,
      height: 341,
    });

    const ladder = await call("ladder", { points: [[323, 123]], picture: false });
    const { scales } = ladder.structuredContent as { scales: { share: number; isStable: boolean }[] };
    expect(scales.length).toBeGreaterThan(1);
    expect(scales.filter(({ isStable }) => isStable)).toHaveLength(1);
    expect(ladder.content).toHaveLength(1);

    const everything = await call("everything", { most: 3 });
    const { found, masks } = everything.structuredContent as { found: number; masks: { area: number }[] };
    expect(found).toBeGreaterThan(3);
    expect(masks).toHaveLength(3);
    const scene = await call("describe_scene", { picture: false });
    const told = scene.structuredContent as { text: string; found: number; wholes: { parts: number }[] };
    expect(told.found).toBe(found);
    expect(told.wholes.reduce((sum, { parts }) => sum + 1 + parts, 0)).toBe(found);
    expect(textOf(scene.content)).toBe(told.text);
  });

  it("looks at nothing outside of its folders, and says no more of it than of what is not there", async () => {
    const sentence = async (image: string) => {
      const { isError, content } = await call("segment", { image, points: [[1, 1]] });
      expect(isError, image).toBe(true);
      return textOf(content);
    };
    const missing = await sentence("none.jpg");
    expect(missing).toMatch(/^There is no photo “none\.jpg” in the folders that may be read/);
    const outside = [
      "out.jpg",
      "../secret.jpg",
      path.join(folder, "secret.jpg"),
      "/etc/passwd",
      "../photos/../secret.jpg",
    ];
    for (const image of [...outside, ".", "a\0b"]) {
      expect((await sentence(image)).replace(/“.*?”/, "“none.jpg”")).toBe(missing);
    }
    expect(await sentence("poison.jpg")).toMatch(/^The photo poison\.jpg /);
    // A link within is a photo of the folder.
    expect(
      (await call("segment", { image: "in.jpg", points: [[1, 1]], picture: false })).isError,
    ).toBeFalsy();
  });

  it("says in one sentence what is wrong with a prompt, and goes on", async () => {
    for (const [input, expected] of [
      [{}, /^There is no prompt; give points, a box, or both\.$/],
      [{ points: [[5000, 1]] }, /5000/],
      [{ points: [[1, 1]], colour: "red" }, /colour/],
    ] as const) {
      const { isError, content } = await call("segment", input);
      expect(isError).toBe(true);
      expect(textOf(content)).toMatch(expected);
    }
    // But for the line that tells of a step that takes more than a second.
    expect(said.replace(/^- .*\n/gm, "")).toBe("");
    expect((await client.listTools()).tools).toHaveLength(4);
  });
});

describe("photos that assistants look at", () => {
  const folder = mkdtempSync(path.join(tmpdir(), "unsam-mcp-cache-"));
  afterAll(() => rmSync(folder, { recursive: true }));

  it("are encoded once, by what they hold and not by their names, until others need the room", async () => {
    const { signal } = new AbortController();
    const paint = async (name: string, red: number) =>
      sharp({ create: { width: 64, height: 48, channels: 3, background: { r: red, g: 90, b: 40 } } })
        .png()
        .toFile(path.join(folder, name));
    await paint("a.png", 10);
    await paint("b.png", 200);
    cpSync(path.join(folder, "a.png"), path.join(folder, "copy-of-a.png"));
    await using unsam = await UnSAM.load({ model: "region-tree" });
    const folders = await PhotoFolders.open([folder]);
    const imageOf = (images: EncodedPhotos, name: string) => images.use(name, signal, async (image) => image);

    await using roomy = new EncodedPhotos(unsam, folders);
    const first = await imageOf(roomy, "a.png");
    await imageOf(roomy, "b.png");
    expect(await imageOf(roomy, "copy-of-a.png")).toBe(first);

    // Room for one.
    await using narrow = new EncodedPhotos(unsam, folders, { cacheBytes: first.bytes });
    const gone = await imageOf(narrow, "a.png");
    await imageOf(narrow, "b.png");
    await expect(gone.segment({ points: [[5, 5]] })).rejects.toMatchObject({ code: "E_DISPOSED" });
    expect(await imageOf(narrow, "a.png")).not.toBe(gone);
    const tooLarge = new EncodedPhotos(unsam, folders, { maxPixels: 1000 });
    await expect(imageOf(tooLarge, "a.png")).rejects.toMatchObject({ code: "E_BAD_IMAGE" });
    await tooLarge[Symbol.asyncDispose]();
  });
});
