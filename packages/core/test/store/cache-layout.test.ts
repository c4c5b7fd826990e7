import {
  chmodSync,
  existsSync,
  lstatSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  readlinkSync,
  rmSync,
  symlinkSync,
  writeFileSync,
} from "node:fs";
import path from "node:path";
import { gitSum, sha256 } from "@unsam/test-support";
import { describe, expect, it, vi } from "vitest";
import { KNOWN_MODELS, listModels } from "#core/store/index.js";
import { hubSetting, someBytes } from "./hub-setting.js";

const setting = hubSetting();
const REPO = "some-body/some.model";
const bytes = someBytes(5000);

/** What Python's huggingface_hub leaves after `hf_hub_download`, as its documentation and its source say. */
function asPython(
  repo: string,
  file: string,
  content: Uint8Array,
  commit: string,
  refs: Record<string, string>,
): string {
  const folder = path.join(setting.cache, `models--${repo.replace("/", "--")}`);
  const blob = path.join(folder, "blobs", sha256(content));
  const name = path.join(folder, "snapshots", commit, ...file.split("/"));
  mkdirSync(path.dirname(blob), { recursive: true });
  mkdirSync(path.dirname(name), { recursive: true });
  mkdirSync(path.join(folder, "refs"), { recursive: true });
  writeFileSync(blob, content);
  symlinkSync(path.relative(path.dirname(name), blob), name);
  for (const [ref, meant] of Object.entries(refs)) writeFileSync(path.join(folder, "refs", ref), meant);
  return name;
}

describe("the Hugging Face cache", () => {
  it("has after a pull the layout that Python's library reads", async () => {
    const { hub, cache, pull } = setting;
    hub.add(REPO, "deep/er/model.pt", bytes);
    hub.add(REPO, "config.json", Buffer.from("{}"), { lfs: false });
    const pulled = await pull(`hf:${REPO}/deep/er/model.pt`);
    const folder = path.join(cache, "models--some-body--some.model");
    const name = path.join(folder, "snapshots", hub.commit, "deep", "er", "model.pt");
    expect(pulled).toEqual({
      name: `hf:${REPO}/deep/er/model.pt`,
      path: name,
      bytes: bytes.length,
      sha256: sha256(bytes),
      repo: REPO,
      commit: hub.commit,
      file: "deep/er/model.pt",
      downloaded: true,
    });
    expect(readFileSync(path.join(folder, "refs", "main"), "utf8")).toBe(hub.commit);
    expect(readdirSync(path.join(folder, "blobs"))).toEqual([sha256(bytes)]);
    expect(readlinkSync(name)).toBe(`../../../../blobs/${sha256(bytes)}`);
    expect(readFileSync(name).equals(bytes)).toBe(true);
    expect(readdirSync(cache).sort()).toEqual([".locks", "CACHEDIR.TAG", "models--some-body--some.model"]);
    expect(readdirSync(path.join(cache, ".locks", "models--some-body--some.model"))).toEqual([]);

    // A small file lies in git itself; its blob has git's name.
    const small = await pull(`hf:${REPO}/config.json`);
    expect(readFileSync(small.path, "utf8")).toBe("{}");
    expect(readlinkSync(small.path)).toBe(`../../blobs/${gitSum(Buffer.from("{}"))}`);
  });

  it("that Python filled is used without a connection", async () => {
    const { hub, pull } = setting;
    const name = asPython(REPO, "in/model.pt", bytes, hub.commit, { main: hub.commit, "v1.0": hub.commit });
    for (const revision of ["", "#main", "#v1.0", `#${hub.commit}`]) {
      const found = await pull(`hf:${REPO}/in/model.pt${revision}`);
      expect(found).toMatchObject({
        path: name,
        downloaded: false,
        sha256: sha256(bytes),
        commit: hub.commit,
      });
    }
    expect(await pull(`hf:${REPO}`)).toMatchObject({ path: name, file: "in/model.pt" });
    expect(await pull(`hf:${REPO}/in/model.pt`, { verify: true })).toMatchObject({
      path: name,
      downloaded: false,
    });
    expect(hub.seen).toEqual([]);
  });

  it("that another tool filled without references is used for models whose size is known", async () => {
    const [tiny] = KNOWN_MODELS;
    // A file with holes: as large as the model, and takes no room.
    const { cache, pull, hub } = setting;
    const name = path.join(cache, "models--facebook--sam2.1-hiera-tiny", "snapshots", hub.commit, tiny.file!);
    mkdirSync(path.dirname(name), { recursive: true });
    writeFileSync(name, "");
    const { truncateSync } = await import("node:fs");
    truncateSync(name, tiny.bytes!);
    expect(await pull("sam2.1-tiny")).toMatchObject({ path: name, downloaded: false });
    const listed = await listModels(setting.own);
    expect(listed.map(({ name: model, path: here }) => [model, here !== null])).toEqual(
      KNOWN_MODELS.map((model) => [model.name, model.name === "sam2.1-tiny"]),
    );
    expect(hub.seen).toEqual([]);
    // Its content is not the model's: a comparison notices, and offline says so.
    await expect(pull("sam2.1-tiny", { verify: true, offline: true })).rejects.toMatchObject({
      code: "E_BAD_FILE",
      message: expect.stringContaining(tiny.sha256!),
    });
    truncateSync(name, 1000);
    await expect(pull("sam2.1-tiny", { offline: true })).rejects.toMatchObject({ code: "E_OFFLINE" });
  });

  it("takes a blob that is there under another commit's name, without a download", async () => {
    const { hub, pull } = setting;
    const old = "f".repeat(40);
    asPython(REPO, "model.pt", bytes, old, { main: old });
    hub.add(REPO, "model.pt", bytes);
    expect(await pull(`hf:${REPO}/model.pt`)).toMatchObject({ commit: old });
    const updated = await pull(`hf:${REPO}/model.pt`, { update: true });
    expect(updated).toMatchObject({ commit: hub.commit, downloaded: false });
    expect(readFileSync(updated.path).equals(bytes)).toBe(true);
    expect(hub.downloads).toEqual([]);
    expect(await pull(`hf:${REPO}/model.pt`, { offline: true })).toMatchObject({ commit: hub.commit });
  });

  it("is mended where a file is damaged, missing behind its link, or cut", async () => {
    const { hub, pull, told } = setting;
    hub.add(REPO, "model.pt", bytes);
    const name = asPython(REPO, "model.pt", bytes, hub.commit, { main: hub.commit });
    const blob = path.join(path.dirname(name), readlinkSync(name));
    const damaged = Uint8Array.from(bytes);
    damaged[100] ^= 1;
    writeFileSync(blob, damaged);
    expect(await pull(`hf:${REPO}/model.pt`, { verify: true })).toMatchObject({
      path: name,
      downloaded: true,
    });
    expect(told.find(({ phase }) => phase === "notice")?.message).toMatch(/damaged.*fetched anew/);
    expect(readFileSync(name).equals(bytes)).toBe(true);
    rmSync(blob);
    expect(await pull(`hf:${REPO}/model.pt`)).toMatchObject({ path: name, downloaded: true });
    expect(readFileSync(name).equals(bytes)).toBe(true);
  });

  it("may lie behind links, and under odd names", async () => {
    const { hub, folder, pull } = setting;
    hub.add(REPO, "model.pt", bytes);
    const real = path.join(folder, "elsewhere", "Кэш 100% #1");
    mkdirSync(real, { recursive: true });
    const link = path.join(folder, "link to cache");
    symlinkSync(real, link);
    vi.stubEnv("HF_HUB_CACHE", link);
    const pulled = await pull(`hf:${REPO}/model.pt`);
    expect(pulled.path.startsWith(link)).toBe(true);
    expect(readFileSync(pulled.path).equals(bytes)).toBe(true);
    expect(existsSync(path.join(real, "models--some-body--some.model", "blobs", sha256(bytes)))).toBe(true);
  });

  it("lies where the variables of Python's library say", async () => {
    const { hub, folder, pull } = setting;
    const name = asPython(REPO, "model.pt", bytes, hub.commit, { main: hub.commit });
    for (const [variable, value] of [
      ["HUGGINGFACE_HUB_CACHE", setting.cache],
      ["HF_HOME", path.dirname(setting.cache)],
    ]) {
      vi.stubEnv("HF_HUB_CACHE", undefined);
      vi.stubEnv("HF_HOME", undefined);
      vi.stubEnv(variable, value);
      expect((await pull(`hf:${REPO}/model.pt`, { offline: true })).path).toBe(name);
    }
    const xdg = path.join(folder, "xdg");
    mkdirSync(xdg);
    symlinkSync(path.dirname(setting.cache), path.join(xdg, "huggingface"));
    vi.stubEnv("HF_HOME", undefined);
    vi.stubEnv("HUGGINGFACE_HUB_CACHE", undefined);
    vi.stubEnv("XDG_CACHE_HOME", xdg);
    expect((await pull(`hf:${REPO}/model.pt`, { offline: true })).path).toBe(
      path.join(xdg, "huggingface", path.relative(path.dirname(setting.cache), name)),
    );
  });

  it("that cannot be written is one sentence", async () => {
    const { hub, cache, pull } = setting;
    hub.add(REPO, "model.pt", bytes);
    mkdirSync(path.dirname(cache), { recursive: true });
    writeFileSync(cache, "a file");
    await expect(pull(`hf:${REPO}/model.pt`)).rejects.toMatchObject({ code: "E_IO" });
    rmSync(cache);
    mkdirSync(cache);
    chmodSync(cache, 0o500);
    // Root writes everywhere.
    if (process.geteuid?.() !== 0) {
      await expect(pull(`hf:${REPO}/model.pt`)).rejects.toMatchObject({ code: "E_IO" });
    }
    chmodSync(cache, 0o700);
  });

  it("with a trap under the name of an unfinished file is refused, and the trap's target is left alone", async () => {
    const { hub, cache, folder, pull } = setting;
    hub.add(REPO, "model.pt", bytes);
    const victim = path.join(folder, "victim");
    writeFileSync(victim, "mine");
    const blobs = path.join(cache, "models--some-body--some.model", "blobs");
    mkdirSync(blobs, { recursive: true });
    symlinkSync(victim, path.join(blobs, `${sha256(bytes)}.unsam-part`));
    await expect(pull(`hf:${REPO}/model.pt`)).rejects.toMatchObject({ code: "E_IO" });
    expect(readFileSync(victim, "utf8")).toBe("mine");
    expect(lstatSync(victim).isFile()).toBe(true);
  });
});

describe("a model whose file is not known", () => {
  const [NAME, MODEL_REPO] = ["unsamv2", "yujunwei04/UnSAMv2"];

  it("is looked up, said to be without a licence where none is stated, and remembered", async () => {
    const { hub, pull, told } = setting;
    hub.add(MODEL_REPO, "README.md", Buffer.from("hello"), { lfs: false });
    hub.add(MODEL_REPO, "unsamv2_ckpt.pt", bytes);
    hub.add(MODEL_REPO, "unsamv2_plus_ckpt.pt", someBytes(6000, 2));
    const pulled = await pull(NAME);
    expect(pulled).toMatchObject({ file: "unsamv2_ckpt.pt", sha256: sha256(bytes) });
    const start = told.find(({ phase }) => phase === "start");
    expect(start).toMatchObject({ licence: null, total: bytes.length });
    expect(start?.message).toMatch(/no licence is stated/);
    expect(await pull("unsamv2-plus")).toMatchObject({ file: "unsamv2_plus_ckpt.pt" });
    expect(await pull(NAME, { offline: true })).toMatchObject({ path: pulled.path, sha256: sha256(bytes) });
    expect((await listModels(setting.own)).find(({ name }) => name === NAME)?.path).toBe(pulled.path);
  });

  it("has the licence that the hub states", async () => {
    const { hub, pull, told } = setting;
    hub.add(MODEL_REPO, "only.pt", bytes);
    hub.facts = { tags: ["pytorch", "license:apache-2.0"] };
    await pull(NAME);
    expect(told.find(({ phase }) => phase === "start")).toMatchObject({ licence: "apache-2.0" });
  });

  it("is not replaced by another one in silence", async () => {
    const { hub, pull, cache } = setting;
    hub.add(MODEL_REPO, "unsamv2.pt", bytes);
    await pull(NAME);
    rmSync(cache, { recursive: true });
    const other = someBytes(5000, 3);
    hub.add(MODEL_REPO, "unsamv2.pt", other);
    await expect(pull(NAME)).rejects.toMatchObject({
      code: "E_DOWNLOAD",
      message: expect.stringMatching(/first fetched here.*--update/),
    });
    expect(await pull(NAME, { update: true })).toMatchObject({ sha256: sha256(other), downloaded: true });
    rmSync(cache, { recursive: true });
    expect(await pull(NAME)).toMatchObject({ sha256: sha256(other) });
  });

  it("is asked for by its own name where several could be meant", async () => {
    const { hub, pull } = setting;
    hub.add(MODEL_REPO, "a.pt", bytes);
    hub.add(MODEL_REPO, "b.pt", bytes);
    await expect(pull(NAME)).rejects.toThrow(/2 checkpoints.*hf:yujunwei04\/UnSAMv2\/a\.pt, hf:.*b\.pt/);
    hub.add("x/y", "README.md", bytes);
    await expect(pull("hf:x/y")).rejects.toThrow(/no checkpoint/);
  });

  it("of our table that is another one at the hub is refused, and says how to take it", async () => {
    const { hub, pull } = setting;
    hub.add("facebook/sam2.1-hiera-small", "sam2.1_hiera_small.pt", bytes);
    await expect(pull("sam2.1-small")).rejects.toMatchObject({
      code: "E_DOWNLOAD",
      message: expect.stringMatching(/6d1aa6f3.*hf:facebook\/sam2\.1-hiera-small\/sam2\.1_hiera_small\.pt/),
    });
    expect(hub.downloads).toEqual([]);
  });
});
