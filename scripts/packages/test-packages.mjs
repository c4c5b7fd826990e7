// `npm run test:packages [-- FOLDER]`: installs our packages from tarballs (of FOLDER, else packed anew) in an empty folder, with
// install scripts on and nothing but the npm registry, and uses them there as a stranger would.
import assert from "node:assert/strict";
import { readdirSync } from "node:fs";
import path from "node:path";
import { after, before, describe, it } from "node:test";
import { fileURLToPath } from "node:url";
import { packAll, publishedPackages } from "../pack-all.mjs";
import { Installation } from "./installation.mjs";

const root = fileURLToPath(new URL("../../", import.meta.url));
const photo = path.join(root, "docs", "images", "fruit-board.jpg");
const given = process.argv[2];

/** What an installation may take on disk: everything that runs on a processor, without ONNX Runtime and CUDA. */
const MEGABYTES = 60;

/** Imports every entry with types of every package. */
function everyEntry() {
  const entries = publishedPackages().flatMap(({ manifest }) =>
    Object.entries(manifest.exports ?? {})
      .filter(([, target]) => target.types)
      .map(([entry]) => `${manifest.name}${entry.slice(1)}`),
  );
  assert.ok(entries.length > 25);
  return entries.map((entry, i) => `export * as entry${i} from "${entry}";\n`).join("");
}

const PROGRAM = `
const { width, height } = { width: 64, height: 48 };
const data = new Uint8Array(width * height * 3).map((_, i) => (Math.floor(i / 3) % width < 32 ? 40 : 200));
async function main(UnSAM) {
  const unsam = await UnSAM.load({ model: "region-tree" });
  const image = await unsam.encode({ data, width, height, channels: 3 });
  const { mask } = await image.segment({ points: [[10, 10]], granularity: 1 });
  console.log(mask.width, mask.height, mask.has(10, 10));
  await unsam.dispose();
}
`;

const TYPED = `
import { EncodedImage, type LoadOptions, SceneHierarchy, UnSAM, UnSAMError } from "@unsam/sdk";

const options: LoadOptions = { model: "region-tree" };
export async function cutOut(photo: string): Promise<Uint8Array> {
  await using unsam = await UnSAM.load(options);
  const image: EncodedImage = await unsam.encode(photo);
  const { mask } = await image.segment({ points: [[1, 2]], granularity: "auto" });
  const scene: SceneHierarchy = await image.everything();
  // @ts-expect-error there is no such option: the types are there, and not any
  await image.segment({ pionts: [] });
  if (scene.at(0.5).owner(1, 2) === null) throw new UnSAMError("E_BAD_OPTION", "none");
  return mask.toPNG();
}
`;

const settings = (module, moduleResolution, file) => ({
  compilerOptions: {
    ...{ strict: true, noEmit: true, skipLibCheck: false, target: "es2022", types: [] },
    ...{ lib: ["es2023", "esnext.disposable"], module, moduleResolution },
    // What a stranger may have turned on beyond `strict`.
    ...{ exactOptionalPropertyTypes: true, noUncheckedIndexedAccess: true },
    noPropertyAccessFromIndexSignature: true,
  },
  files: [file],
});

describe("packages from tarballs, in an empty folder", () => {
  const installed = new Installation();
  let required;
  let service;
  let studio;
  let queue;
  let mcp;
  after(() => installed.remove());
  before(async () => {
    const tarballs = given
      ? readdirSync(given).filter((name) => name.endsWith(".tgz"))
      : packAll(path.join(root, "out", "packages")).map(({ tarball }) => path.basename(tarball));
    const folder = path.resolve(given ?? path.join(root, "out", "packages"));
    const files = tarballs.map((name) => path.join(folder, name));
    // The service is for those who want one (docs/decisions/0027-service.md).
    const named = (start) => files.filter((file) => path.basename(file).startsWith(start));
    service = named("unsam-server-");
    // So is the studio (docs/decisions/0030-studio.md).
    studio = named("unsam-studio-");
    // And the queue (docs/decisions/0031-queue.md).
    queue = named("unsam-queue-");
    // And the tools of the Model Context Protocol (docs/decisions/0032-mcp.md).
    mcp = named("unsam-mcp-");
    const optional = [...service, ...studio, ...queue, ...mcp];
    required = files.filter((file) => !optional.includes(file));
    await installed.install(...required);
  });

  it(`take at most ${MEGABYTES} MB with all they need`, async (test) => {
    const megabytes = await installed.megabytes();
    test.diagnostic(`${megabytes.toFixed(1)} MB`);
    assert.ok(megabytes < MEGABYTES, `${megabytes.toFixed(1)} MB`);
  });

  it("say how to install the service, the queue and the tools, and find them then", async () => {
    const command = ["npx", "--no-install", "unsam", "serve", "--model", "region-tree"];
    const progress = ["npx", "--no-install", "unsam", "queue", "status", "--redis", "redis://127.0.0.1:1"];
    await assert.rejects(installed.run(...command), /npm i @unsam\/server/);
    await assert.rejects(installed.run(...progress), /npm i @unsam\/queue/);
    const tools = [
      "npx",
      "--no-install",
      "unsam",
      "mcp",
      "--model",
      "region-tree",
      "--root",
      "no-such-folder",
    ];
    await assert.rejects(installed.run(...tools), /npm i @unsam\/mcp/);
    await installed.install(...service, ...queue, ...mcp);
    await assert.rejects(installed.run(...tools), /There is no folder “no-such-folder”/);
    await assert.rejects(installed.run(...progress), /Redis does not answer at redis:\/\/127\.0\.0\.1:1 /);
    // Beyond this machine it takes tokens: a refusal of the service itself.
    await assert.rejects(installed.run(...command, "--host", "0.0.0.0"), /give tokens/);
  });

  it("say how to install the studio, and serve its page then", async () => {
    const command = ["npx", "--no-install", "unsam", "studio", "--model", "region-tree", "--no-open"];
    await assert.rejects(installed.run(...command), /npm i @unsam\/studio/);
    await installed.install(...studio);
    installed.write(
      "studio.mjs",
      `import { startStudio } from "@unsam/studio";
      const studio = await startStudio({ load: { model: "region-tree" } });
      const page = await (await fetch(studio.address)).text();
      const files = [...page.matchAll(/(?:src|href)="\\.\\/([^"]+)"/g)].map(([, name]) => name);
      const found = await Promise.all(files.map(async (name) => (await fetch(studio.address + "/" + name)).status));
      console.log(files.length > 2, found.every((status) => status === 200));
      await studio.stop();\n`,
    );
    assert.equal((await installed.run("node", "studio.mjs")).stdout, "true true\n");
  });

  it("work when imported", async () => {
    installed.write("import.mjs", `import { UnSAM } from "@unsam/sdk";\n${PROGRAM}await main(UnSAM);\n`);
    assert.equal((await installed.run("node", "import.mjs")).stdout, "64 48 true\n");
  });

  it("work when required", async () => {
    installed.write("require.cjs", `const { UnSAM } = require("@unsam/sdk");\n${PROGRAM}main(UnSAM);\n`);
    assert.equal((await installed.run("node", "require.cjs")).stdout, "64 48 true\n");
  });

  for (const [module, resolution] of [
    ["nodenext", "nodenext"],
    ["esnext", "bundler"],
  ]) {
    it(`have types that need nothing undeclared (strict, ${resolution}, no skipLibCheck)`, async () => {
      installed.write("sdk.mts", TYPED);
      installed.write("entries.mts", everyEntry());
      // Without those that import sharp, whose types bring those of Node along.
      installed.write(
        "alone.mts",
        ["checkpoint", "files", "graph"].map((name) => `export * from "@unsam/core/${name}";\n`).join(""),
      );
      const tsc = path.join(root, "node_modules", ".bin", "tsc");
      for (const file of ["sdk.mts", "entries.mts", "alone.mts"]) {
        installed.write("tsconfig.json", JSON.stringify(settings(module, resolution, file)));
        await installed.run(tsc, "-p", "tsconfig.json");
      }
    });
  }

  it("bring the command: npx unsam doctor", async () => {
    const { stdout } = await installed.run("npx", "--no-install", "unsam", "doctor", "--json");
    const { ok, checks } = JSON.parse(stdout);
    assert.equal(ok, true);
    assert.equal(checks.find(({ name }) => name === "ONNX Runtime").ok, false, "it is no dependency");
  });

  it("bring the command: npx unsam segment", async () => {
    const click = ["segment", photo, "--point", "323,123", "--granularity", "0.6"];
    const { stdout, stderr } = await installed.run("npx", "--no-install", "unsam", ...click, "--json");
    const { segment, model } = JSON.parse(stdout);
    assert.ok(segment.area > 1000);
    assert.equal(
      model.name,
      "region-tree",
      "the default model needs the addon or ONNX Runtime, and neither is there",
    );
    assert.equal(
      stderr.match(/^unsam: The model is region-tree\. It stands in for "nano"/gm)?.length,
      1,
      stderr,
    );
  });

  it("say what is missing where optional dependencies were left out", async () => {
    const bare = new Installation();
    after(() => bare.remove());
    await bare.install("--omit=optional", ...required);
    const command = ["npx", "--no-install", "unsam"];
    await assert.rejects(bare.run(...command, "segment", photo, "--point", "323,123"), (error) => {
      assert.match(error.message, /unsam: sharp, which reads and writes photos, .*--include=optional/);
      assert.doesNotMatch(error.message, /^ {4}at /m);
      return true;
    });
    await assert.rejects(bare.run(...command, "doctor"), /!! +sharp .*\n.*--include=optional/);
  });

  it("name the way out where a model needs the addon or ONNX Runtime", async () => {
    const click = ["segment", photo, "--point", "323,123", "--model", "nano"];
    await assert.rejects(
      installed.run("npx", "--no-install", "unsam", ...click),
      /npm i onnxruntime-node --ignore-scripts/,
    );
  });
});
