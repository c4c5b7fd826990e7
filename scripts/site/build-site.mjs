// `npm run docs [-- [--base PATH] FOLDER]`: builds the site of the project into FOLDER (default: out/docs): the documents, the API of the
// SDK, llms.txt. `--base /unsam/` is for a site that lies below that path, as on GitHub Pages (default: /).
// Fails where a link leads nowhere, TypeDoc warns, or a page would load something from elsewhere.
import { execFileSync } from "node:child_process";
import path from "node:path";
import { parseArgs } from "node:util";
import { installTools } from "../tools.mjs";
import { checkOutput } from "./check-output.mjs";
import { root, stage, tools } from "./stage.mjs";
import { writeForModels } from "./write-llms.mjs";

const { values, positionals } = parseArgs({
  options: { base: { type: "string", default: "/" } },
  allowPositionals: true,
});
const { base } = values;
if (!/^\/([\w.~-]+\/)*$/.test(base)) throw new Error(`--base is ${base}; give a path like /unsam/.`);
const out = path.resolve(positionals[0] ?? path.join(root, "out", "docs"));
const source = path.join(root, "out", "docs-source");

installTools(tools);
stage(source);
const vitepress = path.join(tools, "node_modules", "vitepress", "bin", "vitepress.js");
execFileSync(process.execPath, [vitepress, "build", source], {
  stdio: "inherit",
  env: { ...process.env, UNSAM_SITE_OUT: out, UNSAM_SITE_BASE: base },
});
writeForModels(source, out, base);
const { pages, links } = checkOutput(out, base);
console.log(`${out}: ${pages} pages, ${links} links within the site, all of them lead somewhere`);
