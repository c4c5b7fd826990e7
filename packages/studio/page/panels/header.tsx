import { useRef } from "preact/hooks";
import { amount } from "../session/sentences.ts";
import type { Studio } from "../session/studio.ts";
import { Icon } from "./icons.tsx";

/** What is open, which model encodes it, and what leaves the page. */
export function Header({
  studio,
  onOpen,
  onExport,
  onHelp,
  onModel,
}: {
  readonly studio: Studio;
  readonly onOpen: () => void;
  readonly onExport: () => void;
  readonly onHelp: () => void;
  readonly onModel: (name: string) => void;
}) {
  return (
    <header class="header">
      <h1 class="brand">
        <img src="./icon.svg" alt="" width="24" height="24" />
        <span>UnSAM studio</span>
      </h1>
      <PhotoChooser studio={studio} />
      <button type="button" class="button" onClick={onOpen}>
        <Icon name="open" />
        <span>Open</span>
      </button>
      <div class="space" />
      <ModelChooser studio={studio} onModel={onModel} />
      <button type="button" class="button primary" disabled={!studio.state.photo} onClick={onExport}>
        <Icon name="save" />
        <span>Export</span>
      </button>
      <button type="button" class="button square" aria-label="Help: keys and gestures" onClick={onHelp}>
        ?
      </button>
    </header>
  );
}

function PhotoChooser({ studio }: { readonly studio: Studio }) {
  const { photos, photo, photoIndex } = studio.state;
  if (photos.length < 2) return photo ? <p class="photo-name">{photo.name}</p> : null;
  const go = (by: number) => {
    const from = photoIndex ?? (by > 0 ? -1 : photos.length);
    studio.openListed((from + by + photos.length) % photos.length);
  };
  return (
    <div class="photo-chooser">
      <button type="button" class="button square quiet" aria-label="Previous photo" onClick={() => go(-1)}>
        <Icon name="previous" />
      </button>
      <select
        aria-label="Photo"
        value={photoIndex === null ? "" : String(photoIndex)}
        onChange={(event) => studio.openListed(Number(event.currentTarget.value))}
      >
        {photoIndex === null && <option value="">{photo?.name ?? "Choose a photo"}</option>}
        {photos.map((name, index) => (
          <option key={name} value={String(index)}>
            {name}
          </option>
        ))}
      </select>
      <button type="button" class="button square quiet" aria-label="Next photo" onClick={() => go(1)}>
        <Icon name="next" />
      </button>
    </div>
  );
}

function ModelChooser({
  studio,
  onModel,
}: {
  readonly studio: Studio;
  readonly onModel: (name: string) => void;
}) {
  const { models, busy } = studio.state;
  const select = useRef<HTMLSelectElement>(null);
  const inUse = models.find(({ isInUse }) => isInUse)?.name ?? "";
  return (
    <label class="model">
      <span>Model</span>
      <select
        ref={select}
        value={inUse}
        disabled={busy !== null || models.length === 0}
        onChange={(event) => {
          const name = event.currentTarget.value;
          // It is the one in use until the other is there.
          event.currentTarget.value = inUse;
          onModel(name);
        }}
      >
        {models.map(({ name, isHere, bytes }) => (
          <option key={name} value={name}>
            {isHere ? name : `${name} (download${bytes === null ? "" : `, ${amount(bytes)}`})`}
          </option>
        ))}
      </select>
    </label>
  );
}
