import { UnSAMError } from "../errors.js";
import type { RgbImage } from "../image/index.js";
import { Mask } from "../mask/index.js";
import type { Calls, Handle, Moved } from "../runtime/index.js";
import type {
  EngineVideo,
  FrameSource,
  VideoAnswer,
  VideoCall,
  VideoPrompt,
  VideoTracking,
} from "./engine-video.js";
import { LookAhead, type TakeIn } from "./look-ahead.js";
import { type SentMask, sentMask } from "./sent-mask.js";

/** An object on a frame, as it crosses back from the thread that follows it. */
export interface SentObject {
  readonly object: number;
  /** Its mask at the size of the video; null: it is made from the logits. */
  readonly words: Uint32Array | null;
  /** [logitSide, logitSide] */
  readonly logits: Float32Array;
  readonly score: number;
  readonly objectScore: number;
}

/** What the thread's module of a video does for its session; opening one and taking a frame in differ. */
export interface VideoThread<Session> {
  /** Whether what a frame is followed by is still there. */
  holds(session: Session, frame: number): boolean;
  /** All objects on the frame after the prompt. `mask` is taken first, then points correct it. */
  prompt(
    session: Session,
    object: number,
    frame: number,
    prompt: Omit<VideoPrompt, "mask">,
    mask: SentMask | null,
  ): Moved<SentObject[]> | Promise<Moved<SentObject[]>>;
  /** The earliest prompted frame. Throws `E_BAD_PROMPT`. */
  start(session: Session): number;
  /** The objects there are, whether any of them needs the frame, and whether the next one is lacking (null: there is none). */
  ask(
    session: Session,
    frame: number,
    next: number | null,
  ): { readonly objects: number[]; readonly needsFrame: boolean; readonly lacksNext: boolean };
  /** One object on a frame. */
  track(
    session: Session,
    object: number,
    frame: number,
    how: { readonly reverse: boolean; readonly granularity: number | null },
  ): Moved<SentObject[]> | Promise<Moved<SentObject[]>>;
  clearPrompts(session: Session, object: number, frame: number): void;
  remove(session: Session, object: number): void;
  reset(session: Session): void;
}

/** What differs between videos that are followed by a network and by region trees. */
export interface SessionParts<Session> extends Pick<EngineVideo, "memory" | "reasons"> {
  readonly calls: Calls<VideoThread<Session>>;
  readonly session: Handle<Session>;
  readonly source: FrameSource;
  readonly nonOverlapping: boolean;
  /** Of low-resolution logits. */
  readonly logitSide: number;
  /** Throws `E_BAD_PROMPT` for a mask prompt that the model cannot take. */
  checkMask?(mask: VideoPrompt["mask"]): void;
  /** Makes what can be made of a frame beside the work with others; what comes back brings it to the thread. */
  look(image: RgbImage, signal: AbortSignal | undefined): Promise<TakeIn>;
  /** The bits of each mask at the size of the video. */
  finish(sent: readonly SentObject[], signal: AbortSignal | undefined): Promise<readonly Uint32Array[]>;
}

/** A video whose objects one thread follows. */
export class SessionVideo<Session> implements EngineVideo {
  readonly memory: EngineVideo["memory"];
  readonly reasons: EngineVideo["reasons"];
  readonly #parts: SessionParts<Session>;
  readonly #ahead: LookAhead;

  constructor(parts: SessionParts<Session>) {
    this.memory = parts.memory;
    this.reasons = parts.reasons;
    this.#parts = parts;
    this.#ahead = new LookAhead(parts.source.ahead ?? null, parts.look);
  }

  async prompt(
    object: number,
    frame: number,
    { mask, ...prompt }: VideoPrompt,
    { signal }: VideoCall,
  ): Promise<VideoAnswer> {
    const { calls, session, nonOverlapping } = this.#parts;
    this.#parts.checkMask?.(mask);
    if (!(await this.#look(frame, signal))) {
      throw new UnSAMError("E_BAD_PROMPT", `Frame ${frame} was prompted, but the video ends before it.`);
    }
    const sent = await calls("prompt", [session, object, frame, prompt, mask && sentMask(mask)], { signal });
    // Of several objects the others decide which pixels are this one's.
    const wanted = nonOverlapping ? sent : sent.filter((one) => one.object === object);
    return (await this.#answers(wanted, signal)).get(object)!;
  }

  start({ signal }: VideoCall): Promise<number> {
    return this.#parts.calls("start", [this.#parts.session], { signal });
  }

  async track(
    frame: number,
    { reverse, granularity, ahead = null }: VideoTracking,
    { signal }: VideoCall,
  ): Promise<Map<number, VideoAnswer> | null> {
    const { calls, session } = this.#parts;
    await this.#ahead.settle(frame, signal);
    const { objects, needsFrame, lacksNext } = await calls("ask", [session, frame, ahead], { signal });
    if (needsFrame && !(await this.#look(frame, signal))) return null;
    if (ahead !== null && lacksNext) this.#ahead.begin(ahead);
    try {
      const sent: SentObject[] = [];
      // Object by object, so that a click elsewhere need not wait for all of them.
      for (const object of objects) {
        const how = { reverse, granularity: granularity.get(object) ?? null };
        sent.push(...(await calls("track", [session, object, frame, how], { signal })));
      }
      this.#ahead.takeIn();
      return await this.#answers(sent, signal);
    } catch (cause) {
      this.#ahead.stop();
      throw cause;
    }
  }

  lookNoFurther(): void {
    this.#ahead.stop();
  }

  clearPrompts(object: number, frame: number): Promise<void> {
    return this.#parts.calls("clearPrompts", [this.#parts.session, object, frame]);
  }

  remove(object: number): Promise<void> {
    return this.#parts.calls("remove", [this.#parts.session, object]);
  }

  reset(): Promise<void> {
    return this.#parts.calls("reset", [this.#parts.session]);
  }

  async dispose(): Promise<void> {
    this.#ahead.stop();
    // Nobody needs to wait until the other thread gets to it.
    this.#parts.session.release().catch(() => {});
  }

  /** Makes sure that what objects are followed by on a frame is there; false: the video ends before it. */
  async #look(frame: number, signal: AbortSignal | undefined): Promise<boolean> {
    const { calls, session, source, look } = this.#parts;
    await this.#ahead.settle(frame, signal);
    if (await calls("holds", [session, frame], { signal })) return true;
    const image = await source.read(frame, signal);
    if (image === null) return false;
    await (await look(image, signal))(frame, signal);
    return true;
  }

  async #answers(
    sent: readonly SentObject[],
    signal: AbortSignal | undefined,
  ): Promise<Map<number, VideoAnswer>> {
    const { finish, logitSide, source } = this.#parts;
    const words = await finish(sent, signal);
    return new Map(
      sent.map(({ object, logits, score, objectScore }, i) => [
        object,
        {
          mask: new Mask(source.width, source.height, words[i]),
          score,
          objectScore,
          logits: { data: logits, shape: [logitSide, logitSide] },
        },
      ]),
    );
  }
}
