const ENTITIES: Readonly<Record<string, string>> = { "&": "&amp;", "<": "&lt;", ">": "&gt;", '"': "&quot;" };

/** A text as HTML and XML hold it, between tags or in an attribute in double quotes. */
export function markupText(text: string): string {
  return text.replace(/[&<>"]/g, (character) => ENTITIES[character]);
}
