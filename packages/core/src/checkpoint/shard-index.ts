import { readdir, stat } from "node:fs/promises";
import path from "node:path";
import { UnSAMError } from "../errors.js";
import { parseJson, reasonOf, shown } from "../files/index.js";
import { type ByteSource, readBytes } from "./byte-source.js";
import { FormatError, quoted } from "./format-error.js";
import { startBytes, textOf } from "./other-files.js";
import { maximumTensors } from "./stored-tensor.js";

/** A large model has a dozen shards. Each holds a file handle while the checkpoint is open. */
const maximumShards = 256;
/** The index of a model with a thousand tensors takes about 100 kB. */
const maximumIndexBytes = 8 * 1024 * 1024;
const maximumNameBytes = 255;

/** What an index says: which shard holds which tensor. Shards are plain names of files beside it. */
export interface ShardIndex {
  readonly shards: readonly string[];
  readonly shardOf: ReadonlyMap<string, string>;
}

/**
 * The file to open for a path that may be a folder: of a folder its index of shards. Throws `E_BAD_CHECKPOINT` where the
 * folder holds none, or several.
 */
export async function fileOfPath(target: string): Promise<string> {
  const isFolder = await stat(target).then(
    (found) => found.isDirectory(),
    // What is wrong with the path is said when it is opened.
    () => false,
  );
  if (!isFolder) return target;
  const names = await readdir(target).catch((cause) => {
    throw folderProblem(target, `cannot be read: ${reasonOf(cause)}`, cause);
  });
  const indices = names.filter((name) => /\.(safetensors|bin)\.index\.json$/.test(name)).sort();
  // transformers writes both kinds side by side; they hold the same.
  const chosen = indices.length > 1 ? indices.filter((name) => name.includes(".safetensors.")) : indices;
  if (chosen.length === 1) return path.join(target, chosen[0]!);
  if (chosen.length > 1) {
    throw folderProblem(
      target,
      `is a folder with several indices (${chosen.slice(0, 3).map(quoted).join(", ")}); give one of them`,
    );
  }
  const files = names.filter((name) => /\.(pt|pth|ckpt|bin|safetensors)$/i.test(name)).sort();
  const given = files.slice(0, 3).map(quoted).join(", ");
  throw folderProblem(
    target,
    names.includes(".metadata")
      ? "is a distributed checkpoint of PyTorch; make one file of it with torch.distributed.checkpoint.format_utils"
      : files.length > 0
        ? `is a folder without an index of shards; give one of its files: ${given}${files.length > 3 ? " …" : ""}`
        : "is a folder that holds no checkpoint; give the path of a .pt or .safetensors file",
  );
}

function folderProblem(folder: string, problem: string, cause?: unknown): UnSAMError {
  return new UnSAMError("E_BAD_CHECKPOINT", `Checkpoint ${shown(folder)} ${problem}.`, { cause });
}

/**
 * Reads `model.safetensors.index.json` or its like: `{ "weight_map": { tensor: shard } }`. null: the bytes are no such
 * text. Throws `FormatError`.
 */
export async function readShardIndex(source: ByteSource): Promise<ShardIndex | null> {
  const start = await readBytes(source, 0, Math.min(source.byteLength, startBytes));
  if (!textOf(start)?.startsWith("{")) return null;
  if (source.byteLength > maximumIndexBytes) return null;
  const map = weightMap(Buffer.from(await readBytes(source, 0, source.byteLength)).toString("utf8"));
  if (map === null) return null;
  if (Object.keys(map).length > maximumTensors) {
    throw new FormatError(`its index names more than ${maximumTensors} tensors.`);
  }
  const shardOf = new Map<string, string>();
  const shards = new Set<string>();
  for (const [tensor, shard] of Object.entries(map)) {
    if (typeof shard !== "string" || !isPlainName(shard)) {
      const said = typeof shard === "string" ? quoted(shard) : "something that is no name";
      throw new FormatError(
        `its index names ${said} as the shard of ${quoted(tensor)}; a shard is a file beside the index, without a folder.`,
      );
    }
    shardOf.set(tensor, shard);
    shards.add(shard);
    if (shards.size > maximumShards) {
      throw new FormatError(`its index names more than ${maximumShards} shards.`);
    }
  }
  if (shards.size === 0) throw new FormatError("its index names no shards.");
  return { shards: [...shards].sort(), shardOf };
}

function weightMap(text: string): Record<string, unknown> | null {
  try {
    const json = parseJson(text.replace(/^\ufeff/, ""), "its index");
    const map = (json as Record<string, unknown> | null)?.weight_map;
    return typeof map === "object" && map !== null && !Array.isArray(map)
      ? (map as Record<string, unknown>)
      : null;
  } catch (error) {
    // Text that does not even mean to be an index is explained as what it is.
    if (!text.includes('"weight_map"')) return null;
    throw new FormatError(reasonOf(error).concat("."));
  }
}

function isPlainName(name: string): boolean {
  return (
    name !== "" &&
    name !== "." &&
    name !== ".." &&
    Buffer.byteLength(name) <= maximumNameBytes &&
    // Both separators and drive letters, whatever the system: an index goes from one to the other.
    !/[/\\:\p{Cc}]/u.test(name)
  );
}
