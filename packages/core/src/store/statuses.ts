import { type Answer, failed, PassingFault } from "./requests.js";

/** Statuses that may be another one next time. */
const PASSING: ReadonlySet<number> = new Set([408, 421, 425, 429, 500, 502, 503, 504]);

/** What was asked for, for sentences about it. */
export interface Wanted {
  /** "sam2.1_hiera_small.pt in facebook/sam2.1-hiera-small" */
  readonly what: string;
  /** The repository's page; null: no repository. */
  readonly page: string | null;
  readonly hasToken: boolean;
}

/** Throws `E_DOWNLOAD` or `PassingFault` where an answer's status is an error. */
export function checkStatus(answer: Answer, { what, page, hasToken }: Wanted): void {
  const { status, url } = answer;
  if (status < 400) return;
  answer.close();
  if (PASSING.has(status)) {
    const why =
      status === 429 ? "has had too many requests (429)" : `answers with an error of its own (${status})`;
    throw new PassingFault(`${url.host} ${why}`, waitAsked(answer));
  }
  const code = answer.header("x-error-code");
  if (code === "GatedRepo" || (status === 403 && page !== null)) {
    const how = hasToken ? "with the account of your token" : "and set HF_TOKEN, or run hf auth login";
    throw failed(`${what} is only for those who accept its terms (${status}): do so at ${page} ${how}`);
  }
  if (code === "RevisionNotFound")
    throw failed(`There is no such revision of ${what} (${status}); see ${page}/commits`);
  if (code === "EntryNotFound") throw failed(`There is no ${what} (${status}); see ${page}/tree/main`);
  if (status === 401 || code === "RepoNotFound") {
    // The hub does not tell strangers which private repositories there are.
    const how = hasToken
      ? "your token has expired or lacks access to it"
      : "a private one takes HF_TOKEN, or hf auth login";
    throw failed(
      `${url.host} refuses ${what} (${status}): it does not exist, or ${page === null ? "takes a login" : how}`,
    );
  }
  if (status === 404 || status === 410) throw failed(`There is no ${what} (${status})`);
  throw failed(`${url.host} refuses ${what} (${status})`);
}

/** `Retry-After` in seconds or as a date, or the hub's `RateLimit: …;t=55`. */
function waitAsked(answer: Answer): number | null {
  const text = answer.header("retry-after")?.trim();
  if (text) {
    if (/^\d{1,9}$/.test(text)) return 1000 * Number(text);
    const date = Date.parse(text);
    if (!Number.isNaN(date)) return Math.max(0, date - Date.now());
  }
  const [, seconds] = /;\s*t=(\d{1,9})/.exec(answer.header("ratelimit") ?? "") ?? [];
  return seconds === undefined ? null : 1000 * Number(seconds);
}
