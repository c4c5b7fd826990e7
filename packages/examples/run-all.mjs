// Runs every example on a photo of the repository, as CI does.
import { execFileSync } from "node:child_process";
import { mkdtempSync, rmSync, statSync } from "node:fs";
import { tmpdir } from "node:os";
import path from "node:path";
import { fileURLToPath } from "node:url";

const photo = fileURLToPath(new URL("../../docs/images/dragonfruit.jpg", import.meta.url));
const folder = mkdtempSync(path.join(tmpdir(), "unsam-examples-"));

/** Each example, its arguments, and the file it must leave. */
const examples = [
  ["click-to-cutout.mjs", [photo, "211", "144", "0.5", "cutout.png"], "cutout.png"],
  ["ladder-sheet.mjs", [photo, "211", "144", "ladder.png"], "ladder.png"],
];

try {
  for (const [script, args, result] of examples) {
    const file = fileURLToPath(new URL(script, import.meta.url));
    execFileSync(process.execPath, [file, ...args], { cwd: folder, stdio: "inherit" });
    if (statSync(path.join(folder, result)).size === 0) throw new Error(`${script} left an empty ${result}.`);
  }
} finally {
  rmSync(folder, { recursive: true, force: true });
}
