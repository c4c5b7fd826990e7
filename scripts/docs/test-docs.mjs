// `npm run test:docs`: copies the repository as a clone would, runs the first command of the README there, and then all commands
// and snippets of README, docs and package READMEs as they are written, and follows their links.
import assert from "node:assert/strict";
import { execFile, execFileSync } from "node:child_process";
import { cpSync, existsSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import path from "node:path";
import { after, before, describe, it } from "node:test";
import { fileURLToPath } from "node:url";
import { promisify } from "node:util";
import { cleanEnvironment } from "../packages/installation.mjs";
import { commandsOf, readBlocks, snippetOf } from "./read-blocks.mjs";
import { programOf } from "./snippet-program.mjs";

const root = fileURLToPath(new URL("../../", import.meta.url));
const ours = "https://github.com/unsam/unsam-node/blob/main/";
const git = (...args) => execFileSync("git", args, { cwd: root, encoding: "utf8" }).trim().split("\n");
const tracked = git("ls-files", "-co", "--exclude-standard").filter((file) =>
  existsSync(path.join(root, file)),
);
const documents = tracked.filter(
  (file) =>
    /^([A-Z]+\.md|docs\/.*\.md|packages\/[^/]+\/README\.md)$/.test(file) && file !== "CONTRIBUTING.md",
);
documents.sort((a, b) => Number(b === "README.md") - Number(a === "README.md"));
const blocks = documents.flatMap((file) => readBlocks(root, file));
const [first, ...commands] = blocks.flatMap(commandsOf);
const snippets = blocks.map(snippetOf).filter((snippet) => snippet !== null);

const clone = mkdtempSync(path.join(tmpdir(), "unsam-clone-"));
const at = (...names) => path.join(clone, ...names);

/** A command line as a reader types it. */
async function shell(command) {
  const env = { ...cleanEnvironment, UNSAM_CACHE: at("out", "cache") };
  try {
    return await promisify(execFile)("bash", ["-c", command], { cwd: clone, env, maxBuffer: 2 ** 26 });
  } catch ({ code, stdout, stderr }) {
    throw new Error(`\`${command}\` ended with ${code}:\n${stdout.slice(-2000)}${stderr.slice(-4000)}`);
  }
}

const ran = new Map();
/** Runs a command of a document; where another document has the very same one, once for both. */
function runOnce(command) {
  if (!ran.has(command)) ran.set(command, shell(command));
  return ran.get(command);
}

/** What the reader brings along: photos under the names that the documents use. */
function bringPhotos() {
  for (const name of ["street.jpg", "photo.jpg", "new.png", "a.png", "b.png"]) {
    cpSync(path.join(root, "docs/images/fruit-board.jpg"), at(name));
  }
  mkdirSync(at("photos"), { recursive: true });
  for (const name of ["juice.jpg", "dragonfruit.jpg"])
    cpSync(path.join(root, "docs/images", name), at("photos", name));
}

/** All names that an entry of a package exports, types too. */
function exportedBy(entry) {
  const [, name, room = ""] = /^(@unsam\/\w+)\/?(.*)$/.exec(entry);
  const read = (file) => {
    const text = readFileSync(file, "utf8");
    const lists = [...text.matchAll(/export (?:type )?\{([^}]*)\}/g)].flatMap(([, list]) => list.split(","));
    const own = [...text.matchAll(/export (?:declare )?(?:interface|type|class|function|const) (\w+)/g)];
    const deeper = [...text.matchAll(/export \* from "(\.[^"]+)\.js"/g)].flatMap(([, inner]) =>
      read(path.resolve(path.dirname(file), `${inner}.d.ts`)),
    );
    return [...lists.map((one) => one.trim().replace(/^type /, "")), ...own.map(([, one]) => one), ...deeper];
  };
  const index = at("node_modules", ...name.split("/"), "dist", room, "index.d.ts");
  return [...new Set(read(index))].filter((one) => one !== "");
}

const helps = new Map();
/** What cannot run must still be something that could: a script that is there, flags that the help knows. */
async function check(command) {
  const [, program, name, rest = ""] = /^(?:npx )?(\S+)(?: (\S+))?(.*)$/s.exec(command);
  if (program === "npm") {
    const { scripts } = JSON.parse(readFileSync(path.join(root, "package.json"), "utf8"));
    if (name === "run")
      assert.ok(scripts[rest.trim().split(/\s/)[0]], `There is no script for \`${command}\`.`);
    else assert.ok(name === "test" || name === "i", command);
  } else if (program === "node") assert.ok(existsSync(path.join(root, name)), `${name} is not there.`);
  else if (program === "unsam") {
    if (!helps.has(name))
      helps.set(
        name,
        shell(`npx unsam ${name} --help`).then(({ stdout }) => stdout),
      );
    const help = await helps.get(name);
    for (const [flag] of rest.split(" -- ")[0].matchAll(/--[a-z][a-z-]+/g))
      assert.ok(help.includes(flag), `${name} has no ${flag}.`);
  }
}

describe("README, docs and package READMEs, in a fresh clone", () => {
  before(async () => {
    for (const file of tracked) {
      mkdirSync(path.dirname(at(file)), { recursive: true });
      cpSync(path.join(root, file), at(file), { verbatimSymlinks: true });
    }
    await shell(first.command);
    bringPhotos();
  });
  after(() => rmSync(clone, { recursive: true, force: true }));

  it("begin with a command that makes an overlay", () => assert.ok(existsSync(at("out", "overlay.png"))));

  const nameOf = ({ where, language }) => `${where.replace(/\W/g, "-")}.${language === "ts" ? "mts" : "mjs"}`;

  it("have code that compiles, all of it", async () => {
    const entries = ["sdk", "core/families", "core/engine", "core/models"].map((entry) => `@unsam/${entry}`);
    const exported = entries.map((entry) => [entry, exportedBy(entry)]);
    const { stdout } = await shell(`node -p "Object.keys(require('@unsam/sdk')).join(' ')"`);
    const values = stdout.trim().split(" ");
    const folder = at("out", "snippets");
    mkdirSync(folder, { recursive: true });
    for (const snippet of snippets) {
      const { language, body } = snippet;
      const program = language === "ts" ? programOf(body, values, exported) : body;
      writeFileSync(path.join(folder, nameOf(snippet)), program);
    }
    const ambient = ["reader.d.mts", "patches.d.mts"];
    for (const name of ambient) cpSync(path.join(root, "scripts/docs", name), path.join(folder, name));
    const compilerOptions = {
      ...{ strict: true, noImplicitAny: false, skipLibCheck: true, allowJs: true, checkJs: true },
      ...{
        module: "nodenext",
        target: "es2022",
        types: ["node"],
        lib: ["es2023", "dom", "esnext.disposable"],
      },
      ...{ rootDir: ".", outDir: "compiled" },
    };
    const settings = { compilerOptions, files: [...snippets.map(nameOf), ...ambient] };
    writeFileSync(path.join(folder, "tsconfig.json"), JSON.stringify(settings));
    await shell("npx tsc -p out/snippets/tsconfig.json");
  });

  it("have JSON that is JSON", () => {
    for (const { where, language, body, sketch } of blocks)
      if (language === "json" && !sketch) assert.doesNotThrow(() => JSON.parse(body), where);
  });

  it("name every error code, with what to do", () => {
    const source = readFileSync(path.join(root, "packages/core/src/errors.ts"), "utf8");
    const codes = [...source.matchAll(/\| "(E_[A-Z_]+)"/g)].map(([, code]) => code);
    const table = readFileSync(path.join(root, "docs/troubleshooting.md"), "utf8");
    const told = [...table.matchAll(/^\| `(E_[A-Z_]+)` \| \S.* \| \S.* \|$/gm)].map(([, code]) => code);
    assert.ok(codes.length > 10);
    assert.deepEqual(told.toSorted(), codes.toSorted());
  });

  it("link to what is there, and READMEs of packages in a way that works on a registry", () => {
    const broken = [];
    for (const file of documents) {
      const text = readFileSync(path.join(root, file), "utf8").replace(/^```[\s\S]*?^```/gm, "");
      for (const [, link] of text.matchAll(/\]\(([^)\s]+)\)/g)) {
        const target = link.split("#")[0];
        if (target === "") continue;
        const away = /^https?:/.test(target);
        if (away && !target.startsWith(ours)) continue;
        const found = away
          ? path.join(root, target.slice(ours.length))
          : path.resolve(root, path.dirname(file), target);
        if (!existsSync(found)) broken.push(`${file}: ${link}`);
        if (!away && file.startsWith("packages/")) broken.push(`${file}: ${link} is relative`);
      }
    }
    assert.deepEqual(broken, []);
  });

  // Two documents at a time, for much of it is waiting for a program to start; each in its order.
  describe("are followed to the letter", { concurrency: 2 }, () => {
    for (const file of documents) {
      const ofThis = (list) => list.filter(({ where }) => where.startsWith(`${file}:`));
      if (ofThis(commands).length + ofThis(snippets).length === 0) continue;
      describe(file, { concurrency: 1 }, () => {
        for (const { where, command, synopsis, runs } of ofThis(commands)) {
          if (synopsis || !runs) it(`${where}: could run: ${command.slice(0, 90)}`, () => check(command));
          else it(`${where}: ${command}`, () => runOnce(command));
        }
        for (const snippet of ofThis(snippets).filter(({ runs }) => runs)) {
          const compiled = `out/snippets/compiled/${nameOf(snippet).replace(".mts", ".mjs")}`;
          it(`${snippet.where}: runs`, () => shell(`node ${compiled}`));
        }
      });
    }
  });
});
