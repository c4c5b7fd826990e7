"""The canvas of a synthetic scene, and things with their parts on it."""

import numpy as np

from . import scenes_shapes as shapes
from .scenes_textures import colour, related, surface


class Canvas:
    """
    The picture being painted. A node of the part–whole tree has a parent and a height (0…1, the root 1); a leaf has
    height 0 and owns the pixels painted last with its number.
    """

    def __init__(self, size, bank):
        self.size = size
        self.bank = bank
        self.rgb = np.zeros((size, size, 3), np.float32)
        self.leaf = np.zeros((size, size), np.int32)
        self.parents = [0]
        self.heights = [1.0]

    def node(self, parent, height):
        """A group or thing below `parent`, at most 0.95 of its height."""
        self.parents.append(parent)
        self.heights.append(min(height, 0.95 * self.heights[parent]))
        return len(self.parents) - 1

    def paint(self, patch, parent, pixels):
        """A new leaf below `parent` that covers `patch`."""
        leaf = self.node(parent, 0.0)
        self.leaf[patch.window][patch.mask] = leaf
        self.rgb[patch.window][patch.mask] = pixels[patch.mask]
        return leaf

    def surface(self, rng, patch, parent, base, texture=1.0):
        return self.paint(patch, parent, surface(rng, patch, base, self.bank, texture))

    def shadow(self, rng, patch):
        """Darkens the ground beside a thing; changes no label."""
        dy, dx = rng.integers(-10, 11, 2)
        rows, columns = patch.window
        top, left = max(0, rows.start + dy), max(0, columns.start + dx)
        bottom, right = min(self.size, rows.stop + dy), min(self.size, columns.stop + dx)
        if bottom <= top or right <= left:
            return
        down, across = dy + rows.start, dx + columns.start
        mask = patch.mask[top - down : bottom - down, left - across : right - across]
        self.rgb[top:bottom, left:right][mask] *= rng.uniform(0.5, 0.85)


def thing(canvas, rng, points, parent, base, depth=2, height=None):
    """A thing with its parts: sides, spots, a rim, limbs of detail, down to `depth` levels below it."""
    patch = shapes.fill(points, canvas.size)
    if patch is None or patch.area < 12:
        return
    if rng.random() < 0.35:
        canvas.shadow(rng, patch)
    whole = canvas.node(parent, rng.uniform(0.5, 0.8) if height is None else height)
    parts(canvas, rng, patch, whole, base, depth)


def parts(canvas, rng, patch, parent, base, depth):
    """Covers a patch with parts of `parent`."""
    small = patch.area < 60 or min(patch.mask.shape) < 6
    choice = rng.random()
    if depth == 0 or small or choice < 0.25:
        canvas.surface(rng, patch, parent, base)
    elif choice < 0.6:
        first, second = shapes.halves(rng, patch)
        other = related(rng, base, rng.uniform(0.15, 0.45)) if rng.random() < 0.6 else colour(rng)
        for side, paint in ((first, base), (second, other)):
            if side.area >= 12:
                deeper(canvas, rng, side, parent, paint, depth)
            elif side.area > 0:
                canvas.surface(rng, side, parent, paint)
    else:
        canvas.surface(rng, patch, parent, base)
        details(canvas, rng, patch, parent, base, depth)


def deeper(canvas, rng, patch, parent, base, depth):
    """A part that may itself have parts."""
    if depth > 1 and rng.random() < 0.5:
        parts(canvas, rng, patch, canvas.node(parent, 0.6 * canvas.heights[parent]), base, depth - 1)
    else:
        canvas.surface(rng, patch, parent, base)


def details(canvas, rng, patch, parent, base, depth):
    """Shapes inside a patch: a few unlike ones, or many alike (windows, spots, petals)."""
    rows, columns = np.nonzero(patch.mask)
    reach = np.sqrt(patch.area)
    many = rng.random() < 0.3
    paint = colour(rng) if rng.random() < 0.5 else related(rng, base, rng.uniform(0.2, 0.5))
    shape = shapes.outline(rng)
    angle = rng.uniform(0, 6.3)
    for _ in range(rng.integers(4, 12) if many else rng.integers(1, 4)):
        if not many:
            shape, angle = shapes.outline(rng), rng.uniform(0, 6.3)
            paint = colour(rng) if rng.random() < 0.4 else related(rng, base, rng.uniform(0.15, 0.5))
        pick = rng.integers(len(rows))
        centre = (columns[pick] + patch.window[1].start, rows[pick] + patch.window[0].start)
        radius = reach * (rng.uniform(0.05, 0.12) if many else rng.uniform(0.1, 0.35))
        inner = shapes.fill(shapes.placed(shape, centre, (radius, radius * rng.uniform(0.4, 1.2)), angle), canvas.size)
        inner = inner and within(inner, patch)
        if inner is not None and inner.area >= 10:
            deeper(canvas, rng, inner, parent, paint, depth)


def within(inner, outer):
    """`inner` cut to `outer`; None where nothing is left."""
    window, mask = [], []
    for a, b in zip(inner.window, outer.window):
        start, stop = max(a.start, b.start), min(a.stop, b.stop)
        if stop <= start:
            return None
        window.append(slice(start, stop))
        mask.append((slice(start - a.start, stop - a.start), slice(start - b.start, stop - b.start)))
    common = inner.mask[mask[0][0], mask[1][0]] & outer.mask[mask[0][1], mask[1][1]]
    return shapes.Patch(tuple(window), common) if common.any() else None
