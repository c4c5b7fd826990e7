// `npm run test:release [-- PACKAGES [FOLDER]]`: assembles a release into FOLDER (default: out/loopback), of the packages packed in
// PACKAGES (default: packed anew) and the addon that `npm run build:native` made, publishes it to a registry on loopback, and
// installs it from there as somebody does who has Node and no compiler. All else lies in temporary folders, npm's cache included.
import assert from "node:assert/strict";
import { execFile, execFileSync } from "node:child_process";
import {
  copyFileSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  symlinkSync,
  writeFileSync,
} from "node:fs";
import { tmpdir } from "node:os";
import path from "node:path";
import { after, before, describe, it } from "node:test";
import { fileURLToPath } from "node:url";
import { promisify } from "node:util";
import { packAll } from "../pack-all.mjs";
import { Installation } from "../packages/installation.mjs";
import { installTools } from "../tools.mjs";
import { assemble } from "./assemble.mjs";
import { publish } from "./publish.mjs";
import { startRegistry, toolPath, tools } from "./registry.mjs";

const root = fileURLToPath(new URL("../../", import.meta.url));
const photo = path.join(root, "docs", "images", "fruit-board.jpg");
const own = JSON.parse(readFileSync(path.join(root, "packages/sdk/package.json"), "utf8")).version;
/** What the first release will be, until it was made. */
const VERSION = own === "0.0.0" ? "0.1.0" : own;
const FOREIGN = process.platform === "darwin" ? "@unsam/native-win32-x64" : "@unsam/native-darwin-arm64";
const COMPILERS = ["cc", "c++", "gcc", "g++", "clang", "clang++", "cl", "cmake", "make", "ninja", "python3"];

const PROGRAM = `
async function main({ UnSAM, diagnose }) {
  const { checks } = await diagnose();
  console.log(checks.find(({ name }) => name === "native addon").found);
  await using unsam = await UnSAM.load({ model: "region-tree" });
  const image = await unsam.encode({ data: new Uint8Array(64 * 48 * 3).fill(90, 0, 3000), width: 64, height: 48, channels: 3 });
  const { mask } = await image.segment({ points: [[10, 5]], granularity: 1 });
  console.log(mask.has(10, 5), unsam.model.kernels);
}
`.replace("await using unsam", "const unsam");

/** A folder with the programs that npm needs, and no other. */
function onlyNode(folder) {
  if (process.platform === "win32") return process.env.PATH;
  mkdirSync(folder);
  const find = (name) => execFileSync("sh", ["-c", `command -v ${name}`], { encoding: "utf8" }).trim();
  symlinkSync(process.execPath, path.join(folder, "node"));
  // The last three are asked for by the stubs that pnpm makes of commands.
  for (const name of ["npm", "npx", "sh", "sed", "dirname", "uname"])
    symlinkSync(find(name), path.join(folder, name));
  return folder;
}

describe("the workflow that releases (.github/workflows/release.yml)", () => {
  const file = path.join(root, ".github", "workflows", "release.yml");
  const text = readFileSync(file, "utf8");
  const all = (pattern) => [...text.matchAll(pattern)].map(([, found]) => found);

  it("follows GitHub's schema", () => {
    installTools(tools);
    execFileSync(process.execPath, [toolPath("@action-validator/cli/cli.mjs"), file], { encoding: "utf8" });
    const broken = path.join(mkdtempSync(path.join(tmpdir(), "unsam-workflow-")), "release.yml");
    writeFileSync(broken, text.replace("runs-on:", "runs:"));
    const check = () =>
      execFileSync(process.execPath, [toolPath("@action-validator/cli/cli.mjs"), broken], { stdio: "pipe" });
    assert.throws(check, /runs-on/);
    rmSync(path.dirname(broken), { recursive: true });
  });

  it("names each action by a commit, and only commands that there are", () => {
    const actions = all(/uses: +(\S+)/g);
    assert.ok(actions.length > 5);
    for (const action of actions) assert.match(action, /^[\w-]+\/[\w-]+@[0-9a-f]{40}$/);
    const { scripts } = JSON.parse(readFileSync(path.join(root, "package.json"), "utf8"));
    for (const name of all(/npm run (\S+?)(?=[\s';]|$)/gm)) assert.ok(name in scripts, name);
  });

  it("builds an addon for each platform package but CUDA's", async () => {
    const { PLATFORM_PACKAGES } = await import("../../packages/native-cuda/dist/platforms.js");
    const wanted = PLATFORM_PACKAGES.filter(({ cuda }) => !cuda).map(({ name }) => name.split("/native-")[1]);
    assert.deepEqual(all(/^ +- name: ([a-z0-9]+-[a-z0-9-]+)$/gm), wanted);
  });
});

function packInto(folder) {
  packAll(folder);
  return folder;
}

/** Addons for a release: ours, and something in place of another system's. Returns the name of our platform's package. */
async function addonsIn(folder) {
  // They need the package built.
  const { LOCAL_BUILD, packageOfThisMachine } = await import(
    "../../packages/native-cuda/scripts/check-addon.mjs"
  );
  const { name } = packageOfThisMachine();
  for (const one of [name, FOREIGN]) mkdirSync(path.join(folder, path.basename(one)), { recursive: true });
  copyFileSync(LOCAL_BUILD, path.join(folder, path.basename(name), "unsam.node"));
  writeFileSync(path.join(folder, path.basename(FOREIGN), "unsam.node"), "an addon for another system");
  return name;
}

describe(`the release ${VERSION} from a registry, where there is no compiler`, () => {
  const work = mkdtempSync(path.join(tmpdir(), "unsam-release-test-"));
  const folder = path.resolve(process.argv[3] ?? path.join(root, "out", "loopback"));
  const installations = [];
  let registry;
  let release;
  let platform;
  let pnpm;
  let environment;

  /** An empty folder of somebody who has Node, npm and our registry. */
  const stranger = () => {
    const installed = new Installation(environment);
    installations.push(installed);
    return installed;
  };

  before(async () => {
    installTools(tools);
    pnpm = toolPath("pnpm/bin/pnpm.cjs");
    const packages = process.argv[2] ?? packInto(path.join(work, "packages"));
    platform = await addonsIn(path.join(work, "addons"));
    release = await assemble(folder, { version: VERSION, packages, addons: path.join(work, "addons") });
    registry = await startRegistry(path.join(work, "registry"));
    environment = {
      PATH: onlyNode(path.join(work, "bin")),
      npm_config_registry: registry.address,
      npm_config_userconfig: registry.userconfig,
      npm_config_cache: path.join(work, "npm-cache"),
      npm_config_update_notifier: "false",
      // Where pnpm keeps what it has fetched.
      ...{ XDG_CACHE_HOME: path.join(work, "cache"), XDG_DATA_HOME: path.join(work, "data") },
      XDG_STATE_HOME: path.join(work, "state"),
    };
  });
  after(async () => {
    await registry?.stop();
    for (const installed of installations) installed.remove();
    rmSync(work, { recursive: true, force: true });
  });

  /** What `unsam doctor --json` says of the addon: it comes from the platform's package. */
  const assertPrebuilt = (found) => {
    const place = path.join("node_modules", ...platform.split("/"), "unsam.node");
    assert.ok(found.includes(`(${platform}, `) && found.includes(place), found);
  };

  it("has one version, and each package after what it depends on", () => {
    assert.deepEqual([...new Set(release.map(({ version }) => version))], [VERSION]);
    const names = release.map(({ name }) => name);
    const order = [platform, "@unsam/native-cuda", "@unsam/core", "@unsam/sdk", "@unsam/cli", "unsam"];
    assert.deepEqual(
      names.filter((name) => order.includes(name)),
      order,
    );
  });

  it("is refused where all platforms are asked for and some are missing", async () => {
    const refused = assemble(path.join(work, "complete"), {
      version: VERSION,
      packages: folder,
      complete: true,
    });
    await assert.rejects(refused, /There is no addon for @unsam\/native-/);
  });

  it("is published, and what is there already is left alone", async (test) => {
    const env = { ...process.env, ...environment, PATH: process.env.PATH };
    const first = path.join(folder, release[0].tarball);
    await promisify(execFile)("npm", ["publish", first], { env, shell: process.platform === "win32" });
    const said = [];
    await publish(folder, { registry: registry.address, env }, (line) => said.push(line));
    assert.match(said[0], /is there already/);
    assert.equal(said.filter((line) => line.endsWith(" published")).length, release.length - 1);
    test.diagnostic(said.join("; "));
  });

  it("finds no compiler in PATH", { skip: process.platform === "win32" }, async () => {
    for (const compiler of COMPILERS) {
      await assert.rejects(stranger().run(compiler, "--version"), /ENOENT/, compiler);
    }
  });

  /** Only the platform's package is there, though the release names another one too. */
  const assertOnlyOurs = (installed, folder) => {
    assert.ok(release.some(({ name }) => name === FOREIGN));
    const there = readdirSync(path.join(installed.folder, "node_modules", folder)).filter((name) =>
      /native-(linux|darwin|win32)/.test(name),
    );
    assert.equal(there.length, 1, there.join(", "));
    assert.ok(there[0].includes(path.basename(platform)), there[0]);
  };

  const segment = async (installed, ...command) => {
    const click = ["segment", photo, "--point", "323,123", "--granularity", "0.6", "--json"];
    const { stdout } = await installed.run(...command, ...click);
    const { segment, model } = JSON.parse(stdout);
    assert.ok(segment.area > 1000, `${segment.area} pixels`);
    assert.deepEqual(
      [model.name, model.encoder],
      ["nano", "native"],
      "the default model, with the prebuilt addon",
    );
    return `${segment.area} pixels by ${model.name}`;
  };

  // At a time, for much of it is waiting.
  describe("is installed", { concurrency: true }, () => {
    describe("npm i @unsam/sdk, install scripts on", () => {
      let installed;
      before(async () => {
        installed = stranger();
        await installed.install("@unsam/sdk");
      });

      for (const [how, file, source] of [
        ["import", "import.mjs", 'import * as sdk from "@unsam/sdk";'],
        ["require", "require.cjs", 'const sdk = require("@unsam/sdk");'],
      ]) {
        it(`brings the prebuilt addon: ${how}`, async (test) => {
          installed.write(file, `${source}\n${PROGRAM}main(sdk);\n`);
          const [found, result] = (await installed.run("node", file)).stdout.trim().split("\n");
          assertPrebuilt(found);
          assert.equal(result, "true native");
          test.diagnostic(found);
        });
      }

      it("npx unsam doctor, the command fetched by npx, shows it", async (test) => {
        const { stdout } = await installed.run("npx", "--yes", "unsam", "doctor", "--json");
        const { ok, checks } = JSON.parse(stdout);
        assert.equal(ok, true);
        const { found } = checks.find(({ name }) => name === "native addon");
        assertPrebuilt(found);
        test.diagnostic(found);
      });
    });

    it("npm i @unsam/sdk unsam, install scripts off, brings only the addon that fits: doctor and segment", async (test) => {
      const installed = stranger();
      await installed.run(
        "npm",
        "install",
        "--ignore-scripts",
        "--no-audit",
        "--no-fund",
        "@unsam/sdk",
        "unsam",
      );
      assertOnlyOurs(installed, "@unsam");
      const { stdout } = await installed.run("npx", "--no-install", "unsam", "doctor");
      assertPrebuilt(stdout);
      test.diagnostic(await segment(installed, "npx", "--no-install", "unsam"));
    });

    it("pnpm add @unsam/sdk unsam brings only the addon that fits: doctor and segment", async (test) => {
      const installed = stranger();
      await installed.run("node", pnpm, "add", "@unsam/sdk", "unsam");
      assertOnlyOurs(installed, ".pnpm");
      const { stdout } = await installed.run("node", pnpm, "exec", "unsam", "doctor");
      assertPrebuilt(stdout);
      test.diagnostic(await segment(installed, "node", pnpm, "exec", "unsam"));
      const { stdout: scene } = await installed.run(
        ...["node", pnpm, "exec", "unsam", "everything", photo, "--json"],
      );
      const { masks, model } = JSON.parse(scene);
      assert.equal(model.name, "nano");
      assert.ok(masks.length > 20, `${masks.length} masks`);
    });
  });
});
