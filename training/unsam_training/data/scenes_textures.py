"""Surfaces of the things in synthetic scenes: colours, textures cut from photos, procedural textures, shading."""

from functools import lru_cache

import numpy as np
from PIL import Image


class TextureBank:
    """Textures cut from photos. `files` must be free to use in shipped weights; their order decides what a seed gives."""

    def __init__(self, files, kept=256):
        self.files = list(files)
        self.photo = lru_cache(kept)(self._load)

    def _load(self, index):
        with Image.open(self.files[index]) as image:
            return image.convert("RGB")

    def cut(self, rng, height, width):
        """
        A piece of a photo at random magnification, [height, width, 3] float32 around 0 in units of 255. Of a few
        pieces the calmest is taken, and what varies slowly is damped, because edges inside a photo are no edges of
        the scene.
        """
        if not self.files:
            return fractal(rng, height, width)[..., None] * np.ones(3, np.float32)
        photo = self.photo(int(rng.integers(len(self.files))))
        zoom = np.exp(rng.uniform(np.log(0.5), np.log(2.0)))
        w = int(min(photo.width, max(8, width * zoom)))
        h = int(min(photo.height, max(8, height * zoom)))
        best, calmest = None, np.inf
        for _ in range(3):
            x = int(rng.integers(photo.width - w + 1))
            y = int(rng.integers(photo.height - h + 1))
            box = (x, y, x + w, y + h)
            coarse = np.asarray(photo.resize((6, 6), Image.BOX, box), dtype=np.float32)
            spread = coarse.std((0, 1)).sum()
            if spread < calmest:
                best, calmest = box, spread
        piece = photo.resize((width, height), Image.BILINEAR, best)
        slow = np.asarray(
            piece.resize((max(2, width // 12), max(2, height // 12)), Image.BOX).resize((width, height), Image.BILINEAR),
            dtype=np.float32,
        )
        texture = (np.asarray(piece, dtype=np.float32) - slow * rng.uniform(0.6, 1.0)) / 255
        texture -= texture.mean((0, 1))
        return texture * min(1.0, 0.09 / (float(texture.std()) + 1e-6))


def fractal(rng, height, width, roughness=None):
    """Noise with power at all scales, standard deviation about 0.1, [height, width]."""
    roughness = rng.uniform(0.3, 1.0) if roughness is None else roughness
    total = np.zeros((height, width), np.float32)
    side, amplitude, power = 2, 1.0, 0.0
    while side < max(height, width):
        coarse = rng.standard_normal((side + 1, side + 1), dtype=np.float32)
        total += amplitude * np.asarray(Image.fromarray(coarse).resize((width, height), Image.BILINEAR))
        power += amplitude**2
        amplitude *= roughness
        side *= 2
    return 0.1 / np.sqrt(power) * total


def pattern(rng, y, x):
    """Stripes, checks, dots or bricks over pixel coordinates, −0.5 … 0.5."""
    angle = rng.uniform(0, np.pi)
    period = rng.uniform(3, 18)
    u = (x * np.cos(angle) + y * np.sin(angle)) * (2 * np.pi / period)
    v = (y * np.cos(angle) - x * np.sin(angle)) * (2 * np.pi / (period * rng.uniform(0.5, 2)))
    kind = rng.integers(4)
    if kind == 0:
        wave = np.sin(u) + 0 * v
    elif kind == 1:
        wave = np.sin(u) * np.sin(v)
    elif kind == 2:
        wave = np.maximum(0, np.cos(u) * np.cos(v)) * 2 - 1
    else:
        wave = np.where((np.mod(u, 6.28) < 0.8) | (np.mod(v + 3.14 * (np.floor(u / 6.28) % 2), 6.28) < 0.5), -1, 1)
    if rng.random() < 0.5:
        wave = np.tanh(3 * wave)
    return 0.5 * wave.astype(np.float32)


def colour(rng):
    """A colour [3] in 0…1: from saturated to grey, from dark to bright."""
    grey = rng.uniform(0.05, 0.95)
    tint = rng.normal(0, 1, 3)
    tint -= tint.mean()
    return np.clip(grey + tint * rng.choice([0.02, 0.1, 0.2, 0.3]), 0.02, 0.98).astype(np.float32)


def related(rng, base, distance):
    """A colour about `distance` away from another."""
    step = rng.normal(0, 1, 3)
    shared = rng.normal(0, 1)
    return np.clip(base + distance * (0.5 * step + 0.8 * shared), 0.02, 0.98).astype(np.float32)


def surface(rng, patch, base, bank, texture=1.0):
    """Pixels [h, w, 3] of one material over a patch: colour, texture, shading."""
    height, width = patch.mask.shape
    y, x = patch.grid()
    out = np.broadcast_to(base, (height, width, 3)).copy()
    kind = rng.random()
    strength = texture * rng.choice([0.0, 0.4, 1.0, 1.6], p=[0.2, 0.3, 0.3, 0.2])
    if strength > 0:
        if kind < 0.55:
            out += strength * bank.cut(rng, height, width)
        elif kind < 0.8:
            out += strength * fractal(rng, height, width)[..., None] * (1 + rng.normal(0, 0.3, 3).astype(np.float32))
        else:
            out += strength * 0.25 * pattern(rng, y, x)[..., None] * (1 + rng.normal(0, 0.3, 3).astype(np.float32))
    return out * shading(rng, patch)[..., None]


def shading(rng, patch):
    """Light over a thing: a slope, or the fall-off of a round body, a factor around 1, [h, w]."""
    y, x = patch.grid()
    rows, columns = patch.window
    v = (y - (rows.start + rows.stop) / 2) / max(8, rows.stop - rows.start)
    u = (x - (columns.start + columns.stop) / 2) / max(8, columns.stop - columns.start)
    angle = rng.uniform(0, 2 * np.pi)
    slope = rng.choice([0.0, 0.2, 0.5]) * (u * np.cos(angle) + v * np.sin(angle))
    bulge = rng.choice([0.0, 0.0, 0.6, 1.2]) * (0.15 - (u - 0.2 * np.cos(angle)) ** 2 - (v - 0.2 * np.sin(angle)) ** 2)
    return np.clip(1 + slope + bulge, 0.35, 1.6).astype(np.float32)
