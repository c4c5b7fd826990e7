import { useEffect, useState } from "preact/hooks";
import { time } from "../session/sentences.ts";
import type { Studio } from "../session/studio.ts";
import { Icon } from "./icons.tsx";

/** Work that is waited for, above the photo. */
export function Waiting({ studio }: { readonly studio: Studio }) {
  const { busy } = studio.state;
  const [, tick] = useState(0);
  const isBusy = busy !== null;
  useEffect(() => {
    if (!isBusy) return;
    const timer = setInterval(() => tick((count) => count + 1), 100);
    return () => clearInterval(timer);
  }, [isBusy]);
  if (!busy) return null;
  const { text, since, share, detail } = busy;
  return (
    <div class="waiting">
      <span>{text}</span>
      <span class="elapsed">{detail ?? time(performance.now() - since)}</span>
      <progress aria-label={text} max={1} value={share ?? undefined} />
      {detail !== undefined && (
        <button type="button" class="button stop" onClick={() => studio.stopLoading()}>
          Stop
        </button>
      )}
    </div>
  );
}

/** What went wrong, one sentence. */
export function Problem({ studio }: { readonly studio: Studio }) {
  const { problem } = studio.state;
  return (
    <div class="problem-place" role="alert">
      {problem !== null && (
        <div class="problem-box">
          <span>{problem}</span>
          <button
            type="button"
            class="button square quiet"
            aria-label="Close this message"
            onClick={() => studio.set({ problem: null })}
          >
            <Icon name="remove" />
          </button>
        </div>
      )}
    </div>
  );
}

/** What a screen reader is told. */
export function Said({ studio }: { readonly studio: Studio }) {
  return (
    <p class="hidden" role="status" aria-live="polite">
      {studio.state.said}
    </p>
  );
}
