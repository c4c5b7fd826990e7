// `npm run test:bundlers [-- FOLDER]`: installs a release (its tarballs lie in FOLDER, else it is assembled anew, with the addon that
// `npm run build:native` made) in an empty folder, bundles the server of docs/bundlers.md there as the recipes say, and asks it.
import assert from "node:assert/strict";
import { fork, spawn } from "node:child_process";
import { once } from "node:events";
import path from "node:path";
import { createInterface } from "node:readline";
import { after, before, describe, it } from "node:test";
import { fileURLToPath } from "node:url";
import { cleanEnvironment, Installation } from "../packages/installation.mjs";
import { installTools } from "../tools.mjs";
import { argumentsOf, assertAnswers, fileNamed, installRelease, photo, writeFiles } from "./recipes.mjs";

const tools = fileURLToPath(new URL("tools/", import.meta.url));
const bin = (name) => path.join(tools, "node_modules", ".bin", name);

describe("docs/bundlers.md, from tarballs in an empty folder", () => {
  const installed = new Installation();
  after(() => installed.remove());
  before(async () => {
    installTools(tools);
    await installRelease(installed, process.argv[2]);
    writeFiles(installed, "server.mjs", "webpack.config.mjs");
  });

  /** Starts a bundled server, asks it, and ends it. */
  async function assertServes(file) {
    const env = { ...cleanEnvironment, UNSAM_CACHE: path.join(installed.folder, "cache"), PORT: "0" };
    const stdio = ["ignore", "pipe", "inherit"];
    const server = spawn(process.execPath, [file], { cwd: installed.folder, env, stdio });
    try {
      const { value } = await createInterface({ input: server.stdout })[Symbol.asyncIterator]().next();
      assert.ok(value, `${file} ended before it listened.`);
      await assertAnswers(`http://127.0.0.1:${JSON.parse(value).port}/`);
    } finally {
      server.kill();
    }
  }

  it("esbuild: the server starts and answers, with nano and the addon", async () => {
    await installed.run(bin("esbuild"), ...argumentsOf("esbuild"));
    await assertServes("dist/server.mjs");
  });

  it("esbuild as CommonJS: the server starts and answers", async () => {
    const server = fileNamed("server.mjs").replace("const unsam", "async function main() {\nconst unsam");
    installed.write("in-function.mjs", `${server}}\nmain();\n`);
    const [, ...flags] = argumentsOf("esbuild").filter((flag) => !flag.startsWith("--outfile"));
    const asCommonJs = flags.map((flag) => flag.replace("=esm", "=cjs"));
    await installed.run(
      bin("esbuild"),
      "in-function.mjs",
      ...asCommonJs,
      "--outfile=dist/server-commonjs.cjs",
    );
    await assertServes("dist/server-commonjs.cjs");
  });

  it("webpack: the server starts and answers, with nano and the addon", async () => {
    await installed.run(bin("webpack"), ...argumentsOf("webpack"));
    await assertServes("dist/server.cjs");
  });

  it("a bundle that swallowed the SDK ends at its start and names the way out", async () => {
    const [entry, ...flags] = argumentsOf("esbuild").filter((flag) => !/^--(external|outfile)/.test(flag));
    await installed.run(bin("esbuild"), entry, ...flags, "--outfile=dist/swallowed.mjs", "--log-level=error");
    await assert.rejects(installed.run("node", "dist/swallowed.mjs"), (error) => {
      assert.match(error.message, /E_UNSUPPORTED/);
      assert.match(error.message, /--external:@unsam\/sdk.*serverExternalPackages.*docs\/bundlers\.md/);
      return true;
    });
    // As CommonJS esbuild refuses to build it; the line of ours that it shows says why.
    const asCommonJs = flags.map((flag) => flag.replace("=esm", "=cjs"));
    const build = installed.run(bin("esbuild"), entry, ...asCommonJs, "--outfile=dist/swallowed.cjs");
    await assert.rejects(build, /Make @unsam\/sdk external/);
  });

  it("Electron: the utility process answers from app.asar.unpacked (with Node, and its messages)", async () => {
    const folder = "resources/app.asar.unpacked";
    writeFiles(installed, "segmenter.mjs");
    const electron = `process.parentPort = {
      on: (name, listener) => process.on(name, (data) => listener({ data })),
      postMessage: (message) => process.send(message),
    };\n`;
    await installed.run("node", "-e", `require("node:fs").mkdirSync("${folder}", { recursive: true })`);
    installed.write(`${folder}/electron.mjs`, electron);
    installed.write(`${folder}/segmenter.mjs`, `import "./electron.mjs";\n${fileNamed("segmenter.mjs")}`);
    const env = { ...cleanEnvironment, UNSAM_CACHE: path.join(installed.folder, "cache") };
    const options = { cwd: installed.folder, env, serialization: "advanced" };
    const segmenter = fork(path.join(installed.folder, folder, "segmenter.mjs"), options);
    try {
      segmenter.send({ photo, click: [323, 123], granularity: 0.6 });
      const [{ area, model, png, error }] = await once(segmenter, "message");
      assert.equal(error, undefined);
      assert.ok(area > 1000 && model === "nano" && png.length > 100, `${area} pixels by ${model}`);
    } finally {
      segmenter.kill();
    }
  });
});
