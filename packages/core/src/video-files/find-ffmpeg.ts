import { execFile } from "node:child_process";
import { constants } from "node:fs";
import { access, stat } from "node:fs/promises";
import path from "node:path";
import { promisify } from "node:util";
import { UnSAMError } from "../errors.js";
import { reasonOf, shown } from "../files/index.js";

/** The two programs of one installation. */
export interface FFmpeg {
  readonly ffmpeg: string;
  readonly ffprobe: string;
}

const END = process.platform === "win32" ? ".exe" : "";

/**
 * The ffmpeg of this machine: `UNSAM_FFMPEG` (the program, or the folder it is in), else the first one on `PATH` with an
 * ffprobe beside it. null: there is none. Throws `E_BAD_OPTION` where `UNSAM_FFMPEG` leads to none.
 */
export async function findFFmpeg(): Promise<FFmpeg | null> {
  const named = process.env.UNSAM_FFMPEG;
  if (named !== undefined && named !== "") {
    const found = await stat(named).catch(() => null);
    const tools = found?.isDirectory() ? inFolder(named) : beside(named);
    if (await areThere(tools)) return tools;
    throw new UnSAMError(
      "E_BAD_OPTION",
      `UNSAM_FFMPEG is ${shown(named)}, where there is no ffmpeg with an ffprobe beside it; name the program or its folder.`,
    );
  }
  for (const folder of (process.env.PATH ?? "").split(path.delimiter)) {
    // A relative entry would run whatever lies in the folder one happens to be in.
    if (path.isAbsolute(folder) && (await areThere(inFolder(folder)))) return inFolder(folder);
  }
  return null;
}

/** A program that does not tell its version within this time is not taken for ffmpeg. */
const VERSION_TIMEOUT_MS = 10_000;

/** Version and place of the ffmpeg of this machine, for people; null: there is none. Throws `E_BAD_OPTION` as `findFFmpeg`, `E_IO`. */
export async function ffmpegVersion(): Promise<string | null> {
  const tools = await findFFmpeg();
  if (tools === null) return null;
  const options = { timeout: VERSION_TIMEOUT_MS, maxBuffer: 2 ** 20, windowsHide: true };
  const { stdout } = await promisify(execFile)(tools.ffmpeg, ["-version"], options).catch((cause) => {
    throw new UnSAMError("E_IO", `${shown(tools.ffmpeg)} cannot be run: ${reasonOf(cause)}.`, { cause });
  });
  const version = /^ffmpeg version (\S+)/.exec(stdout)?.[1];
  return `${version ?? "of an unknown version"} (${tools.ffmpeg})`;
}

/** As `findFFmpeg`; throws `E_UNSUPPORTED` where there is none. `task` begins the sentence: "“clip.mp4” is decoded". */
export async function requireFFmpeg(task: string, instead: string): Promise<FFmpeg> {
  const tools = await findFFmpeg();
  if (tools) return tools;
  throw new UnSAMError(
    "E_UNSUPPORTED",
    `${task} by ffmpeg, which is not on this machine; install it (apt-get install ffmpeg, brew install ffmpeg, ` +
      `winget install ffmpeg), name it in UNSAM_FFMPEG, or ${instead}.`,
  );
}

function inFolder(folder: string): FFmpeg {
  return beside(path.join(folder, `ffmpeg${END}`));
}

function beside(ffmpeg: string): FFmpeg {
  const { dir, base } = path.parse(path.resolve(ffmpeg));
  return { ffmpeg: path.join(dir, base), ffprobe: path.join(dir, base.replace("ffmpeg", "ffprobe")) };
}

async function areThere({ ffmpeg, ffprobe }: FFmpeg): Promise<boolean> {
  if (ffmpeg === ffprobe) return false;
  for (const file of [ffmpeg, ffprobe]) {
    const isProgram = await access(file, constants.X_OK).then(
      async () => (await stat(file)).isFile(),
      () => false,
    );
    if (!isProgram) return false;
  }
  return true;
}
