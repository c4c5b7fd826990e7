import sharp from "sharp";

/** A photo of parts and wholes on a plain ground: a house with windows, a sun. */
export async function photo(width = 96, height = 72, type: "png" | "jpeg" = "png"): Promise<Buffer> {
  const svg = `<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 96 72" width="${width}" height="${height}">
    <rect width="96" height="72" fill="rgb(90, 130, 170)"/>
    <rect x="10" y="20" width="44" height="44" fill="rgb(200, 60, 50)"/>
    <rect x="16" y="28" width="12" height="12" fill="rgb(240, 230, 120)"/>
    <rect x="36" y="28" width="12" height="12" fill="rgb(240, 230, 120)"/>
    <circle cx="76" cy="20" r="12" fill="rgb(250, 200, 40)"/>
  </svg>`;
  return sharp(Buffer.from(svg))[type]().toBuffer();
}
