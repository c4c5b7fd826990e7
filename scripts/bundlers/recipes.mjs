// What the tests of docs/bundlers.md share: its files and commands, an installed release, and a request.
import assert from "node:assert/strict";
import { execFileSync } from "node:child_process";
import { mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import path from "node:path";
import { fileURLToPath } from "node:url";
import { commandsOf, readBlocks } from "../docs/read-blocks.mjs";
import { assemble } from "../release/assemble.mjs";

const root = fileURLToPath(new URL("../../", import.meta.url));
export const photo = path.join(root, "docs", "images", "fruit-board.jpg");
const NEEDED = /^unsam-(sdk|core|model-nano|native-.*)-\d.*\.tgz$/;
const ANSWER_LIMIT_MS = 60_000;
const blocks = readBlocks(root, "docs/bundlers.md");

/** The file of the document that begins with its name as a comment. */
export function fileNamed(name) {
  return blocks.find(({ body }) => body.startsWith(`// ${name}\n`)).body;
}

/** Puts files of the document into an installation. */
export function writeFiles(installed, ...names) {
  for (const name of names) {
    mkdirSync(path.dirname(path.join(installed.folder, name)), { recursive: true });
    installed.write(name, fileNamed(name));
  }
}

/** What follows `npx BUNDLER` in the document. */
export function argumentsOf(bundler) {
  const found = blocks.flatMap(commandsOf).find(({ command }) => command.startsWith(`npx ${bundler} `));
  return found.command.split(" ").slice(2);
}

/** Installs the SDK with this machine's addon from the tarballs in `given` (undefined: of a release made for it), and `more`. */
export async function installRelease(installed, given, ...more) {
  const work = mkdtempSync(path.join(tmpdir(), "unsam-bundlers-"));
  try {
    const folder = path.resolve(given ?? work);
    if (given === undefined) await assemble(folder);
    const own = platformName();
    const tarballs = readdirSync(folder).filter(
      (name) => NEEDED.test(name) && (!/native-(linux|darwin|win32)/.test(name) || name.includes(own)),
    );
    await installed.install(...tarballs.map((name) => path.join(folder, name)), ...more);
  } finally {
    rmSync(work, { recursive: true, force: true });
  }
}

/** The last part of the name of this machine's addon package. */
function platformName() {
  const checkAddon = "./packages/native-cuda/scripts/check-addon.mjs";
  const script = `import { packageOfThisMachine } from "${checkAddon}"; console.log(packageOfThisMachine().name)`;
  const options = { cwd: root, encoding: "utf8" };
  return path.basename(execFileSync(process.execPath, ["--input-type=module", "-e", script], options).trim());
}

/** Asks a server of the document for the mask under a click, and holds it to an answer of nano with the addon. */
export async function assertAnswers(address) {
  const signal = AbortSignal.timeout(ANSWER_LIMIT_MS);
  const body = readFileSync(photo);
  const response = await fetch(`${address}?x=323&y=123`, { method: "POST", body, signal });
  const text = await response.text();
  assert.equal(response.status, 200, text);
  const { area, model, encoder } = JSON.parse(text);
  assert.ok(area > 1000, `${area} pixels`);
  assert.deepEqual({ model, encoder }, { model: "nano", encoder: "native" });
}
