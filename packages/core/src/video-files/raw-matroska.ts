/** Frames without compression in a Matroska stream, so that each has its own time: a raw pipe has one rate for all. */

const MICROSECONDS = 1000;

/** An element: its identifier, the length of its content, its content. */
function element(id: number, ...content: readonly Uint8Array[]): Buffer {
  const length = content.reduce((sum, { length }) => sum + length, 0);
  const head = Buffer.alloc(8);
  // A length of eight bytes has a 1 in front.
  head.writeBigUInt64BE(BigInt(length) | (1n << 56n));
  return Buffer.concat([identifier(id), head, ...content]);
}

function identifier(id: number): Buffer {
  const digits = id.toString(16);
  return Buffer.from(digits.length % 2 === 0 ? digits : `0${digits}`, "hex");
}

function number(value: number): Buffer {
  const bytes = Buffer.alloc(8);
  bytes.writeBigUInt64BE(BigInt(value));
  return bytes;
}

/** What comes before the frames. `channels`: 3 RGB, 4 RGB and alpha. */
export function matroskaHead(width: number, height: number, channels: 3 | 4): Buffer {
  const text = (value: string) => Buffer.from(value, "latin1");
  const video = element(
    0xe0,
    element(0xb0, number(width)),
    element(0xba, number(height)),
    // As raw RGB is called in Matroska and AVI.
    element(0x2eb524, text(channels === 3 ? "RGB\x18" : "RGBA")),
  );
  const track = element(
    0xae,
    element(0xd7, number(1)),
    element(0x73c5, number(1)),
    element(0x83, number(1)),
    element(0x86, text("V_UNCOMPRESSED")),
    video,
  );
  return Buffer.concat([
    element(
      0x1a45dfa3,
      element(0x4282, text("matroska")),
      element(0x4287, number(4)),
      element(0x4285, number(2)),
    ),
    // A segment whose length is not known.
    Buffer.from("18538067" + "01ffffffffffffff", "hex"),
    element(
      0x1549a966,
      element(0x2ad7b1, number(MICROSECONDS)),
      element(0x4d80, text("unsam")),
      element(0x5741, text("unsam")),
    ),
    element(0x1654ae6b, track),
  ]);
}

/** What comes before the bytes of a frame. */
export function matroskaFrameHead(seconds: number, bytes: number): Buffer {
  const block = Buffer.from([0x81, 0, 0, 0x80]);
  const blockHead = element(0xa3).subarray(0, 1);
  const length = (value: number) => {
    const head = Buffer.alloc(8);
    head.writeBigUInt64BE(BigInt(value) | (1n << 56n));
    return head;
  };
  const time = element(0xe7, number(Math.round(seconds * 1e6)));
  const simple = Buffer.concat([blockHead, length(block.length + bytes), block]);
  return Buffer.concat([identifier(0x1f43b675), length(time.length + simple.length + bytes), time, simple]);
}
