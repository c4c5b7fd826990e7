"""Training samples of the nano model: crops of synthetic scenes, of photos with region trees, and of collages of photos."""

import json
import os
import zipfile
from functools import lru_cache
from pathlib import Path

import numpy as np
import torch
from PIL import Image, ImageFilter

from ..seeding import generator
from .scenes import Scene, boundary_map, make_scene, tree_distances

POINTS = 192
CLUSTER = 8
"""Points of the tree distance come in clusters of this many close by, because merging compares neighbours."""


class ScenePool:
    """`count` scenes of one seed, made when first asked for and kept in `cache` (made again where a file is broken)."""

    def __init__(self, seed, count, size, bank, cache):
        self.seed, self.count, self.size, self.bank = seed, count, size, bank
        self.cache = Path(cache)
        self.cache.mkdir(parents=True, exist_ok=True)

    def __getitem__(self, index):
        file = self.cache / f"{self.seed}-{self.size}-{index:06d}.npz"
        try:
            with np.load(file) as saved:
                return Scene("", saved["image"], saved["leaf"], saved["distance"])
        except (OSError, ValueError, KeyError, EOFError, zipfile.BadZipFile):
            scene = make_scene(self.seed, index, self.size, self.bank)
            unfinished = self.cache / f".{os.getpid()}-{index}.npz"
            np.savez(unfinished, image=scene.image, leaf=scene.leaf, distance=scene.distance)
            os.replace(unfinished, file)
            return scene


class TreePhotos:
    """
    Photos with the upper part of their region tree, as `packages/model-nano/scripts/export-trees.mjs` writes it:
    NAME.png, the number of the leaf of each pixel; NAME.json, `parents` and `heights` of the nodes (0 is the root) and
    the node of each leaf, `leaves`. Photos without a tree are left out.
    """

    def __init__(self, photos, trees, kept=400):
        self.files = [file for file in photos if (Path(trees) / f"{file.stem}.json").exists()]
        self.trees = Path(trees)
        self.photo = lru_cache(kept)(self._load)

    def __len__(self):
        return len(self.files)

    def __getitem__(self, index):
        return self.photo(index)

    def _load(self, index):
        file = self.files[index]
        with Image.open(file) as image:
            rgb = np.asarray(image.convert("RGB"))
        with Image.open(self.trees / f"{file.stem}.png") as image:
            leaf = np.asarray(image.convert("L"))
        tree = json.loads((self.trees / f"{file.stem}.json").read_text())
        heights = np.array(tree["heights"], np.float32)
        return Scene("photo", rgb, leaf, tree_distances(np.array(tree["parents"]), heights, tree["leaves"]))


def crop(rng, scene, size, resize=True):
    """A random window of the scene at a random magnification, [size, size]; labels by nearest neighbour."""
    h, w = scene.leaf.shape
    zoom = np.exp(rng.uniform(np.log(0.7), np.log(1.5))) if resize and rng.random() < 0.5 else 1.0
    side = int(min(h, w, max(64, size / zoom)))
    y, x = int(rng.integers(h - side + 1)), int(rng.integers(w - side + 1))
    image, leaf = scene.image[y : y + side, x : x + side], scene.leaf[y : y + side, x : x + side]
    if side != size:
        image = np.asarray(Image.fromarray(image).resize((size, size), Image.BILINEAR))
        leaf = np.asarray(Image.fromarray(leaf).resize((size, size), Image.NEAREST))
    return Scene(scene.kind, image, leaf, scene.distance)


def collage(rng, ground, others):
    """
    Regions of other photos pasted on a photo: real surfaces and shapes with borders that are exactly known. A pasted
    region is a thing of its own, at height 1 to all else.
    """
    image = ground.image.astype(np.float32)
    leaf = ground.leaf.astype(np.int32)
    distance = ground.distance
    for other in others:
        mask = region(rng, other)
        if mask is None or len(distance) + len(other.distance) > 255:
            continue
        feather = ImageFilter.GaussianBlur(rng.uniform(0.3, 0.9))
        soft = np.asarray(Image.fromarray((mask * 255).astype(np.uint8)).filter(feather))
        share = soft[..., None].astype(np.float32) / 255
        pasted = other.image.astype(np.float32) * rng.uniform(0.7, 1.3) + rng.normal(0, 8)
        image = image * (1 - share) + pasted * share
        n, m = len(distance), len(other.distance)
        joined = np.ones((n + m, n + m), np.float32)
        joined[:n, :n] = distance
        joined[n:, n:] = other.distance * 0.7
        distance = joined
        leaf[mask] = other.leaf[mask].astype(np.int32) + n
    return Scene("collage", np.clip(image, 0, 255).astype(np.uint8), leaf.astype(np.uint8), distance)


def region(rng, scene):
    """A connected-looking region of a photo's tree: all leaves within some height of a random one; None if too small or large."""
    for _ in range(6):
        y, x = rng.integers(scene.leaf.shape[0]), rng.integers(scene.leaf.shape[1])
        mask = (scene.distance[scene.leaf[y, x]] <= rng.uniform(0.3, 0.8))[scene.leaf]
        if 0.01 < mask.mean() < 0.35:
            return mask
    return None


def augment(rng, scene):
    """Flips, quarter turns, and light: gain, gamma, colour, grey, inversion, blur, noise."""
    image, leaf = scene.image, scene.leaf
    if rng.random() < 0.5:
        image, leaf = image[:, ::-1], leaf[:, ::-1]
    if rng.random() < 0.2:
        turns = int(rng.integers(1, 4))
        image, leaf = np.rot90(image, turns), np.rot90(leaf, turns)
    value = image.astype(np.float32) / 255
    if rng.random() < 0.7:
        value = value * np.exp(rng.normal(0, 0.15)) * np.exp(rng.normal(0, 0.06, 3).astype(np.float32))
        value = np.clip(value + np.float32(rng.normal(0, 0.03)), 0, 1) ** np.float32(np.exp(rng.normal(0, 0.2)))
    if rng.random() < 0.1:
        value = np.repeat(value.mean(2, keepdims=True), 3, 2)
    if rng.random() < 0.05:
        value = 1 - np.clip(value, 0, 1)
    if rng.random() < 0.15:
        blurred = Image.fromarray((np.clip(value, 0, 1) * 255).astype(np.uint8)).filter(ImageFilter.GaussianBlur(rng.uniform(0.3, 1.2)))
        value = np.asarray(blurred, dtype=np.float32) / 255
    if rng.random() < 0.2:
        value = value + rng.standard_normal(value.shape, dtype=np.float32) * np.float32(rng.uniform(0, 0.03))
    return Scene(scene.kind, (np.clip(value, 0, 1) * 255).astype(np.uint8), np.ascontiguousarray(leaf), scene.distance)


def draw_points(rng, size):
    """POINTS positions (y, x) on a grid of `size`, in clusters."""
    centres = rng.integers(0, size, (POINTS // CLUSTER, 1, 2))
    spread = rng.normal(0, rng.choice([4, 10], (POINTS // CLUSTER, 1, 1)), (POINTS // CLUSTER, CLUSTER, 2))
    return np.clip(np.round(centres + spread), 0, size - 1).astype(np.int64).reshape(-1, 2)


def tensors(rng, scene):
    """image [h, w, 3] uint8, height [h/2, w/2], points [n] on the half-size grid, target [n, n]."""
    size = scene.leaf.shape[0]
    height = boundary_map(scene.leaf, scene.distance)
    half = height.reshape(size // 2, 2, size // 2, 2).max((1, 3))
    points = draw_points(rng, size // 2)
    ids = scene.leaf[points[:, 0] * 2, points[:, 1] * 2]
    return {
        "image": torch.from_numpy(np.ascontiguousarray(scene.image)),
        "height": torch.from_numpy(half),
        "points": torch.from_numpy(points[:, 0] * (size // 2) + points[:, 1]),
        "target": torch.from_numpy(scene.distance[ids[:, None], ids[None, :]]),
    }


class NanoSamples:
    """The recipe's batch source: sample `index` of step `step` depends on nothing but (seed, step, index)."""

    def __init__(self, seed, batch_size, size, pool, photos=None, photo_share=0.35, collage_share=0.6, photo_weight=0.4):
        self.seed, self.batch_size, self.size = seed, batch_size, size
        self.pool, self.photos = pool, photos
        self.photo_share = photo_share if photos is not None and len(photos) else 0.0
        self.collage_share, self.photo_weight = collage_share, photo_weight

    def sample(self, step, index):
        rng = generator(self.seed, step, index)
        if rng.random() >= self.photo_share:
            scene = crop(rng, self.pool[int(rng.integers(self.pool.count))], self.size)
            return {**tensors(rng, augment(rng, scene)), "weight": 1.0}
        scene = crop(rng, self._photo(rng), self.size)
        if rng.random() < self.collage_share:
            others = [crop(rng, self._photo(rng), self.size) for _ in range(rng.integers(1, 4))]
            scene = collage(rng, scene, others)
        return {**tensors(rng, augment(rng, scene)), "weight": self.photo_weight}

    def _photo(self, rng):
        return self.photos[int(rng.integers(len(self.photos)))]

    def collate(self, samples):
        batch = {name: torch.stack([sample[name] for sample in samples]) for name in samples[0] if name != "weight"}
        return {**batch, "weight": torch.tensor([sample["weight"] for sample in samples])}
