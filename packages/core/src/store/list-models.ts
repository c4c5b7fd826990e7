import { checkpointAmong } from "./choose-checkpoint.js";
import { HubCache } from "./hub-cache.js";
import { KNOWN_MODELS, type KnownModel } from "./known-models.js";
import { rememberedFile } from "./remembered-files.js";
import { hubSettings } from "./settings.js";

/** A model that has a name, and whether its file is here. */
export interface ListedModel extends Omit<KnownModel, "plus"> {
  /** Its file on this machine; null: it would be downloaded. */
  readonly path: string | null;
}

/** All models with a name that are fetched from the hub. Opens no connection. */
export async function listModels(cacheDir: string): Promise<ListedModel[]> {
  const { cache } = hubSettings();
  return Promise.all(
    KNOWN_MODELS.map(async ({ plus, ...model }) => {
      const remembered = model.file === null ? await rememberedFile(cacheDir, model.name) : null;
      const store = new HubCache(cache, model.repo);
      const file = model.file ?? remembered?.file ?? checkpointAmong(await store.list("main"), plus);
      const bytes = model.bytes ?? remembered?.bytes ?? null;
      if (file === null) return { ...model, path: null };
      const here = await store.find("main", file);
      const found =
        here && (bytes === null || here.bytes === bytes)
          ? here
          : bytes === null
            ? null
            : await store.findAnywhere(file, bytes);
      return { ...model, file, bytes: bytes ?? found?.bytes ?? null, path: found?.path ?? null };
    }),
  );
}
