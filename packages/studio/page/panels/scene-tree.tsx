import { useEffect, useRef, useState } from "preact/hooks";
import { share } from "../session/sentences.ts";
import type { Studio } from "../session/studio.ts";
import { withObject } from "../state/document.ts";
import { pathTo, type Scene } from "../state/scene.ts";

/** So many rows of one parent are shown at first. */
const MOST_ROWS = 60;

/** The masks of the photo as a tree of wholes and parts; a row lights up its region. */
export function SceneTree({ studio }: { readonly studio: Studio }) {
  const { scene: drawn, sceneSelected, photo, busy } = studio.state;
  const [opened, setOpened] = useState<ReadonlySet<number>>(new Set());
  if (!drawn || !photo) {
    return (
      <div class="panel-body">
        <p class="hint">{busy ? busy.text : "Open a photo to find everything in it."}</p>
      </div>
    );
  }
  const { scene } = drawn;
  const path = sceneSelected === null ? [] : pathTo(scene, sceneSelected);
  const isOpen = (id: number) => opened.has(id) || path.slice(0, -1).includes(id);
  const toggle = (id: number) => {
    const next = new Set(opened);
    if (!next.delete(id)) next.add(id);
    setOpened(next);
  };
  return (
    <div class="panel-body">
      <p class="hint">Point at a row to see it in the photo, or click in the photo to find its row.</p>
      <div class="tree" role="tree" aria-label="Wholes and parts">
        <Rows
          studio={studio}
          scene={scene}
          ids={scene.roots}
          level={1}
          path={path}
          isOpen={isOpen}
          toggle={toggle}
        />
      </div>
      <button
        type="button"
        class="button wide"
        disabled={sceneSelected === null}
        onClick={() => keepAsObject(studio)}
      >
        Keep as an object
      </button>
    </div>
  );
}

function keepAsObject(studio: Studio): void {
  const { scene, sceneSelected } = studio.state;
  if (!scene || sceneSelected === null) return;
  const { rle, bbox, area, score, stability, granularity } = scene.scene.masks[sceneSelected];
  const region = { counts: rle.counts as string, bbox, area, score, stability, granularity };
  studio.edit((document) => withObject(document, { region }));
  studio.say(`Kept as ${studio.selected?.name}.`);
}

interface RowsProps {
  readonly studio: Studio;
  readonly scene: Scene;
  readonly ids: readonly number[];
  readonly level: number;
  /** From a whole to the mask that is selected: these are always shown. */
  readonly path: readonly number[];
  readonly isOpen: (id: number) => boolean;
  readonly toggle: (id: number) => void;
}

function Rows({ ids, ...rest }: RowsProps) {
  const [chosen, setMost] = useState(MOST_ROWS);
  const most = Math.max(chosen, ids.findIndex((id) => rest.path.includes(id)) + 1);
  return (
    <>
      {ids.slice(0, most).map((id) => (
        <Row key={id} id={id} {...rest} />
      ))}
      {ids.length > most && (
        <div
          role="treeitem"
          class="row more"
          aria-level={rest.level}
          aria-selected={false}
          tabIndex={-1}
          style={{ "--level": String(rest.level) }}
          onClick={() => setMost(most + MOST_ROWS)}
          onKeyDown={(event) => {
            if (event.key === "Enter") setMost(most + MOST_ROWS);
            else if (event.key === "ArrowUp") focusNext(event, false);
          }}
        >
          <span class="twisty" aria-hidden="true">
            …
          </span>
          <span>{ids.length - most} smaller ones</span>
        </div>
      )}
    </>
  );
}

function Row({ id, ...rest }: Omit<RowsProps, "ids"> & { readonly id: number }) {
  const { studio, scene, level, isOpen, toggle } = rest;
  const { sceneHovered, sceneSelected, photo } = studio.state;
  const children = scene.children[id];
  const isExpanded = isOpen(id);
  const parts = children.length === 1 ? "1 part" : `${children.length} parts`;
  const name = `${level === 1 ? "Whole" : "Part"} ${id + 1}`;
  const select = () => studio.set({ sceneSelected: id });
  const row = useRef<HTMLDivElement>(null);
  const isSelected = sceneSelected === id;
  useEffect(() => {
    if (isSelected) row.current?.scrollIntoView({ block: "nearest" });
  }, [isSelected]);
  const onKeyDown = (event: KeyboardEvent) => {
    if (event.target !== event.currentTarget) return;
    if (event.key === "Enter" || event.key === " ") select();
    else if (event.key === "ArrowRight" && children.length > 0 && !isExpanded) toggle(id);
    else if (event.key === "ArrowLeft" && isExpanded) toggle(id);
    else if (event.key === "ArrowDown" || event.key === "ArrowUp")
      focusNext(event, event.key === "ArrowDown");
    else return;
    event.preventDefault();
  };
  return (
    <>
      <div
        ref={row}
        role="treeitem"
        class={`row${sceneHovered === id ? " hovered" : ""}`}
        aria-level={level}
        aria-selected={isSelected}
        aria-expanded={children.length > 0 ? isExpanded : undefined}
        tabIndex={isSelected || (sceneSelected === null && id === scene.roots[0]) ? 0 : -1}
        style={{ "--level": String(level) }}
        onClick={select}
        onKeyDown={onKeyDown}
        onFocus={() => studio.set({ sceneHovered: id })}
        onPointerEnter={() => studio.set({ sceneHovered: id })}
        onPointerLeave={() => studio.set({ sceneHovered: null })}
      >
        <span
          class="twisty"
          aria-hidden="true"
          onClick={(event) => {
            event.stopPropagation();
            toggle(id);
          }}
        >
          {children.length === 0 ? "" : isExpanded ? "▾" : "▸"}
        </span>
        <span>{name}</span>
        <span class="row-about">
          {children.length > 0 && `${parts} · `}
          {photo && share(scene.masks[id].area, photo)}
        </span>
      </div>
      {isExpanded && <Rows {...rest} ids={children} level={level + 1} />}
    </>
  );
}

function focusNext({ currentTarget }: KeyboardEvent, isDown: boolean): void {
  const row = currentTarget as HTMLElement;
  const rows = [...row.closest("[role=tree]")!.querySelectorAll<HTMLElement>("[role=treeitem]")];
  rows[rows.indexOf(row) + (isDown ? 1 : -1)]?.focus();
}
