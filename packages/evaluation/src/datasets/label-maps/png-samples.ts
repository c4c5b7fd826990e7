import { promisify } from "node:util";
import { inflate } from "node:zlib";

/** Samples of a PNG as they are stored, [height, width]: grey values, or indices into its palette. */
export interface PngSamples {
  readonly width: number;
  readonly height: number;
  readonly data: Uint8Array | Uint16Array;
}

/** Header of a PNG. */
export interface PngHeader {
  readonly width: number;
  readonly height: number;
  readonly depth: number;
  /** 0 grey, 2 RGB, 3 palette, 4 grey and alpha, 6 RGB and alpha. */
  readonly colour: number;
  readonly interlaced: boolean;
}

const SIGNATURE = Buffer.from("\x89PNG\r\n\x1a\n", "latin1");
/** Bits a sample that each kind of colour may have. */
const DEPTHS: Readonly<Record<number, readonly number[]>> = {
  0: [1, 2, 4, 8, 16],
  2: [8, 16],
  3: [1, 2, 4, 8],
  4: [8, 16],
  6: [8, 16],
};

export function isPng(bytes: Uint8Array): boolean {
  return bytes.length > 8 && SIGNATURE.equals(bytes.subarray(0, 8));
}

/** Throws an `Error` that says what is wrong. */
export function readPngHeader(bytes: Uint8Array): PngHeader {
  const [first] = chunks(bytes);
  if (first?.type !== "IHDR" || first.data.length !== 13) throw new Error("it has no PNG header");
  const view = new DataView(first.data.buffer, first.data.byteOffset, 13);
  const [width, height, depth, colour] = [
    view.getUint32(0),
    view.getUint32(4),
    view.getUint8(8),
    view.getUint8(9),
  ];
  const sound = width > 0 && height > 0 && DEPTHS[colour]?.includes(depth) && view.getUint8(12) < 2;
  if (!sound) throw new Error("its PNG header is damaged");
  return { width, height, depth, colour, interlaced: view.getUint8(12) === 1 };
}

/**
 * Reads grey values or palette indices of any depth, which image libraries scale or replace by colours. Grey with alpha
 * is read where every pixel is opaque. Nothing is inflated beyond what the header's size needs. After the PNG
 * specification (ISO/IEC 15948), sections 7 to 9. Throws an `Error` that says what is wrong.
 */
export async function readPngSamples(bytes: Uint8Array): Promise<PngSamples> {
  const header = readPngHeader(bytes);
  const { width, height, depth, colour } = header;
  if (colour !== 0 && colour !== 3 && colour !== 4) throw new Error("it is coloured");
  const channels = colour === 4 ? 2 : 1;
  const passes = passesOf(header);
  const size = passes.reduce((sum, pass) => sum + pass.rows * (1 + rowBytes(pass, depth * channels)), 0);
  const packed = Buffer.concat(chunks(bytes).flatMap(({ type, data }) => (type === "IDAT" ? [data] : [])));
  const raw = await promisify(inflate)(packed, { maxOutputLength: Math.max(size, 1) });
  if (raw.length !== size) throw new Error(`it holds ${raw.length} bytes of pixels instead of ${size}`);
  const data = depth === 16 ? new Uint16Array(width * height) : new Uint8Array(width * height);
  let at = 0;
  for (const pass of passes) {
    const length = rowBytes(pass, depth * channels);
    unfilter(raw.subarray(at, at + pass.rows * (1 + length)), length, Math.max(1, (depth * channels) >> 3));
    for (let row = 0; row < pass.rows; row++) {
      const from = at + row * (1 + length) + 1;
      const target = (pass.top + row * pass.down) * width + pass.left;
      unpackRow(raw.subarray(from, from + length), depth, channels, data, target, pass);
    }
    at += pass.rows * (1 + length);
  }
  return { width, height, data };
}

function chunks(bytes: Uint8Array): { type: string; data: Uint8Array }[] {
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  const found: { type: string; data: Uint8Array }[] = [];
  for (let at = 8; at + 12 <= bytes.length; ) {
    const length = view.getUint32(at);
    const type = Buffer.from(bytes.subarray(at + 4, at + 8)).toString("latin1");
    if (at + 12 + length > bytes.length) throw new Error("it is truncated");
    found.push({ type, data: bytes.subarray(at + 8, at + 8 + length) });
    if (type === "IEND") return found;
    at += 12 + length;
  }
  throw new Error("it is truncated");
}

/** The pixels that one pass over the image brings: columns left, left + across, … of rows top, top + down, … */
interface Pass {
  readonly left: number;
  readonly top: number;
  readonly across: number;
  readonly down: number;
  readonly columns: number;
  readonly rows: number;
}

/** Adam7, or a single pass. */
function passesOf({ width, height, interlaced }: PngHeader): Pass[] {
  const grids = interlaced
    ? [
        [0, 0, 8, 8],
        [4, 0, 8, 8],
        [0, 4, 4, 8],
        [2, 0, 4, 4],
        [0, 2, 2, 4],
        [1, 0, 2, 2],
        [0, 1, 1, 2],
      ]
    : [[0, 0, 1, 1]];
  return grids
    .map(([left, top, across, down]) => ({
      left,
      top,
      across,
      down,
      columns: Math.max(0, Math.ceil((width - left) / across)),
      rows: Math.max(0, Math.ceil((height - top) / down)),
    }))
    .filter(({ columns, rows }) => columns > 0 && rows > 0);
}

function rowBytes({ columns }: Pass, bits: number): number {
  return Math.ceil((columns * bits) / 8);
}

/** Undoes the filter of each row in place. `step`: bytes to the sample on the left. */
function unfilter(rows: Uint8Array, length: number, step: number): void {
  for (let start = 0; start < rows.length; start += 1 + length) {
    const filter = rows[start];
    if (filter > 4) throw new Error("its pixels are damaged");
    for (let i = start + 1; filter > 0 && i <= start + length; i++) {
      const left = i - step > start ? rows[i - step] : 0;
      const above = start > 0 ? rows[i - 1 - length] : 0;
      const corner = start > 0 && i - step > start ? rows[i - 1 - length - step] : 0;
      if (filter === 1) rows[i] += left;
      else if (filter === 2) rows[i] += above;
      else if (filter === 3) rows[i] += (left + above) >> 1;
      else rows[i] += paeth(left, above, corner);
    }
  }
}

/** The neighbour nearest to left + above − corner. */
function paeth(left: number, above: number, corner: number): number {
  const guess = left + above - corner;
  const [a, b, c] = [Math.abs(guess - left), Math.abs(guess - above), Math.abs(guess - corner)];
  return a <= b && a <= c ? left : b <= c ? above : corner;
}

function unpackRow(
  row: Uint8Array,
  depth: number,
  channels: number,
  data: Uint8Array | Uint16Array,
  target: number,
  { columns, across }: Pass,
): void {
  const opaque = depth === 16 ? 0xffff : 0xff;
  for (let x = 0; x < columns; x++) {
    let value: number;
    if (depth < 8) {
      const bit = x * depth;
      value = (row[bit >> 3] >> (8 - depth - (bit & 7))) & ((1 << depth) - 1);
    } else {
      const sample = (k: number) => (depth === 16 ? (row[2 * k] << 8) | row[2 * k + 1] : row[k]);
      value = sample(x * channels);
      if (channels === 2 && sample(x * 2 + 1) !== opaque) throw new Error("it has transparent pixels");
    }
    data[target + x * across] = value;
  }
}
