import { useEffect, useRef } from "preact/hooks";
import type { Studio } from "../session/studio.ts";
import { StageControl } from "./stage-control.ts";

/** The photo with what lies over it. */
export function Stage({
  studio,
  onControl,
}: {
  readonly studio: Studio;
  readonly onControl: (control: StageControl | null) => void;
}) {
  const root = useRef<HTMLDivElement>(null);
  const photo = useRef<HTMLCanvasElement>(null);
  const over = useRef<HTMLCanvasElement>(null);
  const control = useRef<StageControl | null>(null);
  useEffect(() => {
    control.current = new StageControl(studio, root.current!, photo.current!, over.current!);
    onControl(control.current);
    return () => {
      onControl(null);
      control.current?.end();
    };
  }, [studio]);
  const onKeyDown = (event: KeyboardEvent) => {
    if (event.ctrlKey || event.metaKey) return;
    if (control.current?.key(event)) event.preventDefault();
  };
  const name = studio.state.photo?.name ?? "No photo";
  const { tool } = studio.state;
  return (
    <div
      ref={root}
      class={`stage-view tool-${tool}`}
      role="application"
      aria-label={`${name}. Arrow keys move a crosshair, Enter says that this belongs to the object, the help button lists all keys.`}
      // biome-ignore lint/a11y/noNoninteractiveTabindex: an application takes keys.
      tabIndex={0}
      onKeyDown={onKeyDown}
    >
      <canvas ref={photo} />
      <canvas ref={over} class="over" />
    </div>
  );
}
