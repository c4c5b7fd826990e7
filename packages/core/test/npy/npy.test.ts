import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { UnSAMError } from "#core/errors.js";
import { formatNpy, parseNpy } from "#core/npy.js";

interface Parts {
  readonly version?: readonly [number, number];
  readonly header?: string;
  readonly data?: Uint8Array;
}

const PLAIN = "{'descr': '<f4', 'fortran_order': False, 'shape': (2, 3), }";

/** A file of any header, as NumPy lays it out. */
function npy({ version = [1, 0], header = PLAIN, data = new Uint8Array(24) }: Parts = {}): Uint8Array {
  const length = Buffer.alloc(version[0] === 1 ? 2 : 4);
  if (version[0] === 1) length.writeUInt16LE(header.length);
  else length.writeUInt32LE(header.length);
  return Buffer.concat([
    Buffer.from("\x93NUMPY", "latin1"),
    Buffer.from(version),
    length,
    Buffer.from(header, "latin1"),
    data,
  ]);
}

function refusal(bytes: Uint8Array, limits = {}): string {
  try {
    parseNpy(bytes, "a.npy", limits);
  } catch (error) {
    expect(error).toBeInstanceOf(UnSAMError);
    expect((error as UnSAMError).code).toBe("E_BAD_FILE");
    expect((error as UnSAMError).message).toMatch(/^a\.npy .*\.$/);
    return (error as UnSAMError).message;
  }
  throw new Error("It was accepted.");
}

describe("parseNpy", () => {
  it("reads the very bytes that NumPy writes", () => {
    // np.save of np.arange(6, dtype="<f4").reshape(2, 3): the header is padded to 128 bytes.
    const text = `${PLAIN}${" ".repeat(118 - PLAIN.length - 1)}\n`;
    const data = new Uint8Array(Float32Array.of(0, 1, 2, 3, 4, 5).buffer);
    const bytes = npy({ header: text, data });
    expect(bytes.length).toBe(128 + 24);
    expect(parseNpy(bytes)).toEqual({ shape: [2, 3], data: Float32Array.of(0, 1, 2, 3, 4, 5) });
  });

  it.each([
    [[1, 0], "{'descr': '<f4', 'fortran_order': False, 'shape': (2, 3)}"],
    [[2, 0], "{'shape': (2, 3), 'fortran_order': False, 'descr': '<f4'}   \n"],
    [[3, 0], '{"descr":"<f4","fortran_order":False,"shape":(2,3,),}\n'],
    [[1, 0], " {\n'descr' :\t'<f4' , 'fortran_order' : False , 'shape' : ( 6 , ) } "],
    [[1, 0], "{'descr': '<f4', 'fortran_order': False, 'shape': (6, 1, 1, 1)}"],
  ] as const)("takes version %j, %j", (version, header) => {
    expect(parseNpy(npy({ version, header })).data).toEqual(new Float32Array(6));
  });

  it("takes arrays of no dimension and of no elements", () => {
    const scalar = npy({ header: PLAIN.replace("(2, 3)", "()"), data: new Uint8Array(4) });
    expect(parseNpy(scalar)).toEqual({ shape: [], data: new Float32Array(1) });
    const empty = npy({ header: PLAIN.replace("(2, 3)", "(0, 3)"), data: new Uint8Array(0) });
    expect(parseNpy(empty)).toEqual({ shape: [0, 3], data: new Float32Array(0) });
  });

  it("rounds float64 to float32", () => {
    const data = new Uint8Array(Float64Array.of(0.1, -1e300).buffer);
    const header = PLAIN.replace("<f4", "<f8").replace("(2, 3)", "(2,)");
    expect([...parseNpy(npy({ header, data })).data]).toEqual([Math.fround(0.1), Number.NEGATIVE_INFINITY]);
  });

  it("gives back what formatNpy wrote", () => {
    fc.assert(
      fc.property(fc.array(fc.nat(4), { maxLength: 5 }), fc.infiniteStream(fc.float()), (shape, values) => {
        const count = shape.reduce((product, side) => product * side, 1);
        const data = Float32Array.from({ length: count }, () => values.next().value);
        expect(parseNpy(formatNpy({ data, shape }))).toEqual({ data, shape });
      }),
      { numRuns: 300 },
    );
  });

  it.each([
    [9, 0],
    [0, 0],
    [4, 0],
    [1, 1],
    [2, 9],
    [255, 255],
  ] as const)("refuses version %i.%i", (...version) => {
    expect(refusal(npy({ version }))).toContain(`version ${version.join(".")}`);
  });

  it.each([
    "",
    "{}",
    "{'descr': '<f4', 'fortran_order': False}",
    PLAIN.replace("False", "1"),
    PLAIN.replace("False", "0"),
    PLAIN.replace("False", "false"),
    PLAIN.replace("False", "Falsehood"),
    PLAIN.replace("(2, 3)", "(-2, -3)"),
    PLAIN.replace("(2, 3)", "(2.0, 3)"),
    PLAIN.replace("(2, 3)", "(1.5, 4)"),
    PLAIN.replace("(2, 3)", "(2e0, 3)"),
    PLAIN.replace("(2, 3)", "(0x2, 3)"),
    PLAIN.replace("(2, 3)", "(02, 3)"),
    PLAIN.replace("(2, 3)", "(2 3)"),
    PLAIN.replace("(2, 3)", "(2,, 3)"),
    PLAIN.replace("(2, 3)", "(, 2, 3)"),
    PLAIN.replace("(2, 3)", "(6)"),
    PLAIN.replace("(2, 3)", "[2, 3]"),
    PLAIN.replace("(2, 3)", "6"),
    PLAIN.replace("(2, 3)", "((2, 3))"),
    PLAIN.replace("(2, 3)", `(${"1, ".repeat(65)})`),
    PLAIN.replace("(2, 3)", "(99999999999999999999, 3)"),
    PLAIN.replace("'<f4'", "<f4"),
    PLAIN.replace("'<f4'", "'<f4"),
    PLAIN.replace("'<f4'", "[('a', '<f4')]"),
    PLAIN.replace("'<f4'", "'\\x3cf4'"),
    PLAIN.replace(", }", ", 'more': 1}"),
    PLAIN.replace(", }", ", 'shape': (2, 3)}"),
    PLAIN.replace("'descr'", "descr"),
    `${PLAIN} x`,
    `x${PLAIN}`,
    PLAIN.slice(0, -1),
    "'descr': '<f4', 'fortran_order': False, 'shape': (2, 3)",
  ])("refuses the header %j", (header) => {
    expect(refusal(npy({ header }))).toContain("malformed header");
  });

  it.each([
    [npy({ header: PLAIN.replace("False", "True") }), /Fortran order/],
    [npy({ header: PLAIN.replace("<f4", ">f4") }), /">f4"/],
    [npy({ header: PLAIN.replace("<f4", "<i4") }), /"<i4"/],
    [npy({ data: new Uint8Array(23) }), /shape \(2, 3\) but holds 23 bytes/],
    [npy({ header: PLAIN.replace("(2, 3)", "(9007199254740991, 9007199254740991)") }), /but holds 24 bytes/],
    [npy({ header: PLAIN.replace("(2, 3)", "(4294967296, 4294967296)") }), /but holds 24 bytes/],
    [npy().subarray(0, 40), /truncated/],
    [npy().subarray(0, 11), /signature/],
    [new Uint8Array(0), /signature/],
    [Buffer.from("PK\x03\x04 and so on"), /signature/],
  ])("refuses what is no array of floats: %#", (bytes, reason) => {
    expect(refusal(bytes)).toMatch(reason);
  });

  it("refuses a long header before it is read, unless it is allowed", () => {
    const header = `${PLAIN}${" ".repeat(20_000)}\n`;
    expect(refusal(npy({ version: [2, 0], header }))).toMatch(
      /header of 20060 bytes.*10000 \(maxHeaderBytes\)/,
    );
    const read = parseNpy(npy({ version: [2, 0], header }), "a.npy", { maxHeaderBytes: 30_000 });
    expect(read.shape).toEqual([2, 3]);
    expect(() => parseNpy(npy(), "a.npy", { maxHeaderBytes: Number.NaN })).toThrow(
      expect.objectContaining({ code: "E_BAD_OPTION" }),
    );
  });

  it("reads a header in time that grows with its length alone", () => {
    // Half a megabyte of what took a minute: promised to be refused within 50 ms; here also where its length is allowed.
    const header = `'descr':'<f4' ${"'shape':(".repeat(58_252)}`;
    for (const text of [
      header,
      `{${header}`,
      "{'shape': (".padEnd(524_288, "1, "),
      "{'".padEnd(524_288, "{'"),
    ]) {
      const started = performance.now();
      refusal(npy({ version: [2, 0], header: text }), { maxHeaderBytes: 2 ** 20 });
      expect(performance.now() - started).toBeLessThan(50);
    }
  });

  it("never throws anything but its own error, whatever the bytes", () => {
    const seeds = [
      npy(),
      npy({ version: [2, 0] }),
      formatNpy({ data: new Float32Array(4), shape: [1, 1, 2, 2] }),
    ];
    const mutated = fc
      .tuple(
        fc.constantFrom(...seeds),
        fc.array(
          fc.tuple(fc.nat(200), fc.oneof(fc.nat(255), fc.constantFrom(...Buffer.from("'{}(),: 0-1.e")))),
          {
            maxLength: 6,
          },
        ),
        fc.nat(200),
      )
      .map(([seed, changes, cut]) => {
        const bytes = Uint8Array.from(seed);
        for (const [at, value] of changes) bytes[at % bytes.length] = value;
        return cut < 20 ? bytes.subarray(0, Math.max(0, bytes.length - cut)) : bytes;
      });
    fc.assert(
      fc.property(fc.oneof(fc.uint8Array({ maxLength: 300 }), mutated), (bytes) => {
        try {
          const { data, shape } = parseNpy(bytes);
          expect(data.length).toBe(shape.reduce((product, side) => product * side, 1));
        } catch (error) {
          expect(error).toBeInstanceOf(UnSAMError);
        }
      }),
      { numRuns: 3000 },
    );
  });
});
