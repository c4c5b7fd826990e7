import { markupText } from "@unsam/core/markup";
/** As much of an OpenAPI document as the page shows. */
export interface Described {
  readonly info: { readonly title: string; readonly description?: string; readonly version: string };
  readonly paths?: Readonly<Record<string, Readonly<Record<string, DescribedOperation>>>>;
}

interface DescribedOperation {
  readonly summary?: string;
  readonly requestBody?: unknown;
  readonly responses?: unknown;
}

/** One page without a script, which loads nothing. */
export function descriptionPage({ info, paths = {} }: Described): string {
  const operations = Object.entries(paths).flatMap(([path, methods]) =>
    Object.entries(methods).map(([method, operation]) => sectionOf(method, path, operation)),
  );
  return `<!doctype html>
<html lang="en">
<meta charset="utf-8">
<meta name="viewport" content="width=device-width">
<title>${markupText(info.title)}</title>
<style>
  :root { color-scheme: light dark; font: 16px/1.5 system-ui, sans-serif; }
  body { max-width: 60rem; margin: 2rem auto; padding: 0 1rem; }
  code, pre { font: 0.875rem/1.4 ui-monospace, monospace; }
  pre { overflow-x: auto; }
  details { margin: 0.25rem 0; }
</style>
<h1>${markupText(info.title)} ${markupText(info.version)}</h1>
<p>${markupText(info.description ?? "")} <a href="openapi.json">OpenAPI 3.1</a></p>
${operations.join("\n")}
</html>
`;
}

function sectionOf(method: string, path: string, operation: DescribedOperation): string {
  const { summary = "", requestBody, responses } = operation;
  return `<section>
<h2><code>${markupText(method.toUpperCase())} ${markupText(path)}</code></h2>
<p>${markupText(summary)}</p>
${requestBody ? detailsOf("Request", requestBody) : ""}${detailsOf("Answers", responses)}
</section>`;
}

function detailsOf(title: string, schema: unknown): string {
  return `<details><summary>${title}</summary><pre>${markupText(JSON.stringify(schema, null, 2) ?? "")}</pre></details>`;
}
