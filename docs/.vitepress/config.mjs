// The site (`npm run docs`). scripts/site puts the pages in place first, the API among them.
import { existsSync, readdirSync, readFileSync } from "node:fs";
import path from "node:path";
import { fileURLToPath } from "node:url";
import { FOLDERS, NAMES, SECTIONS } from "./pages.mjs";

const source = fileURLToPath(new URL("..", import.meta.url));

/** The heading of a page. */
function titleOf(page) {
  const text = readFileSync(path.join(source, `${page}.md`), "utf8");
  return /^# (.+)$/m
    .exec(text)[1]
    .replace(/\\?[`*]/g, "")
    .replace(/\\([<>])/g, "$1");
}

function item(page) {
  return { text: NAMES[page] ?? titleOf(page), link: `/${page}` };
}

/** Pages of a folder by name, without its own page. */
function pagesIn(folder) {
  return readdirSync(path.join(source, folder))
    .filter((name) => name.endsWith(".md") && name !== "index.md")
    .sort()
    .map((name) => `${folder}/${name.slice(0, -3)}`);
}

const listed = SECTIONS.flatMap(({ pages }) => pages);
const more = readdirSync(source)
  .filter((name) => name.endsWith(".md") && name !== "index.md")
  .map((name) => name.slice(0, -3))
  .filter((page) => !listed.includes(page));

const sections = [...SECTIONS, { title: "More", pages: more }]
  .map(({ title, pages }) => ({
    text: title,
    items: pages.filter((page) => existsSync(path.join(source, `${page}.md`))).map(item),
  }))
  .filter(({ items }) => items.length > 0);

const KINDS = ["classes", "functions", "interfaces", "type-aliases", "variables"];
const apiItem = (page) => ({ text: path.basename(page), link: `/${page}` });
const kindsIn = (folder) => KINDS.filter((kind) => existsSync(path.join(source, folder, kind)));
const api = [
  ...kindsIn("api").map((kind) => ({
    text: kind.replace("-", " ").replace(/^./, (first) => first.toUpperCase()),
    collapsed: kind !== "classes",
    items: pagesIn(`api/${kind}`).map(apiItem),
  })),
  {
    text: "Extension points",
    link: "/api/extension-points/",
    collapsed: true,
    items: kindsIn("api/extension-points")
      .flatMap((kind) => pagesIn(`api/extension-points/${kind}`))
      .map(apiItem),
  },
];

export default {
  title: "UnSAM for Node",
  description: "Segment anything at any granularity from Node.js: UnSAMv2 and SAM 2.1 without Python.",
  lang: "en",
  outDir: process.env.UNSAM_SITE_OUT,
  base: process.env.UNSAM_SITE_BASE ?? "/",
  ignoreDeadLinks: false,
  // The index of the search is one file.
  vite: { build: { chunkSizeWarningLimit: 2000 } },
  head: [["link", { rel: "icon", href: "data:," }]],
  themeConfig: {
    search: {
      provider: "local",
      // Guides first: a word of theirs is the name of many properties.
      options: {
        miniSearch: { searchOptions: { boostDocument: (id) => (id.startsWith("/api/") ? 0.2 : 1) } },
      },
    },
    outline: [2, 3],
    nav: [
      { text: "Quick start", link: "/quick-start" },
      { text: "API", link: "/api/" },
      { text: "Decisions", link: "/decisions/" },
    ],
    socialLinks: [{ icon: "github", link: "https://github.com/unsam/unsam-node" }],
    sidebar: {
      "/api/": [{ text: FOLDERS.api, link: "/api/", items: api }],
      "/": [
        ...sections,
        {
          text: FOLDERS.decisions,
          link: "/decisions/",
          collapsed: true,
          items: pagesIn("decisions").map(item),
        },
        { text: FOLDERS.api, link: "/api/" },
      ],
    },
    footer: { message: "Apache-2.0" },
  },
};
