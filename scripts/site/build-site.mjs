// `npm run docs [-- FOLDER]`: builds the site of the project into FOLDER (default: out/docs): the documents, the API of the SDK, llms.txt.
// Fails where a link leads nowhere, TypeDoc warns, or a page would load something from elsewhere.
import { execFileSync } from "node:child_process";
import path from "node:path";
import { installTools } from "../tools.mjs";
import { checkOutput } from "./check-output.mjs";
import { root, stage, tools } from "./stage.mjs";
import { writeForModels } from "./write-llms.mjs";

const out = path.resolve(process.argv[2] ?? path.join(root, "out", "docs"));
const source = path.join(root, "out", "docs-source");

installTools(tools);
stage(source);
const vitepress = path.join(tools, "node_modules", "vitepress", "bin", "vitepress.js");
execFileSync(process.execPath, [vitepress, "build", source], {
  stdio: "inherit",
  env: { ...process.env, UNSAM_SITE_OUT: out },
});
writeForModels(source, out);
const { pages, links } = checkOutput(out);
console.log(`${out}: ${pages} pages, ${links} links within the site, all of them lead somewhere`);
