// Puts the pages of the site together: documents of the repository, with links that hold on the site, and the API.
import { execFileSync } from "node:child_process";
import {
  cpSync,
  existsSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  rmSync,
  statSync,
  writeFileSync,
} from "node:fs";
import path from "node:path";
import { fileURLToPath } from "node:url";
import { BROUGHT } from "../../docs/.vitepress/pages.mjs";

export const root = fileURLToPath(new URL("../../", import.meta.url));
export const tools = fileURLToPath(new URL("tools/", import.meta.url));
const REPOSITORY = "https://github.com/unsam/unsam-node";

/** How both parts of the API are written. */
const API_OPTIONS = {
  readme: "none",
  entryFileName: "index",
  excludePrivate: true,
  excludeInternal: true,
  disableSources: true,
  hidePageHeader: true,
  hideBreadcrumbs: true,
  useCodeBlocks: true,
  parametersFormat: "table",
  treatWarningsAsErrors: true,
  logLevel: "Warn",
};

/** The SDK, and what a model of one's own is made of. */
const SDK = {
  name: "API",
  entryPoints: ["packages/sdk/src/index.ts"],
  tsconfig: "packages/sdk/tsconfig.json",
  // Types of no use outside, which declarations name all the same.
  intentionallyNotExported: ["schema", "OneGranularity", "Maker", "SegmentContext"],
};
const EXTENSION_POINTS = {
  name: "Extension points",
  entryPoints: ["scripts/site/extension-points/index.ts"],
  tsconfig: "scripts/site/extension-points/tsconfig.json",
};

/** Path on the site of a document of the repository; null: it is no page. */
function pageOf(file) {
  if (BROUGHT[file]) return BROUGHT[file];
  if (!file.startsWith("docs/") || !file.endsWith(".md")) return null;
  return file.slice("docs/".length).replace(/README\.md$/, "index.md");
}

/** A link of a document as the site has it: to a page, else to the repository. Throws where nothing is there. */
export function siteLink(file, link) {
  const [, target, hash] = /^([^#]*)(#.*)?$/.exec(link);
  const ours = `${REPOSITORY}/blob/main/`;
  const away = /^[a-z]+:/.test(target);
  if (target === "" || (away && !target.startsWith(ours))) return link;
  const found = away ? target.slice(ours.length) : path.posix.join(path.posix.dirname(file), target);
  const there = statSync(path.join(root, found), { throwIfNoEntry: false });
  if (!there) throw new Error(`${file} links to ${link}, which is not there.`);
  const page = pageOf(there.isDirectory() ? path.posix.join(found, "README.md") : found);
  if (page && existsSync(path.join(root, found))) return `/${page}${hash ?? ""}`;
  return `${REPOSITORY}/${there.isDirectory() ? "tree" : "blob"}/main/${found}${hash ?? ""}`;
}

/** A document as a page. Code is left as it is. */
function asPage(file) {
  const text = readFileSync(path.join(root, file), "utf8").replace(
    / *<!-- (not run|a sketch), [^\n]+ -->\n/g,
    "",
  );
  return text
    .split(/(^ *```[\s\S]*?^ *```|`[^`\n]+`)/m)
    .map((part, i) =>
      i % 2 === 1
        ? part
        : part.replace(/\]\(([^)\s]+)\)/g, (whole, link) =>
            /\.(png|jpe?g)$/.test(link) ? whole : `](${siteLink(file, link)})`,
          ),
    )
    .join("");
}

/** Fills `folder` with all that VitePress builds from. */
export function stage(folder) {
  rmSync(folder, { recursive: true, force: true });
  mkdirSync(folder, { recursive: true });
  const documents = readdirSync(path.join(root, "docs"), { recursive: true })
    .map((name) => `docs/${name.split(path.sep).join("/")}`)
    .filter((file) => file.endsWith(".md"));
  for (const file of [...documents, ...Object.keys(BROUGHT)]) {
    const page = path.join(folder, pageOf(file));
    mkdirSync(path.dirname(page), { recursive: true });
    writeFileSync(page, asPage(file));
  }
  cpSync(path.join(root, "docs", ".vitepress"), path.join(folder, ".vitepress"), { recursive: true });
  // Pages import pictures from beside them; the first page names one by its address.
  for (const place of ["images", "public/images"]) {
    const filter = (file) => !file.endsWith(".md");
    cpSync(path.join(root, "docs", "images"), path.join(folder, place), { recursive: true, filter });
  }
  writeApi(path.join(folder, "api"), SDK);
  writeApi(path.join(folder, "api", "extension-points"), EXTENSION_POINTS);
}

function writeApi(out, { entryPoints, tsconfig, ...more }) {
  const options = `${out}.typedoc.json`;
  const absolute = (file) => path.join(root, file);
  const all = {
    ...API_OPTIONS,
    ...more,
    plugin: [path.join(tools, "node_modules", "typedoc-plugin-markdown", "dist", "index.js")],
    entryPoints: entryPoints.map(absolute),
    tsconfig: absolute(tsconfig),
  };
  writeFileSync(options, JSON.stringify(all));
  const typedoc = path.join(tools, "node_modules", "typedoc", "bin", "typedoc");
  execFileSync(process.execPath, [typedoc, "--options", options, "--out", out], {
    cwd: root,
    stdio: "inherit",
  });
}
