/** A kind of video file that is handed to ffmpeg. */
export interface Container {
  /** ffmpeg's name of its reader. It is told which one to take, so that no file makes it guess. */
  readonly demuxer: string;
  /** In sentences. */
  readonly name: string;
}

const latin1 = (head: Uint8Array, from: number, to: number) =>
  String.fromCharCode(...head.subarray(from, to));

/** Types of the boxes that an MP4 or QuickTime file may begin with. */
const FIRST_BOXES = ["ftyp", "moov", "mdat", "free", "skip", "wide", "pnot"];

const CONTAINERS: readonly (Container & { readonly begins: (head: Uint8Array) => boolean })[] = [
  { demuxer: "mov", name: "MP4 or MOV", begins: (head) => FIRST_BOXES.includes(latin1(head, 4, 8)) },
  {
    demuxer: "matroska",
    name: "MKV or WebM",
    begins: (head) => latin1(head, 0, 4) === "\x1a\x45\xdf\xa3",
  },
  {
    demuxer: "avi",
    name: "AVI",
    begins: (head) => latin1(head, 0, 4) === "RIFF" && latin1(head, 8, 12) === "AVI ",
  },
  { demuxer: "mpegts", name: "MPEG-TS", begins: (head) => [0, 188, 376].every((at) => head[at] === 0x47) },
  { demuxer: "mpeg", name: "MPEG", begins: (head) => latin1(head, 0, 4) === "\0\0\x01\xba" },
  { demuxer: "ogg", name: "Ogg", begins: (head) => latin1(head, 0, 4) === "OggS" },
  { demuxer: "flv", name: "FLV", begins: (head) => latin1(head, 0, 4) === "FLV\x01" },
  { demuxer: "asf", name: "WMV", begins: (head) => latin1(head, 0, 4) === "\x30\x26\xb2\x75" },
];

/**
 * What the first bytes of a file say it is; null: no video. Playlists (HLS, DASH, concat) are none: they name other files
 * and addresses.
 */
export function containerOf(head: Uint8Array): Container | null {
  return CONTAINERS.find(({ begins }) => begins(head)) ?? null;
}
