"""Outlines of the things in synthetic scenes, as polygons in pixels (x, y), and masks cut from them."""

from dataclasses import dataclass

import numpy as np
from PIL import Image, ImageDraw


@dataclass(frozen=True)
class Patch:
    """A mask in a window of the canvas: `window` are the rows and columns, `mask` [h, w] bool."""

    window: tuple
    mask: np.ndarray

    @property
    def area(self):
        return int(self.mask.sum())

    def cut(self, mask):
        return Patch(self.window, self.mask & mask)

    def grid(self):
        """Pixel coordinates (y, x) of the window, float32, broadcastable to the mask."""
        rows, columns = self.window
        y = np.arange(rows.start, rows.stop, dtype=np.float32)[:, None]
        x = np.arange(columns.start, columns.stop, dtype=np.float32)[None, :]
        return y, x


def fill(points, size):
    """The polygon `points` [n, 2] on a canvas of side `size`; None where nothing of it is visible."""
    x0, y0 = np.maximum(0, np.floor(points.min(0)).astype(int))
    x1, y1 = np.minimum(size, np.ceil(points.max(0)).astype(int) + 1)
    if x1 <= x0 or y1 <= y0:
        return None
    image = Image.new("L", (int(x1 - x0), int(y1 - y0)))
    ImageDraw.Draw(image).polygon([(float(x - x0), float(y - y0)) for x, y in points], fill=1)
    mask = np.asarray(image, dtype=bool)
    return Patch((slice(int(y0), int(y1)), slice(int(x0), int(x1))), mask) if mask.any() else None


def whole(size):
    return Patch((slice(0, size), slice(0, size)), np.ones((size, size), dtype=bool))


def placed(unit, centre, radii, angle):
    """An outline around the origin, stretched by `radii`, turned and moved."""
    c, s = np.cos(angle), np.sin(angle)
    x, y = unit[:, 0] * radii[0], unit[:, 1] * radii[1]
    return np.stack([centre[0] + c * x - s * y, centre[1] + s * x + c * y], 1)


def blob(rng, roughness=None, points=72):
    """A closed curve around the origin of mean radius 1: a circle with a few random harmonics."""
    roughness = rng.uniform(0, 0.35) if roughness is None else roughness
    theta = np.linspace(0, 2 * np.pi, points, endpoint=False)
    radius = np.ones(points)
    for k in range(2, 8):
        radius += roughness * rng.normal() / k * np.cos(k * theta + rng.uniform(0, 2 * np.pi))
    radius = np.maximum(radius, 0.25)
    return np.stack([radius * np.cos(theta), radius * np.sin(theta)], 1)


def polygon(rng):
    """A star-shaped polygon with 3 to 9 corners."""
    corners = rng.integers(3, 10)
    theta = (np.arange(corners) + rng.uniform(-0.3, 0.3, corners)) * 2 * np.pi / corners
    radius = rng.uniform(1 - rng.uniform(0, 0.6), 1.1, corners)
    return np.stack([radius * np.cos(theta), radius * np.sin(theta)], 1)


def rectangle(rng=None):
    return np.array([[-1, -1], [1, -1], [1, 1], [-1, 1]], dtype=float)


def superellipse(rng):
    power = rng.choice([1.0, 0.5, 0.3, 1.4])
    theta = np.linspace(0, 2 * np.pi, 64, endpoint=False)
    c, s = np.cos(theta), np.sin(theta)
    return np.stack([np.sign(c) * np.abs(c) ** power, np.sign(s) * np.abs(s) ** power], 1)


def outline(rng):
    """One of the outlines above, at random."""
    return rng.choice([blob, blob, polygon, rectangle, superellipse])(rng)


def band(rng, start, end, width):
    """A bent stripe from one point to another: limbs, poles, stems, roads."""
    t = np.linspace(0, 1, 16)[:, None]
    start, end = np.asarray(start, float), np.asarray(end, float)
    along = end - start
    length = np.hypot(*along) + 1e-6
    normal = np.array([-along[1], along[0]]) / length
    middle = start + t * along + np.sin(np.pi * t) * normal * rng.normal(0, 0.12) * length
    taper = width * (1 - rng.uniform(0, 0.7) * t)
    return np.concatenate([middle + taper * normal, (middle - taper * normal)[::-1]])


def halves(rng, patch, share=None):
    """Divides a patch by a wavy line through it; returns the two sides (either may be empty)."""
    y, x = patch.grid()
    rows, columns = np.nonzero(patch.mask)
    pick = rng.integers(len(rows))
    cy = rows[pick] * 0.5 + rows.mean() * 0.5 + patch.window[0].start
    cx = columns[pick] * 0.5 + columns.mean() * 0.5 + patch.window[1].start
    angle = rng.uniform(0, 2 * np.pi)
    u = (x - cx) * np.cos(angle) + (y - cy) * np.sin(angle)
    v = (y - cy) * np.cos(angle) - (x - cx) * np.sin(angle)
    reach = np.sqrt(patch.area)
    wave = reach * rng.uniform(0, 0.12) * np.sin(v / reach * rng.uniform(2, 12) + rng.uniform(0, 6.3))
    if rng.random() < 0.3:
        wave = wave + rng.normal(0, 0.6) / reach * v**2
    side = u + wave > 0
    return patch.cut(side), patch.cut(~side)


def warp_field(rng, size, strength, cells):
    """Smooth random displacements [2, size, size] in pixels."""
    coarse = rng.normal(0, strength, (2, cells + 1, cells + 1)).astype(np.float32)
    planes = [Image.fromarray(plane).resize((size, size), Image.BICUBIC) for plane in coarse]
    return np.stack([np.asarray(plane) for plane in planes])


def voronoi(rng, size, count, warp):
    """Cells of random seeds on a warped plane: the number of the nearest and the gap to the second, [size, size]."""
    step = size / np.sqrt(count)
    side = int(np.ceil(size / step)) + 2
    gy, gx = np.mgrid[0:side, 0:side].astype(np.float32)
    jitter = rng.uniform(-0.42, 0.42, (2, side, side)).astype(np.float32)
    sy = (gy - 0.5 + jitter[0]) * step
    sx = (gx - 0.5 + jitter[1]) * step
    weight = rng.uniform(0, 0.5, (side, side)).astype(np.float32) * step
    dy, dx = warp_field(rng, size, warp, max(2, int(size / step)))
    y = np.arange(size, dtype=np.float32)[:, None] + dy
    x = np.arange(size, dtype=np.float32)[None, :] + dx
    cy = np.clip((y / step + 0.5).astype(int), 1, side - 2)
    cx = np.clip((x / step + 0.5).astype(int), 1, side - 2)
    best = np.full((size, size), np.inf, dtype=np.float32)
    second = best.copy()
    label = np.zeros((size, size), dtype=np.int32)
    for oy in (-1, 0, 1):
        for ox in (-1, 0, 1):
            row, column = cy + oy, cx + ox
            d = np.hypot(y - sy[row, column], x - sx[row, column]) - weight[row, column] * 0.5
            nearer = d < best
            second = np.where(nearer, best, np.minimum(second, d))
            label[nearer] = (row * side + column)[nearer]
            best = np.minimum(best, d)
    return np.unique(label, return_inverse=True)[1].reshape(size, size).astype(np.int32), second - best
