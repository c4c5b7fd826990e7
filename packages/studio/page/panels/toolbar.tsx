import type { Studio } from "../session/studio.ts";
import type { Tool } from "../session/studio-state.ts";
import type { StageControl } from "../stage/stage-control.ts";
import { Icon, type IconName } from "./icons.tsx";

const TOOLS: readonly { readonly tool: Tool; readonly name: string }[] = [
  { tool: "click", name: "Click, or drag a box" },
  { tool: "brush", name: "Brush" },
  { tool: "move", name: "Move the photo" },
];

/** What a hand does on the photo. */
export function Toolbar({
  studio,
  control,
}: {
  readonly studio: Studio;
  readonly control: StageControl | null;
}) {
  const { tool, isExcluding, history, mode, brushRadius } = studio.state;
  const isPrompting = mode === "objects" && tool === "click";
  return (
    <div class="toolbar" role="toolbar" aria-label="Tools">
      {TOOLS.map((one) => (
        <ToolButton
          key={one.tool}
          icon={one.tool}
          name={one.name}
          isPressed={tool === one.tool}
          onClick={() => studio.set({ tool: one.tool })}
        />
      ))}
      <hr />
      <ToolButton
        icon="include"
        name="Clicks belong to the object"
        isPressed={!isExcluding}
        isDisabled={!isPrompting}
        onClick={() => studio.set({ isExcluding: false })}
      />
      <ToolButton
        icon="exclude"
        name="Clicks do not belong to it"
        isPressed={isExcluding}
        isDisabled={!isPrompting}
        onClick={() => studio.set({ isExcluding: true })}
      />
      {tool === "brush" && (
        <input
          class="brush-size"
          type="range"
          aria-label="Size of the brush"
          min="4"
          max="60"
          value={brushRadius}
          onInput={(event) => studio.set({ brushRadius: Number(event.currentTarget.value) })}
        />
      )}
      <hr />
      <ToolButton
        icon="undo"
        name="Undo"
        isDisabled={history.past.length === 0}
        onClick={() => studio.undo()}
      />
      <ToolButton
        icon="redo"
        name="Redo"
        isDisabled={history.future.length === 0}
        onClick={() => studio.redo()}
      />
      <hr />
      <ToolButton icon="fit" name="Show the whole photo" onClick={() => control?.fit()} />
    </div>
  );
}

function ToolButton({
  icon,
  name,
  isPressed,
  isDisabled = false,
  onClick,
}: {
  readonly icon: IconName;
  readonly name: string;
  readonly isPressed?: boolean;
  readonly isDisabled?: boolean;
  readonly onClick: () => void;
}) {
  return (
    <button
      type="button"
      class="tool"
      aria-label={name}
      title={name}
      aria-pressed={isPressed}
      disabled={isDisabled}
      onClick={onClick}
    >
      <Icon name={icon} />
    </button>
  );
}
