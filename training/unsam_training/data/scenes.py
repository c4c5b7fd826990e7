"""
Synthetic scenes with exact part–whole masks: the labels of the nano model that no person and no other model made.

A scene is a function of (seed, index): what it shows (`scenes_layouts`), of what shapes (`scenes_shapes`) and surfaces
(`scenes_textures`), under what light and through what camera (here). Its truth is the number of the leaf each pixel
belongs to, and for each two leaves the height of the smallest node that holds both: 0 within a leaf, 1 across things.

    python3 -m unsam_training.data.scenes --photos DIR --sheet scenes.png
"""

import argparse
import csv
import io
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from PIL import Image, ImageFilter

from ..errors import BadInput
from .scenes_canvas import Canvas
from .scenes_layouts import LAYOUTS
from .scenes_textures import TextureBank, fractal

KINDS = ("things", "things", "mosaic", "creatures", "street", "cells", "membranes")
"""Kinds in the proportion in which they are drawn."""


@dataclass(frozen=True)
class Scene:
    """`image` [h, w, 3] uint8; `leaf` [h, w] uint8, numbers from 0; `distance` [leaves, leaves] float32 in 0…1."""

    kind: str
    image: np.ndarray
    leaf: np.ndarray
    distance: np.ndarray


def shippable_photos(folder):
    """The files of a photo folder whose row in its `index.csv` says `shippable = yes`, sorted. Raises `BadInput` where there is no
    such table, or none of these columns."""
    folder = Path(folder)
    table = folder / "index.csv"
    if not table.is_file():
        raise BadInput(f"{folder} has no index.csv; write one with the columns file and shippable (yes or no).")
    with open(table, newline="", encoding="utf-8") as lines:
        rows = list(csv.DictReader(lines))
    if not rows or not {"file", "shippable"} <= rows[0].keys():
        raise BadInput(f"{table} has no row with the columns file and shippable.")
    return sorted(folder / row["file"] for row in rows if row["shippable"] == "yes")


def make_scene(seed, index, size, bank, kind=None):
    """Scene number `index`; the same arguments give the same scene."""
    for attempt in range(20):
        rng = np.random.default_rng([seed, index, attempt])
        chosen = kind or KINDS[rng.integers(len(KINDS))]
        canvas = Canvas(size, bank)
        canvas.soft = rng.choice([0.4, 0.6, 0.9])
        LAYOUTS[chosen](canvas, rng)
        leaves, leaf = np.unique(canvas.leaf, return_inverse=True)
        if 2 <= len(leaves) <= 255:
            break
    else:
        raise RuntimeError(f"Twenty tries at scene {index} of seed {seed} gave no scene with 2 to 255 leaves.")
    distance = tree_distances(np.array(canvas.parents), np.array(canvas.heights, np.float32), leaves)
    image = photograph(canvas.rgb, rng, canvas.soft)
    return Scene(chosen, image, leaf.reshape(size, size).astype(np.uint8), distance)


def tree_distances(parents, heights, leaves):
    """Height of the smallest node that holds both, for each pair of `leaves`, [n, n]; 0 for a leaf with itself."""
    paths = []
    for leaf in leaves:
        path = [leaf]
        while path[-1] != 0:
            path.append(parents[path[-1]])
        paths.append(path[::-1])
    depth = max(map(len, paths))
    table = np.full((len(paths), depth), -1)
    for row, path in enumerate(paths):
        table[row, : len(path)] = path
    distance = np.zeros((len(paths), len(paths)), np.float32)
    for level in range(depth):
        node = table[:, level]
        same = (node[:, None] == node[None, :]) & (node >= 0)[:, None]
        distance = np.where(same, heights[np.maximum(node, 0)][:, None], distance)
    np.fill_diagonal(distance, 0)
    return distance


def photograph(rgb, rng, soft):
    """Light across the scene, optics, sensor noise and JPEG: painted colours in 0…1 to an 8-bit photo."""
    size = rgb.shape[0]
    if rng.random() < 0.5:
        rgb = rgb * (1 + 1.5 * fractal(rng, size, size, 0.25))[..., None]
    if rng.random() < 0.15:
        rgb = rgb.mean(2, keepdims=True) * np.ones(3, np.float32)
    gamma, gain, lift = np.exp(rng.normal(0, 0.25)), np.exp(rng.normal(0, 0.2)), rng.normal(0, 0.04)
    rgb = np.clip(rgb * gain + lift, 0, 1) ** gamma
    image = Image.fromarray((rgb * 255).astype(np.uint8)).filter(ImageFilter.GaussianBlur(soft * rng.uniform(0.8, 1.4)))
    noise = rng.choice([0.0, 2.0, 5.0, 12.0], p=[0.3, 0.35, 0.25, 0.1])
    if noise:
        grain = rng.standard_normal((size, size, 3 if rng.random() < 0.5 else 1), dtype=np.float32)
        image = Image.fromarray(np.clip(np.asarray(image) + noise * grain, 0, 255).astype(np.uint8))
    if rng.random() < 0.6:
        data = io.BytesIO()
        image.save(data, "JPEG", quality=int(rng.integers(35, 96)))
        image = Image.open(data)
    return np.asarray(image.convert("RGB"))


def boundary_map(leaf, distance):
    """[h, w] float32: for pixels that touch another leaf the height at which the two meet, else 0."""
    out = np.zeros(leaf.shape, np.float32)
    for a, b in ((np.s_[:, 1:], np.s_[:, :-1]), (np.s_[1:], np.s_[:-1])):
        height = distance[leaf[a], leaf[b]]
        np.maximum(out[a], height, out=out[a])
        np.maximum(out[b], height, out=out[b])
    return out


def contact_sheet(scenes, columns=8):
    """Scenes beside their boundary maps, as one picture."""
    tiles = []
    for scene in scenes:
        edges = np.repeat((255 * boundary_map(scene.leaf, scene.distance)).astype(np.uint8)[..., None], 3, 2)
        tiles.append(np.concatenate([scene.image, edges], 0))
    tiles += [np.zeros_like(tiles[0])] * (-len(tiles) % columns)
    rows = [np.concatenate(tiles[k : k + columns], 1) for k in range(0, len(tiles), columns)]
    return Image.fromarray(np.concatenate(rows, 0))


def main():
    parser = argparse.ArgumentParser(description="Draws a contact sheet of synthetic scenes.")
    parser.add_argument("--photos", required=True, help="folder with index.csv; its shippable photos give textures")
    parser.add_argument("--sheet", default="scenes.png")
    parser.add_argument("--count", type=int, default=24)
    parser.add_argument("--size", type=int, default=256)
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--kind", choices=sorted(LAYOUTS))
    args = parser.parse_args()
    bank = TextureBank(shippable_photos(args.photos))
    scenes = [make_scene(args.seed, index, args.size, bank, args.kind) for index in range(args.count)]
    contact_sheet(scenes).save(args.sheet)


if __name__ == "__main__":
    main()
