import { execFileSync } from "node:child_process";
import { mkdtemp, readdir, readFile, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import path from "node:path";
import { photosInFlight } from "@unsam/core/admission";
import { Mask, type TrackedFrame, UnSAM, type Video } from "@unsam/sdk";
import { describeWithFFmpeg, describeWithShared, ffmpeg } from "@unsam/test-support";
import sharp from "sharp";
import { afterAll, beforeAll, expect, it } from "vitest";
import { codeOf, fixture, readJson, trackAll } from "./video-fixture.js";

const [WIDTH, HEIGHT, FRAMES] = [96, 64, 6];
const TIMES = [0, 0.04, 0.16, 0.2, 0.5, 0.54];
let folder: string;
let unsam: UnSAM;
const at = (name: string) => path.join(folder, name);

/** A square that moves over a slope. */
function painted(): Buffer {
  const data = Buffer.alloc(FRAMES * WIDTH * HEIGHT * 3);
  for (let i = 0; i < data.length; i += 3) {
    const frame = Math.floor(i / (WIDTH * HEIGHT * 3));
    const [x, y] = [(i / 3) % WIDTH, Math.floor(i / 3 / WIDTH) % HEIGHT];
    const left = 10 + 5 * frame;
    data.set(x >= left && x < left + 24 && y >= 20 && y < 44 ? [230, 200, 90] : [30, 2 * y, x], i);
  }
  return data;
}

describeWithShared("video files and tracks", () => {
  describeWithFFmpeg("through ffmpeg", () => {
    const square = Mask.fromBytes(
      WIDTH,
      HEIGHT,
      Array.from({ length: WIDTH * HEIGHT }, (_, i) => {
        const [x, y] = [i % WIDTH, Math.floor(i / WIDTH)];
        return x >= 10 && x < 34 && y >= 20 && y < 44 ? 1 : 0;
      }),
    );

    /** The clip with two objects that share no pixel, tracked. */
    async function withTracks(
      work: (video: Video, frames: readonly TrackedFrame[]) => Promise<void>,
    ): Promise<void> {
      await using video = await unsam.openVideo(at("clip.mkv"), { nonOverlapping: true });
      await video.object().prompt(0, { mask: square });
      await video.object().prompt(0, { points: [[80, 50]] });
      await work(video, await trackAll(video));
    }

    beforeAll(async () => {
      folder = await mkdtemp(path.join(tmpdir(), "unsam-video-files-"));
      const uneven = TIMES.map((time, i) => `eq(N,${i})*${time * 1000}`).join("+");
      ffmpeg(
        folder,
        [
          ...`-f rawvideo -pix_fmt rgb24 -s ${WIDTH}x${HEIGHT} -r 25 -i -`.split(" "),
          ...["-vf", `settb=1/1000,setpts='${uneven}'`, "-vsync", "passthrough", "-enc_time_base", "1:1000"],
          ..."-c:v ffv1 -pix_fmt bgr0 clip.mkv".split(" "),
        ],
        painted(),
      );
      const config = await readJson<object>("config.json");
      unsam = await UnSAM.load({
        model: { checkpoint: fixture("checkpoint.safetensors"), config },
        threads: 1,
      });
    });
    afterAll(async () => {
      await unsam.dispose();
      await rm(folder, { recursive: true, force: true });
    });

    it("answers as for a list of the same frames, with the times of the file, in any order", async () => {
      const all = painted();
      const bytes = WIDTH * HEIGHT * 3;
      const list = Array.from({ length: FRAMES }, (_, i) => ({
        data: all.subarray(i * bytes, (i + 1) * bytes),
        width: WIDTH,
        height: HEIGHT,
        channels: 3 as const,
      }));
      const seen: TrackedFrame[][] = [];
      for (const input of [list, at("clip.mkv")]) {
        await using video = await unsam.openVideo(input);
        expect(video.length).toBe(FRAMES);
        await video.object().prompt(4, { points: [[40, 30]] });
        const frames = await trackAll(video);
        for await (const frame of video.track({ direction: "backward" })) frames.push(frame);
        seen.push(frames);
      }
      const [expected, found] = seen.map((frames) =>
        frames.map(({ frame, objects }) => [frame, [...objects.values()].map(({ logits }) => logits.data)]),
      );
      expect(found).toEqual(expected);
      expect(seen[1].map(({ time }) => time)).toEqual([4, 5, 4, 3, 2, 1, 0].map((frame) => TIMES[frame]));
      expect(seen[0].every(({ time }) => time === null)).toBe(true);
      // Nothing stays counted, and nothing was left out: one frame at least was in flight.
      expect([photosInFlight.inFlight, photosInFlight.peak >= WIDTH * HEIGHT]).toEqual([0, true]);
    });

    it("saves tracks in each format, and they give the masks back", async () => {
      await withTracks(async (video, frames) => {
        const masks = (id: number) =>
          frames.map(({ objects }) => [...objects].find(([o]) => o.id === id)![1].mask);
        const read = async (name: string) => JSON.parse(await readFile(at(name), "utf8"));
        const same = (rle: unknown, mask: Mask) =>
          rle === null ? mask.area === 0 : Mask.fromRLE(rle as never).equals(mask);

        const done: number[] = [];
        await video.save(at("tracks.json"));
        const tracks = await read("tracks.json");
        expect(tracks).toMatchObject({
          width: WIDTH,
          height: HEIGHT,
          length: FRAMES,
          model: { family: "sam2" },
        });
        for (const { id, frames: own } of tracks.objects) {
          expect(own.map(({ time }: { time: number }) => time)).toEqual(TIMES);
          masks(id).forEach((mask, i) => {
            expect(same(own[i].rle, mask)).toBe(true);
          });
        }

        await video.save(at("vis.json"), { format: "youtube-vis" });
        const vis = await read("vis.json");
        expect(vis.videos[0]).toMatchObject({ id: 1, length: FRAMES });
        for (const { id, segmentations, areas } of vis.annotations) {
          expect([segmentations.length, areas.length]).toEqual([FRAMES, FRAMES]);
          masks(id).forEach((mask, i) => {
            expect(same(segmentations[i], mask)).toBe(true);
          });
        }

        await video.save(at("coco.json"), { format: "coco-vid" });
        const coco = await read("coco.json");
        expect(coco.images.map(({ frame_id }: { frame_id: number }) => frame_id)).toEqual([0, 1, 2, 3, 4, 5]);
        for (const { instance_id, image_id, segmentation, bbox } of coco.annotations) {
          const mask = masks(instance_id)[image_id - 1];
          expect(same(segmentation, mask)).toBe(true);
          expect(bbox).toEqual(Object.values({ ...mask.bbox }));
        }

        await video.save(at("mots.txt"));
        for (const line of (await readFile(at("mots.txt"), "utf8")).trim().split("\n")) {
          const [frame, id, category, height, width, counts] = line.split(" ");
          expect([category, height, width]).toEqual(["1", String(HEIGHT), String(WIDTH)]);
          expect(same({ size: [HEIGHT, WIDTH], counts }, masks(Number(id) - 1000)[Number(frame)])).toBe(true);
        }

        await video.save(at("davis"), { format: "davis", onProgress: ({ done: n }) => done.push(n) });
        expect(done).toEqual([1, 2, 3, 4, 5, 6]);
        for (let frame = 0; frame < FRAMES; frame++) {
          const labels = await sharp(at(`davis/0000${frame}.png`))
            .toColourspace("b-w")
            .raw()
            .toBuffer();
          const [one, two] = [masks(1)[frame].toBytes(), masks(2)[frame].toBytes()];
          const expected = labels.map((_, i) => one[i] + 2 * two[i]);
          expect(labels.equals(expected)).toBe(true);
        }

        await video.save(at("sa-v"), { format: "sa-v" });
        expect((await readdir(at("sa-v"))).sort()).toEqual(["001", "002"]);
        expect((await Mask.fromPNG(await readFile(at("sa-v/001/00003.png")))).equals(masks(1)[3])).toBe(true);

        // What is removed is not written.
        await video.objects[1].remove();
        await video.save(at("tracks.json"));
        expect((await read("tracks.json")).objects.map(({ id }: { id: number }) => id)).toEqual([1]);
      });
    });

    it("renders videos with the times of the frames, transparent ones, animations and folders", async () => {
      await withTracks(async (video, frames) => {
        const timesOf = (file: string) =>
          execFileSync("ffprobe", `-v error -show_entries frame=pts_time -of csv=p=0 ${file}`.split(" "), {
            cwd: folder,
            encoding: "utf8",
          })
            .trim()
            .split(/\s+/)
            .map(Number.parseFloat);
        await video.render(at("pictures"), { opacity: 1 });
        const picture = await sharp(at("pictures/00002.png")).raw().toBuffer();
        for (const name of ["out.mp4", "out.webm"]) {
          await video.render(at(name), { opacity: 1 });
          timesOf(name).forEach((time, i) => {
            expect(time, name).toBeCloseTo(TIMES[i], 3);
          });
          const raw = ffmpeg(folder, `-i ${name} -vsync passthrough -f rawvideo -pix_fmt rgb24 -`.split(" "));
          expect(raw.length).toBe(FRAMES * picture.length);
          const decoded = raw.subarray(2 * picture.length, 3 * picture.length);
          const difference = picture.reduce((sum, value, i) => sum + Math.abs(value - decoded[i]), 0);
          expect(difference / picture.length, name).toBeLessThan(8);
        }

        await video.objects[1].remove();
        const { mask } = [...frames[3].objects.values()][0];
        await video.render(at("cut.webm"), { style: "cutout", from: 3, to: 3 });
        const rgba = ffmpeg(folder, "-c:v libvpx-vp9 -i cut.webm -f rawvideo -pix_fmt rgba -".split(" "));
        const wrong = Array.from({ length: WIDTH * HEIGHT }, (_, i) => rgba[4 * i + 3] > 127).filter(
          (isOpaque, i) => isOpaque !== mask.has(i % WIDTH, Math.floor(i / WIDTH)),
        );
        expect(wrong.length).toBeLessThan(0.01 * WIDTH * HEIGHT);

        await video.render(at("out.gif"), { from: 1, to: 4 });
        expect(await sharp(at("out.gif")).metadata()).toMatchObject({ pages: 4, delay: [120, 40, 300, 300] });
        await video.render(at("out.webp"), { style: "cutout" });
        // WebP joins frames that are the same.
        const { hasAlpha, delay = [] } = await sharp(at("out.webp")).metadata();
        expect([hasAlpha, delay.reduce((sum, one) => sum + one, 0)]).toEqual([true, 580]);
      });
    });

    it("leaves nothing half-written, and refuses what it cannot do", async () => {
      await withTracks(async (video) => {
        const before = (await readdir(folder)).sort();
        for (const name of ["gone.mp4", "gone.gif", "gone"]) {
          const stop = new AbortController();
          const onProgress = () => stop.abort(new Error("enough"));
          expect(await codeOf(video.render(at(name), { signal: stop.signal, onProgress }))).toBe("enough");
        }
        const stop = new AbortController();
        const onProgress = () => stop.abort(new Error("enough"));
        const saving = video.save(at("gone"), { format: "davis", signal: stop.signal, onProgress });
        expect(await codeOf(saving)).toBe("enough");
        expect(await codeOf(video.render(at("no/out.mp4")))).toBe("E_IO");
        expect(await codeOf(video.render(at("out.avi")))).toBe("E_BAD_OPTION");
        expect(await codeOf(video.render(at("x.mp4"), { style: "cutout" }))).toBe("E_BAD_OPTION");
        expect(await codeOf(video.render(at("x.mp4"), { to: 9 }))).toBe("E_BAD_OPTION");
        expect(await codeOf(video.save(at("tracks.xml")))).toBe("E_BAD_OPTION");
        expect((await readdir(folder)).sort()).toEqual(before);
      });
      await using video = await unsam.openVideo(at("clip.mkv"), { maxResultBytes: 300 });
      expect(await codeOf(video.save(at("none.json")))).toBe("E_BAD_PROMPT");
      const [one, other] = [video.object(), video.object()];
      await one.prompt(0, { mask: square });
      await other.prompt(0, { mask: square });
      expect(await codeOf(video.save(at("none.json")))).toBe("E_UNSUPPORTED");
      await using roomy = await unsam.openVideo(at("clip.mkv"));
      await roomy.object().prompt(0, { mask: square });
      await roomy.object().prompt(0, { mask: square });
      expect(await codeOf(roomy.save(at("none.txt")))).toBe("E_BAD_OPTION");
    });

    it("ends with a video that is broken in the middle, and keeps what was tracked before", async () => {
      const whole = await readFile(at("clip.mkv"));
      await writeFile(at("broken.mkv"), whole.subarray(0, whole.length >> 1));
      await using video = await unsam.openVideo(at("broken.mkv"));
      await video.object().prompt(0, { mask: square });
      expect(await codeOf(trackAll(video))).toBe("E_BAD_IMAGE");
      await video.save(at("part.json"));
      expect(JSON.parse(await readFile(at("part.json"), "utf8")).objects[0].frames.length).toBeGreaterThan(0);
    });
  });
});
