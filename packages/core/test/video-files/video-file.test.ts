import { spawnSync } from "node:child_process";
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import path from "node:path";
import { describeWithFFmpeg, ffmpeg } from "@unsam/test-support";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { VideoFile } from "#core/video-files/index.js";

const [WIDTH, HEIGHT, FRAMES] = [64, 48, 40];
const BYTES = 3 * WIDTH * HEIGHT;

/** Frames whose pixels tell their number, a slope in each direction, and a square that moves. */
function painted(): Uint8Array {
  const data = new Uint8Array(FRAMES * BYTES);
  for (let at = 0; at < data.length; at += 3) {
    const frame = Math.floor(at / BYTES);
    const [x, y] = [(at / 3) % WIDTH, Math.floor((at % BYTES) / 3 / WIDTH)];
    const isSquare = x >= frame && x < frame + 12 && y >= 20 && y < 32;
    data.set(isSquare ? [250, 30, 60] : [4 * x, 5 * y, 6 * frame], at);
  }
  return data;
}

const RAW = `-f rawvideo -pix_fmt rgb24 -s ${WIDTH}x${HEIGHT} -r 10 -i -`.split(" ");
const TEST = (size: string) => `-f lavfi -i testsrc2=size=${size}:rate=10:duration=1`.split(" ");
let folder: string;
const at = (name: string) => path.join(folder, name);

async function withVideo<Result>(name: string, work: (video: VideoFile) => Promise<Result>): Promise<Result> {
  const video = await VideoFile.open(at(name));
  try {
    return await work(video);
  } finally {
    video.close();
  }
}

/** Reads to the end. */
async function readAll(name: string): Promise<Buffer[]> {
  return withVideo(name, async (video) => {
    const frames: Buffer[] = [];
    for (;;) {
      const image = await video.read(frames.length, undefined);
      if (image === null) return frames;
      frames.push(Buffer.from(image.data));
    }
  });
}

/** Programs that this process started and that are still there, ended ones that nobody asked about included. */
function children(): string[] {
  const list = readFileSync(`/proc/${process.pid}/task/${process.pid}/children`, "utf8");
  return list.split(" ").filter((pid) => pid !== "");
}

const failure = (work: Promise<unknown>) =>
  work.then(
    () => "done",
    (error) => `${error.code} ${error.message}`,
  );

describeWithFFmpeg("a video file", () => {
  const frames = painted();

  beforeAll(() => {
    folder = mkdtempSync(path.join(tmpdir(), "unsam-video-file-"));
    const make = (args: string) => ffmpeg(folder, [...RAW, ...args.split(" ")], frames);
    make("-c:v libx264rgb -qp 0 -bf 2 -g 8 lossless.mp4");
    make("-c:v libx264 -bf 2 -g 8 -movflags +faststart lossy.mp4");
  });
  afterAll(() => rmSync(folder, { recursive: true, force: true }));

  it.each<[string, string]>([
    ["lossless.mp4", ""],
    ["frames.mkv", "-c:v ffv1 -pix_fmt bgr0"],
    ["frames.mov", "-c:v png"],
    ["frames.avi", "-c:v ffv1 -pix_fmt bgr0"],
  ])("%s gives each frame byte for byte, in any order", async (name, how) => {
    if (how !== "") ffmpeg(folder, [...RAW, ...how.split(" "), name], frames);
    await withVideo(name, async (video) => {
      expect([video.width, video.height, video.length]).toEqual([WIDTH, HEIGHT, FRAMES]);
      for (const frame of [0, 1, 30, 31, 30, 29, 28, 3, 39, 38, 0, 25, 26]) {
        const image = await video.read(frame, undefined);
        const expected = frames.subarray(frame * BYTES, (frame + 1) * BYTES);
        expect(Buffer.compare(image!.data, expected), `frame ${frame}`).toBe(0);
      }
      expect(await video.read(FRAMES, undefined)).toBeNull();
      expect(await video.read(1000, undefined)).toBeNull();
    });
  });

  it("gives the frames that one run of ffmpeg gives, where packets are hidden, in another order or cut", async () => {
    ffmpeg(folder, "-i lossy.mp4 -c:v libvpx -auto-alt-ref 1 -lag-in-frames 16 -g 12 hidden.webm".split(" "));
    ffmpeg(folder, "-i lossy.mp4 -c copy order.avi".split(" "));
    ffmpeg(folder, "-ss 1.15 -i lossy.mp4 -c copy cut.mp4".split(" "));
    for (const name of ["hidden.webm", "order.avi", "cut.mp4"]) {
      const whole = ffmpeg(folder, `-i ${name} -vsync passthrough -f rawvideo -pix_fmt rgb24 -`.split(" "));
      const count = whole.length / BYTES;
      await withVideo(name, async (video) => {
        for (const frame of [0, 20, 19, 18, 5, 22, count - 1, 9]) {
          const image = await video.read(frame, undefined);
          expect(
            Buffer.compare(image!.data, whole.subarray(frame * BYTES, (frame + 1) * BYTES)),
            `frame ${frame} of ${name}`,
          ).toBe(0);
        }
        expect(await video.read(count, undefined)).toBeNull();
        expect(video.length).toBe(count);
      });
    }
  });

  it("keeps times as they are in the file, turns frames upright, drops alpha and makes 8 bits of 16", async () => {
    const uneven = "-vf settb=1/1000,setpts=N*N*10 -vsync passthrough -enc_time_base 1:1000 times.mkv";
    ffmpeg(folder, `-i lossless.mp4 -c:v libx264rgb -qp 0 ${uneven}`.split(" "));
    const times = await withVideo("times.mkv", async (video) => {
      for (let frame = 0; frame < 5; frame++) await video.read(frame, undefined);
      return [0, 1, 2, 3, 4, 30].map((frame) => video.timeOf(frame));
    });
    [0, 0.01, 0.04, 0.09, 0.16].forEach((time, i) => {
      expect(times[i]).toBeCloseTo(time, 3);
    });
    expect(times[5]).toBeNull();

    // A display matrix by hand, as telephones write it: each version of ffmpeg has another option for it.
    const file = readFileSync(at("lossless.mp4"));
    const matrix = file.indexOf("tkhd") + 4 + 40;
    [0, 0x10000, -0x10000, 0].forEach((value, i) => {
      file.writeInt32BE(value, matrix + [0, 4, 12, 16][i]);
    });
    writeFileSync(at("turned.mp4"), file);
    const [turned] = await readAll("turned.mp4");
    for (const [x, y] of [
      [0, 0],
      [5, 40],
      [40, 7],
    ]) {
      // A quarter to the right: (x, y) goes to (HEIGHT − 1 − y, x).
      const to = 3 * (x * HEIGHT + HEIGHT - 1 - y);
      expect([...turned.subarray(to, to + 3)]).toEqual([
        ...frames.subarray(3 * (y * WIDTH + x)).subarray(0, 3),
      ]);
    }

    const samples = new Uint16Array(4 * WIDTH * HEIGHT).map((_, i) =>
      i % 4 === 3 ? 9000 : (i * 40) % 65536,
    );
    const deep = `-f rawvideo -pix_fmt rgba64le -s ${WIDTH}x${HEIGHT} -r 10 -i - -c:v png -frames:v 1 deep.mov`;
    ffmpeg(folder, deep.split(" "), new Uint8Array(samples.buffer));
    const [plain] = await readAll("deep.mov");
    plain.forEach((value, i) => {
      const sample = samples[4 * Math.floor(i / 3) + (i % 3)];
      expect(Math.abs(value - sample / 257)).toBeLessThan(1.5);
    });
  });

  it("believes no header: ten hours of it are forty frames", async () => {
    const file = readFileSync(at("lossy.mp4"));
    for (const [box, offset] of [
      ["mvhd", 20],
      ["mdhd", 20],
      ["tkhd", 24],
    ] as const) {
      file.writeUInt32BE(36_000_000, file.indexOf(box) + offset);
    }
    writeFileSync(at("long.mp4"), file);
    expect(await readAll("long.mp4")).toHaveLength(FRAMES);
  });

  it("opens a file of any name", async () => {
    for (const name of ["-i.mp4", "concat:a|b %03d.mp4"]) {
      writeFileSync(at(name), readFileSync(at("lossless.mp4")));
      expect(await readAll(name)).toHaveLength(FRAMES);
    }
  });

  describe("says what is wrong", () => {
    it("with one that is broken, ends early or changes its size", async () => {
      const whole = readFileSync(at("lossy.mp4"));
      writeFileSync(at("half.mp4"), whole.subarray(0, whole.length - 2000));
      const damaged = Buffer.from(whole);
      damaged.fill(0xa5, whole.length - 1500, whole.length - 900);
      writeFileSync(at("damaged.mp4"), damaged);
      const parts = ["64x48", "32x24"].map((size) =>
        ffmpeg(folder, [...TEST(size), ..."-c:v libx264 -bf 0 -f h264 -".split(" ")]),
      );
      writeFileSync(at("both.h264"), Buffer.concat(parts));
      ffmpeg(folder, "-r 10 -i both.h264 -c copy changes.mp4".split(" "));
      for (const [name, reason] of [
        ["half.mp4", /E_BAD_IMAGE The video “.*half.mp4” is broken: .*; save it anew/],
        ["damaged.mp4", /E_BAD_IMAGE The video “.*damaged.mp4” is broken: /],
        ["changes.mp4", /E_BAD_IMAGE Frame \d+ of “.*” has 32 × 24 pixels, the first one 64 × 48/],
      ] as const) {
        expect(await failure(readAll(name))).toMatch(reason);
      }
    });

    it("with one that holds no video", async () => {
      writeFileSync(at("empty.mp4"), "");
      writeFileSync(at("list.mp4"), "#EXTM3U\n#EXTINF:1,\nhttp://127.0.0.1:9/a.ts\n");
      writeFileSync(at("head.mp4"), readFileSync(at("lossy.mp4")).subarray(0, 32));
      ffmpeg(folder, "-f lavfi -i sine=duration=1 sound.mp4".split(" "));
      expect(await failure(VideoFile.open(at("empty.mp4")))).toMatch(/E_UNSUPPORTED .* is no video file/);
      expect(await failure(VideoFile.open(at("list.mp4")))).toMatch(/E_UNSUPPORTED .* is no video file/);
      expect(await failure(VideoFile.open(at("head.mp4")))).toMatch(/E_BAD_IMAGE .* cannot be read/);
      expect(await failure(VideoFile.open(at("sound.mp4")))).toMatch(/E_BAD_IMAGE .* holds no video/);
      expect(await failure(VideoFile.open(folder))).toMatch(/E_BAD_IMAGE .* is a folder/);
    });

    it("with frames that are too large, before they are decoded", async () => {
      const opening = VideoFile.open(at("lossy.mp4"), { maxPixels: WIDTH * HEIGHT - 1 });
      expect(await failure(opening)).toMatch(/E_BAD_IMAGE .* has 64×48 pixels, more than the limit of 3071/);
    });

    it("where there is no ffmpeg", async () => {
      const { PATH, UNSAM_FFMPEG } = process.env;
      try {
        process.env.PATH = "bin";
        expect(await failure(VideoFile.open(at("lossy.mp4")))).toMatch(
          /E_UNSUPPORTED The video “.*” is decoded by ffmpeg, which is not on this machine; install it/,
        );
        process.env.UNSAM_FFMPEG = folder;
        expect(await failure(VideoFile.open(at("lossy.mp4")))).toMatch(/E_BAD_OPTION UNSAM_FFMPEG is/);
      } finally {
        process.env.PATH = PATH;
        if (UNSAM_FFMPEG === undefined) delete process.env.UNSAM_FFMPEG;
        else process.env.UNSAM_FFMPEG = UNSAM_FFMPEG;
      }
    });
  });

  it.runIf(process.platform === "linux")(
    "leaves no program behind, whenever it is given up or closed",
    async () => {
      const before = children();
      for (let round = 0; round < 8; round++) {
        const stop = new AbortController();
        setTimeout(() => stop.abort(new Error("enough")), 40 * round);
        const work = VideoFile.open(at("lossless.mp4"), { signal: stop.signal }).then(async (video) => {
          try {
            for (const frame of [3, 30, 2, 39]) await video.read(frame, stop.signal);
          } finally {
            video.close();
          }
        });
        expect(await failure(work)).toMatch(/enough|done/);
      }
      const video = await VideoFile.open(at("lossless.mp4"));
      const [reading] = [failure(video.read(39, undefined)), video.close()];
      expect(await reading).not.toBe("done");
      await expect.poll(children, { timeout: 10_000 }).toEqual(before);
    },
  );

  it("keeps no process alive that waits for nothing", () => {
    const url = import.meta.resolve("#core/video-files/index.js");
    const program = `const { VideoFile } = await import(${JSON.stringify(url)});
      const video = await VideoFile.open(${JSON.stringify(at("lossless.mp4"))}); console.log(video.length);`;
    const { stdout, status } = spawnSync(process.execPath, ["--input-type=module", "-e", program], {
      encoding: "utf8",
      timeout: 60_000,
    });
    expect([stdout.trim(), status]).toEqual([String(FRAMES), 0]);
  });
});
