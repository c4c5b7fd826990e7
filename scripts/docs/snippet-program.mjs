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
  polygons: "const polygons = [{ outer: [[1, 1], [5, 1], [5, 5]], holes: [] }];",
  width: "const width = 8;",
  height: "const height = 8;",
  detector: "const detector = { boxes: Float32Array.of(10, 10, 200, 180) };",
  signal: "const { signal } = new AbortController();",
  onProgress: "const onProgress = () => {};",
  show: "const show = () => {};",
  maps: "const maps = { count: 1, width: 8, height: 8, data: new Float32Array(64).fill(1) };",
  scores: "const scores = Float32Array.of(1);",
  granularities: "const granularities = Float32Array.of(0.5);",
  maxPixels: "const maxPixels = 1e7;",
  maxBytes: "const maxBytes = 1e8;",
  maxHeaderBytes: "const maxHeaderBytes = 1e6;",
};

export function programOf(body, sdkNames) {
  const uses = (name, text) => new RegExp(`(?<![.\\w"'/-])${name}\\b(?!\\s*:(?!:))`).test(text);
  const code = body.replace(/\/\/.*$/gm, "");
  const declared = (name) => {
    const declaration = new RegExp(
      `(?:const|let|function|class)\\s+(?:\\{[^}=]*\\b${name}\\b[^}]*\\}|\\[[^\\]]*\\b${name}\\b[^\\]]*\\]|${name}\\b)`,
    );
    return declaration.test(code) || new RegExp(`import[^;]*\\b${name}\\b[^;]*from`).test(code);
  };
  let before = "";
  for (const name of Object.keys(CONTEXT).reverse()) {
    if (uses(name, code + before) && !declared(name)) before = `${CONTEXT[name]}\n${before}`;
  }
  const imported = sdkNames.filter((name) => uses(name, code + before) && !declared(name));
  return `import { ${imported.join(", ")} } from "@unsam/sdk";\n${before}${body}`;
}
