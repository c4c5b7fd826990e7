// A snippet of a document as a program: what it takes for granted comes before it.

/** What a reader has by the time of a snippet, each from what stands above it. */
const CONTEXT = {
  unsam: "const unsam = await UnSAM.load();",
  image: 'const image = await unsam.encode("street.jpg");',
  scene: "const scene = await image.everything();",
  other: "const other = await image.everything();",
  mask: "const { mask } = await image.segment({ points: [[412, 300]] });",
  part: "const { mask: part } = await image.segment({ points: [[412, 300]], granularity: 0.2 });",
  rle: "const rle = Mask.fromPolygons(8, 8, [{ outer: [[1, 1], [5, 1], [5, 5]], holes: [] }]).toRLE();",
  polygons:
    "const polygons: Parameters<typeof Mask.fromPolygons>[2] = [{ outer: [[1, 1], [5, 1], [5, 5]], holes: [] }];",
  width: "const width = 8;",
  height: "const height = 8;",
  detector: "const detector = { boxes: Float32Array.of(10, 10, 200, 180) };",
  signal: "const { signal } = new AbortController();",
  onProgress: "const onProgress = () => {};",
  show: "const show = (..._) => {};",
  redo: "const redo = (..._) => {};",
  maps: "const maps = { count: 1, width: 8, height: 8, data: new Float32Array(64).fill(1) };",
  scores: "const scores = Float32Array.of(1);",
  granularities: "const granularities = Float32Array.of(0.5);",
  maxPixels: "const maxPixels = 1e7;",
  maxBytes: "const maxBytes = 1e8;",
  maxHeaderBytes: "const maxHeaderBytes = 1e6;",
};

/** What only the compiler has to know: it stands for things of the reader's own. */
const DECLARED = {
  DiskEngine: 'declare const DiskEngine: new (path?: string) => import("@unsam/core/engine").Engine;',
};

/** Whether a snippet names something, and whether it declares or imports it itself. */
function look(body) {
  const code = body.replace(/\/\/.*$/gm, "");
  const uses = (name, more = "") => new RegExp(`(?<![.\\w"'/-])${name}\\b(?!\\s*:(?!:))`).test(code + more);
  const declared = (name) => {
    const declaration = new RegExp(
      `(?:const|let|function|class|interface|await using)\\s+(?:\\{[^}=]*\\b${name}\\b[^}]*\\}|\\[[^\\]]*\\b${name}\\b[^\\]]*\\]|${name}\\b)`,
    );
    const parameter = new RegExp(`\\([^()]*\\b${name}\\b[^()]*\\)\\s*=>`);
    return (
      declaration.test(code) ||
      parameter.test(code) ||
      new RegExp(`import[^;]*\\b${name}\\b[^;]*from`).test(code)
    );
  };
  return { uses, declared };
}

/**
 * A snippet as a program of TypeScript: imports and what it takes for granted come before it. `exported` are the names that
 * packages export, types too, by the entry; values of the first are imported as values.
 */
export function programOf(body, sdkValues, exported) {
  const { uses, declared } = look(body);
  let before = "";
  for (const name of Object.keys(CONTEXT).reverse()) {
    if (uses(name, before) && !declared(name)) before = `${CONTEXT[name]}\n${before}`;
  }
  for (const [name, declaration] of Object.entries(DECLARED)) {
    if (uses(name) && !declared(name)) before = `${declaration}\n${before}`;
  }
  const known = new Set();
  const wanted = (names) => {
    const found = names.filter((name) => !known.has(name) && uses(name, before) && !declared(name));
    for (const name of found) known.add(name);
    return found;
  };
  const values = wanted(sdkValues);
  let imports = `import { ${values.join(", ")} } from "@unsam/sdk";\n`;
  for (const [entry, names] of exported) {
    const types = wanted(names).map((name) => `type ${name}`);
    if (types.length > 0) imports += `import { ${types.join(", ")} } from "${entry}";\n`;
  }
  return `${imports}${before}${body}\nexport {};\n`;
}
