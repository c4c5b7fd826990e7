import { describeScale, share, time } from "../session/sentences.ts";
import type { Studio } from "../session/studio.ts";
import { autoIndex, COARSEST, FINEST, granularityOf, indexAt, type Ladder, spanOf } from "../state/ladder.ts";

const ARROWS: Readonly<Record<string, "finer" | "coarser">> = {
  ArrowLeft: "finer",
  ArrowDown: "finer",
  ArrowRight: "coarser",
  ArrowUp: "coarser",
};

/** The slider from fine to coarse: of the selected object, or of everything. */
export function Granularity({ studio }: { readonly studio: Studio }) {
  const { mode } = studio.state;
  return (
    <section class="granularity" aria-label="From fine to coarse">
      {mode === "everything" ? <SceneGranularity studio={studio} /> : <ObjectGranularity studio={studio} />}
    </section>
  );
}

function ObjectGranularity({ studio }: { readonly studio: Studio }) {
  const { photo, hasGranularity } = studio.state;
  const object = studio.selected;
  const ladder = object && studio.ladderOf(object);
  const shown = object && studio.shown(object);
  const isAuto = object?.granularity === "auto";
  const index = object && ladder ? indexAt(ladder, object.granularity) : null;
  const part = photo && shown ? `${share(shown.area, photo)} of the photo` : "";
  const about = ladder && index !== null ? `Scale ${index + 1} of ${ladder.scales.length}` : "";
  const isDisabled = !ladder || !hasGranularity;
  return (
    <>
      <Head
        text={headOf(studio, about, part)}
        timing={ladder ? `Answer in ${time(ladder.milliseconds)}` : photoTiming(studio)}
        button={
          <button
            type="button"
            class="button small"
            aria-pressed={isAuto && ladder !== null}
            disabled={isDisabled}
            onClick={() => {
              studio.setGranularity("auto");
              if (object) studio.say(studio.describe({ ...object, granularity: "auto" }));
            }}
          >
            Auto
          </button>
        }
      />
      <Slider
        label="From fine to coarse"
        value={granularityOf(ladder, object?.granularity ?? "auto")}
        valueText={ladder && index !== null ? `${describeScale(ladder, index)}, ${part}` : "no answer yet"}
        min={FINEST}
        isDisabled={isDisabled}
        onInput={(value) => studio.setGranularity(value)}
        onStep={(direction) => studio.step(direction)}
      >
        {ladder && hasGranularity && <Scales ladder={ladder} index={index!} />}
      </Slider>
    </>
  );
}

function photoTiming({ state }: Studio): string | null {
  return state.photoMilliseconds === null ? null : `Encoded in ${time(state.photoMilliseconds)}`;
}

function headOf(studio: Studio, about: string, part: string): string {
  const { photo, hasGranularity, asking } = studio.state;
  const object = studio.selected;
  if (!photo) return "Open a photo to begin";
  if (!object) return "Click on something in the photo";
  if (object.region) return `${object.name} · ${part} · taken from everything`;
  if (!about) return asking > 0 ? "Asking …" : "Click on something in the photo";
  if (!hasGranularity) return `${part} · this model knows one scale`;
  return `${about} · ${part}`;
}

/** The different scales as pieces of the track. */
function Scales({ ladder, index }: { readonly ladder: Ladder; readonly index: number }) {
  const auto = autoIndex(ladder);
  return (
    <>
      {ladder.scales.map((_, k) => {
        const [from, to] = spanOf(ladder, k);
        const place = { left: percent(from), width: `calc(${percent(to, from)} - 2px)` };
        const name = `scale${k === index ? " current" : ""}${k === auto ? " auto" : ""}`;
        return <span key={from} class={name} style={place} />;
      })}
    </>
  );
}

function percent(to: number, from = FINEST): string {
  return `${(100 * (to - from)) / (COARSEST - FINEST)}%`;
}

function SceneGranularity({ studio }: { readonly studio: Studio }) {
  const { scene, sceneGranularity } = studio.state;
  const levels = scene?.scene.levels ?? [];
  const count = scene?.scene.masks.length ?? 0;
  return (
    <>
      <Head
        text={
          scene ? `${count} masks · granularity ${sceneGranularity.toFixed(2)}` : "Everything in the photo"
        }
        timing={scene ? `Everything in ${time(scene.milliseconds)}` : photoTiming(studio)}
        button={null}
      />
      <Slider
        label="From parts to wholes"
        value={sceneGranularity}
        valueText={`granularity ${sceneGranularity.toFixed(2)}`}
        min={0}
        isDisabled={!scene}
        onInput={(value) => studio.set({ sceneGranularity: value })}
        onStep={(direction) => studio.step(direction)}
      >
        {scene && <span class="scale whole" />}
        {levels.length <= MOST_TICKS &&
          levels.map((level) => <span key={level} class="tick" style={{ left: `${100 * level}%` }} />)}
      </Slider>
    </>
  );
}

const MOST_TICKS = 120;

function Head({
  text,
  timing,
  button,
}: {
  readonly text: string;
  readonly timing: string | null;
  readonly button: preact.ComponentChildren;
}) {
  return (
    <div class="granularity-head">
      <p class="granularity-text">{text}</p>
      {timing && <p class="timing">{timing}</p>}
      {button}
    </div>
  );
}

function Slider({
  label,
  value,
  valueText,
  min,
  isDisabled,
  onInput,
  onStep,
  children,
}: {
  readonly label: string;
  readonly value: number;
  readonly valueText: string;
  readonly min: number;
  readonly isDisabled: boolean;
  readonly onInput: (value: number) => void;
  readonly onStep: (direction: "finer" | "coarser") => void;
  readonly children: preact.ComponentChildren;
}) {
  const onKeyDown = (event: KeyboardEvent) => {
    const direction = ARROWS[event.key];
    if (!direction || event.ctrlKey || event.metaKey || event.altKey) return;
    event.preventDefault();
    onStep(direction);
  };
  return (
    <div class={`slider${isDisabled ? " disabled" : ""}`}>
      <span aria-hidden="true">fine</span>
      <div class="track">
        <div class="scales" aria-hidden="true">
          {children}
        </div>
        <input
          type="range"
          aria-label={label}
          aria-valuetext={valueText}
          min={min}
          max={COARSEST}
          step="0.005"
          value={value}
          disabled={isDisabled}
          onInput={(event) => onInput(Number(event.currentTarget.value))}
          onKeyDown={onKeyDown}
        />
      </div>
      <span aria-hidden="true">coarse</span>
    </div>
  );
}
