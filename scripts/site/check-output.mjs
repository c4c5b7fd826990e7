// What VitePress does not check of a built site: anchors, files that are no pages, and that nothing is loaded from elsewhere.
import { existsSync, readdirSync, readFileSync, statSync } from "node:fs";
import path from "node:path";

const decode = (text) => decodeURIComponent(text.replace(/&amp;/g, "&"));

/** Throws with a list of all that is wrong; returns how much was looked at. `base`: the path below which the site lies. */
export function checkOutput(out, base) {
  const files = readdirSync(out, { recursive: true }).map((name) => name.split(path.sep).join("/"));
  const pages = files.filter((name) => name.endsWith(".html"));
  const texts = new Map(pages.map((page) => [page, readFileSync(path.join(out, page), "utf8")]));
  const anchors = new Map(
    [...texts].map(([page, text]) => [
      page,
      new Set([...text.matchAll(/ id="([^"]+)"/g)].map(([, id]) => decode(id))),
    ]),
  );
  const wrong = [];
  let links = 0;
  for (const [page, text] of texts) {
    for (const [, resource] of text.matchAll(
      /<(?:script|img|link|iframe|source)\b[^>]*?\b(?:src|href)="([^"]+)"/g,
    )) {
      if (/^(https?:)?\/\//.test(resource)) wrong.push(`${page} loads ${resource}`);
    }
    for (const [, link] of text.matchAll(/\b(?:href|src)="([^"]+)"/g)) {
      if (/^([a-z]+:|\/\/)/.test(link)) continue;
      links++;
      const [target, hash] = decode(link).split("#");
      const file = pageAt(out, page, target, base);
      if (file === null) wrong.push(`${page} links to ${link}, which is not there`);
      else if (hash && anchors.has(file) && !anchors.get(file).has(hash))
        wrong.push(`${page} links to ${link}, which has no such heading`);
    }
  }
  for (const style of files.filter((name) => name.endsWith(".css"))) {
    const away = /url\(["']?(https?:[^)"']+)/.exec(readFileSync(path.join(out, style), "utf8"));
    if (away) wrong.push(`${style} loads ${away[1]}`);
  }
  if (wrong.length > 0) throw new Error([...new Set(wrong)].join("\n"));
  return { pages: pages.length, links };
}

/** The file that a link of a page means; null: there is none, or it leads out of the site. */
function pageAt(out, page, target, base) {
  if (target === "") return page;
  const from = path.posix.join(base, path.posix.dirname(page), "/");
  const { pathname } = new URL(target, `https://site${from}`);
  if (!pathname.startsWith(base)) return null;
  const file = decodeURIComponent(pathname.slice(base.length));
  const there = (name) => statSync(path.join(out, name), { throwIfNoEntry: false })?.isFile();
  return (
    [file, `${file}.html`, path.posix.join(file, "index.html")].find(
      (name) => existsSync(path.join(out, name)) && there(name),
    ) ?? null
  );
}
