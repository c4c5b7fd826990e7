import { share } from "../session/sentences.ts";
import type { Studio } from "../session/studio.ts";
import { changed, type StudioObject, withObject, withoutObject } from "../state/document.ts";
import { Icon } from "./icons.tsx";

/** The objects of the photo, with names and colours. */
export function Objects({ studio }: { readonly studio: Studio }) {
  const { objects, selected } = studio.document;
  const { photo } = studio.state;
  return (
    <div class="panel-body">
      {objects.length === 0 && (
        <p class="hint">
          Click on something: it becomes an object. Then drag the slider from its parts to the whole.
        </p>
      )}
      <ul class="objects" aria-label="Objects">
        {objects.map((object) => (
          <ObjectRow key={object.id} studio={studio} object={object} isSelected={object.id === selected} />
        ))}
      </ul>
      <button
        type="button"
        class="button wide"
        disabled={!photo}
        onClick={() => studio.edit((document) => withObject(document))}
      >
        <Icon name="add" />
        <span>New object</span>
      </button>
    </div>
  );
}

function ObjectRow({
  studio,
  object,
  isSelected,
}: {
  readonly studio: Studio;
  readonly object: StudioObject;
  readonly isSelected: boolean;
}) {
  const { id, name, colour } = object;
  const { photo } = studio.state;
  const shown = studio.shown(object);
  const select = () => {
    if (!isSelected) studio.select(id);
  };
  const change = (what: Partial<StudioObject>, kind: string) =>
    studio.edit((document) => changed(document, id, what), `${kind} ${id}`);
  return (
    <li class="object" aria-current={isSelected ? "true" : undefined} onPointerDown={select}>
      <input
        type="color"
        aria-label={`Colour of ${name}`}
        value={colour}
        onInput={(event) => change({ colour: event.currentTarget.value }, "colour")}
      />
      <input
        type="text"
        aria-label={`Name of object ${id}`}
        value={name}
        maxLength={100}
        onFocus={select}
        onInput={(event) => change({ name: event.currentTarget.value }, "name")}
      />
      <span class="object-area">{photo && shown ? share(shown.area, photo) : "–"}</span>
      <button
        type="button"
        class="button square quiet"
        aria-label={`Remove ${name}`}
        onClick={() => studio.edit((document) => withoutObject(document, id))}
      >
        <Icon name="remove" />
      </button>
    </li>
  );
}
