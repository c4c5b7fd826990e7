import { UnSAMError } from "@unsam/core/errors";
import { reasonOf } from "@unsam/core/files";
import type { Redis } from "ioredis";
import type { RedisAddress } from "./address.js";

/** BullMQ's scripts need it. */
const OLDEST = [6, 2] as const;

/** Throws `E_UNSUPPORTED` where a queue on this server would lose jobs or not work, `E_IO` where it tells nothing of itself. */
export async function checkServer(client: Redis, { shown }: RedisAddress): Promise<void> {
  const info = await client.info().catch((cause) => {
    const needs = /NOAUTH/.test(reasonOf(cause))
      ? "it wants a password; put it into the address, redis://USER:PASSWORD@HOST:PORT, in UNSAM_REDIS"
      : `it does not answer INFO (${reasonOf(cause)})`;
    throw new UnSAMError("E_IO", `Redis at ${shown} cannot be used: ${needs}.`, { cause });
  });
  const problem = problemOf(info);
  if (problem !== null) throw new UnSAMError("E_UNSUPPORTED", `Redis at ${shown} ${problem}.`);
}

/** What is wrong with a server by what `INFO` says; the end of a sentence, or null. */
export function problemOf(info: string): string | null {
  const fact = (name: string) => new RegExp(`^${name}:(.*?)\\r?$`, "m").exec(info)?.[1];
  const version = fact("redis_version") ?? "";
  const [major = 0, minor = 0] = version.split(".").map(Number);
  if (major < OLDEST[0] || (major === OLDEST[0] && minor < OLDEST[1])) {
    return `is version ${version || "unknown"}; the queue needs ${OLDEST.join(".")} or newer`;
  }
  const policy = fact("maxmemory_policy") ?? "noeviction";
  if (policy !== "noeviction") {
    return `has maxmemory-policy ${policy}, by which it drops jobs when its memory is full; set it to noeviction`;
  }
  if (fact("redis_mode") === "cluster") return "is a cluster; the queue needs a single server";
  if (fact("role") === "slave") return "is a replica, which takes no jobs; name its master";
  return null;
}
