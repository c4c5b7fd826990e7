// llms.txt (what pages there are) and llms-full.txt (all guides in one file), from the pages of the site.
import { cpSync, existsSync, mkdirSync, readdirSync, readFileSync, writeFileSync } from "node:fs";
import path from "node:path";
import { ABOUT, NAMES, SECTIONS } from "../../docs/.vitepress/pages.mjs";

const SUMMARY =
  "A TypeScript SDK for Node.js that segments photos at any granularity: UnSAMv2 and SAM 2.1 checkpoints are read directly, and a " +
  "model that needs no download is built in. No Python, no GPU, no compiler.";

/** The first paragraph under the heading, on one line and without marks. */
function firstSentence(text) {
  const prose = text.replace(/^ *```[\s\S]*?^ *```/gm, "").replace(/<!--[\s\S]*?-->/g, "");
  const paragraph = prose.split("\n\n").find((part) => /^[A-Z`]/.test(part.trim())) ?? "";
  const plain = paragraph
    .replace(/\s+/g, " ")
    .replace(/\[([^\]]+)\]\([^)]*\)/g, "$1")
    .replace(/[*`]/g, "");
  return /^.+?\.(?= |$)/.exec(plain)?.[0] ?? plain.replace(/:$/, ".");
}

/** `base`: the path below which the site lies. */
export function writeForModels(source, out, base) {
  const read = (page) => readFileSync(path.join(source, `${page}.md`), "utf8");
  const entry = (page) => {
    const text = read(page);
    const name = NAMES[page] ?? /^# (.+)$/m.exec(text)[1];
    // The name of a decision says what was decided.
    if (page.startsWith("decisions/")) return `- [${name}](${base}${page}.md)`;
    return `- [${name}](${base}${page}.md): ${ABOUT[page] ?? firstSentence(text.replace(/^# .+$/m, ""))}`;
  };
  const there = (page) => existsSync(path.join(source, `${page}.md`));
  const decisions = readdirSync(path.join(source, "decisions"))
    .filter((name) => /^\d/.test(name))
    .sort();
  const sections = [
    ...SECTIONS,
    { title: "Decisions", pages: decisions.map((name) => `decisions/${name.slice(0, -3)}`) },
  ].map(({ title, pages }) => ({ title, pages: pages.filter(there) }));
  const list = sections.map(({ title, pages }) => `## ${title}\n\n${pages.map(entry).join("\n")}\n`);
  writeFileSync(
    path.join(out, "llms.txt"),
    `# UnSAM for Node\n\n> ${SUMMARY}\n\nAll guides in one file: [llms-full.txt](${base}llms-full.txt). ` +
      `The API: [index](${base}api/index.md).\n\n${list.join("\n")}`,
  );
  const guides = sections.slice(0, -1).flatMap(({ pages }) => pages);
  writeFileSync(
    path.join(out, "llms-full.txt"),
    guides.map((page) => `<!-- ${base}${page}.md -->\n\n${read(page)}`).join("\n\n"),
  );
  // Each page also as it was written, beside what a browser shows.
  for (const name of readdirSync(source, { recursive: true })) {
    if (!name.endsWith(".md")) continue;
    mkdirSync(path.dirname(path.join(out, name)), { recursive: true });
    cpSync(path.join(source, name), path.join(out, name));
  }
}
