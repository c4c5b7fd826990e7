// Runs every example on photos of the repository, as CI does.
import { execFileSync } from "node:child_process";
import { mkdtempSync, rmSync, statSync } from "node:fs";
import { tmpdir } from "node:os";
import path from "node:path";
import { fileURLToPath } from "node:url";

const images = fileURLToPath(new URL("../../docs/images", import.meta.url));
const photo = path.join(images, "dragonfruit.jpg");
const other = path.join(images, "fruit-board.jpg");
const folder = mkdtempSync(path.join(tmpdir(), "unsam-examples-"));

/** Each example, its arguments, and a file it must leave (null: it checks itself). */
const examples = [
  ["click-to-cutout.mjs", [photo, "211", "144", "0.5", "cutout.png"], "cutout.png"],
  ["ladder-sheet.mjs", [photo, "211", "144", "ladder.png"], "ladder.png"],
  ["whole-scene.mjs", [photo, "scene"], "scene/scene.json"],
  ["track-clip.mjs", [other, "323", "123", "track"], "track/overlay.gif"],
  ["batch-folder.mjs", [images, "batch"], "batch/juice.jpg.json"],
  ["click-service/try-out.mjs", [photo, other], null],
  // Patient clients: the machine of a CI run has other things to do.
  ["click-service/try-out-load.mjs", [photo, "30"], null],
];

try {
  for (const [script, args, result] of examples) {
    const file = fileURLToPath(new URL(script, import.meta.url));
    execFileSync(process.execPath, [file, ...args], { cwd: folder, stdio: "inherit" });
    if (result === null) continue;
    if (statSync(path.join(folder, result)).size === 0) throw new Error(`${script} left an empty ${result}.`);
  }
} finally {
  rmSync(folder, { recursive: true, force: true });
}
