import { mkdirSync, writeFileSync } from "node:fs";
import path from "node:path";
import type { UnSAM } from "@unsam/sdk";
import sharp from "sharp";

/** Photos of two plain regions on a plain ground, each another one. Returns their paths. */
export async function paintPhotos(folder: string, count: number, width = 96, height = 72): Promise<string[]> {
  mkdirSync(folder, { recursive: true });
  const files: string[] = [];
  for (let i = 0; i < count; i++) {
    const svg = `<svg xmlns="http://www.w3.org/2000/svg" width="${width}" height="${height}">
      <rect width="100%" height="100%" fill="rgb(${i % 200}, 90, ${Math.floor(i / 200)})"/>
      <rect x="${5 + (i % 9)}" y="10" width="30" height="40" fill="rgb(220, 40, 40)"/>
      <circle cx="70" cy="${25 + (i % 20)}" r="15" fill="rgb(40, 200, 240)"/>
    </svg>`;
    const file = path.join(folder, `${String(i).padStart(4, "0")}.png`);
    writeFileSync(file, await sharp(Buffer.from(svg)).png().toBuffer());
    files.push(file);
  }
  return files;
}

/** What one process alone writes for a photo: its scene, and its annotations. */
export async function writeAlone(unsam: UnSAM, photo: string, out: string): Promise<void> {
  await using image = await unsam.encode(photo);
  const scene = await image.everything();
  await scene.save(`${out}.json`);
  await scene.export(`${out}.coco.json`, { format: "coco", fileName: path.basename(photo) });
}
