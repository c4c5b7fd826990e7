import { SaxesParser } from "saxes";
import { UnSAMError } from "../errors.js";
import { reasonOf } from "../files/index.js";

const DEEPEST = 32;
/** Characters handed to the parser at once; in between the caller may stop. */
const PIECE = 2 ** 20;

export interface XmlHandler {
  open(name: string, attributes: Readonly<Record<string, string>>): void;
  /** `text`: the characters directly inside, of elements that have no others. */
  close(name: string, text: string): void;
}

/**
 * Walks untrusted XML. A document type is refused, so there are no entities but XML's own five and nothing expands; nothing
 * is fetched. Throws `E_BAD_FILE`; `name` begins the sentence.
 */
export function walkXml(text: string, name: string, handler: XmlHandler, look: () => void): void {
  const parser = new SaxesParser({ fragment: false });
  const bad = (why: string, cause?: unknown) =>
    new UnSAMError("E_BAD_FILE", `${name} is no XML that can be read: ${why}.`, { cause });
  let depth = 0;
  let inside = "";
  parser.on("doctype", () => {
    throw bad("it declares a document type; remove the DOCTYPE");
  });
  parser.on("error", (error) => {
    throw bad(reasonOf(error), error);
  });
  parser.on("opentag", (tag) => {
    if (++depth > DEEPEST) throw bad(`its elements nest deeper than ${DEEPEST}`);
    inside = "";
    handler.open(tag.name, tag.attributes as Record<string, string>);
  });
  parser.on("text", (more) => {
    inside += more;
  });
  parser.on("closetag", (tag) => {
    depth--;
    handler.close(tag.name, inside);
    inside = "";
  });
  for (let at = 0; at < text.length; at += PIECE) {
    look();
    parser.write(text.slice(at, at + PIECE));
  }
  parser.close();
}

/** Text for an attribute or between tags: what XML 1.0 cannot hold is left out. */
export function escaped(text: string): string {
  return text
    .replace(/[^\t\n\r\u0020-\uD7FF\uE000-\uFFFD\u{10000}-\u{10FFFF}]/gu, "")
    .replace(/[&<>"'\t\n\r]/g, (c) => `&#${c.charCodeAt(0)};`);
}
