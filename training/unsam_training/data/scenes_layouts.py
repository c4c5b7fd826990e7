"""What synthetic scenes show: things with parts, mosaics, cells, membranes, streets. Each fills a canvas."""

import numpy as np

from . import scenes_shapes as shapes
from .scenes_canvas import parts, thing, within
from .scenes_textures import colour, fractal, related


def ground(canvas, rng, pieces=None):
    """What lies behind everything: one to four stretches of ground."""
    everything = shapes.whole(canvas.size)
    stretches = [everything]
    for _ in range(rng.choice([0, 1, 2, 3], p=[0.35, 0.35, 0.2, 0.1]) if pieces is None else pieces):
        largest = max(range(len(stretches)), key=lambda k: stretches[k].area)
        stretches.extend(side for side in shapes.halves(rng, stretches.pop(largest)) if side.area > 40)
    parent = canvas.node(0, 0.9) if len(stretches) > 1 and rng.random() < 0.5 else 0
    base = colour(rng)
    for stretch in stretches:
        canvas.surface(rng, stretch, parent, base, texture=1.3)
        base = related(rng, base, 0.4) if rng.random() < 0.5 else colour(rng)


def things(canvas, rng):
    """Things with parts on textured ground: scattered, stacked, or in clusters of one kind."""
    size = canvas.size
    ground(canvas, rng)
    total = int(rng.choice([2, 4, 8, 16, 30]))
    scale = size * rng.uniform(0.5, 1.0) / np.sqrt(total)
    while total > 0:
        centre = rng.uniform(0, size, 2)
        count = 1 if rng.random() < 0.6 else int(rng.integers(2, 7))
        total -= count
        group = canvas.node(0, rng.uniform(0.8, 0.92)) if count > 1 else 0
        kind, paint = shapes.outline(rng), colour(rng)
        radius = scale * np.exp(rng.normal(-0.9, 0.5))
        for _ in range(count):
            unit = kind if rng.random() < 0.7 else shapes.outline(rng)
            radii = radius * np.exp(rng.normal(0, 0.25, 2))
            place = centre + (rng.normal(0, 1.3 * radius, 2) if count > 1 else 0)
            points = shapes.placed(unit, place, radii, rng.uniform(0, 6.3))
            thing(canvas, rng, points, group, related(rng, paint, 0.1), depth=int(rng.integers(0, 4)))
        if rng.random() < 0.2:
            end = centre + rng.normal(0, 0.4 * size, 2)
            thing(canvas, rng, shapes.band(rng, centre, end, rng.uniform(1.5, 8)), 0, colour(rng), depth=0)


def creature(canvas, rng, foot, tall, parent=0):
    """A body with head, trunk, limbs and marks: a person or an animal, standing or not."""
    skin, cloth, legs = colour(rng), colour(rng), colour(rng)
    whole = canvas.node(parent, rng.uniform(0.6, 0.8))
    up = np.array([rng.normal(0, 0.15), -1.0]) * tall
    side = np.array([1.0, rng.normal(0, 0.1)]) * tall
    foot = np.asarray(foot, float)
    hip, neck = foot + 0.45 * up, foot + 0.8 * up
    lower = canvas.node(whole, 0.5)
    upper = canvas.node(whole, 0.5)
    for turn in (-1, 1):
        leg = shapes.band(rng, hip + turn * 0.05 * side, foot + turn * rng.uniform(0.02, 0.16) * side, 0.06 * tall)
        arm = shapes.band(rng, neck - 0.04 * up + turn * 0.1 * side, hip + turn * rng.uniform(0.1, 0.3) * side, 0.04 * tall)
        for points, node, paint in ((leg, lower, legs), (arm, upper, cloth if rng.random() < 0.6 else skin)):
            patch = shapes.fill(points, canvas.size)
            if patch is not None:
                canvas.surface(rng, patch, node, paint)
    for unit, centre, radii, node, paint in (
        (shapes.superellipse(rng), (hip + neck) / 2, (0.14 * tall, 0.2 * tall), upper, cloth),
        (shapes.blob(rng, 0.1), neck + 0.1 * up, (0.075 * tall, 0.1 * tall), canvas.node(whole, 0.35), skin),
    ):
        patch = shapes.fill(shapes.placed(unit, centre, radii, rng.normal(0, 0.1)), canvas.size)
        if patch is not None and patch.area >= 6:
            parts(canvas, rng, patch, node, paint, 1)


def mosaic(canvas, rng):
    """The plane divided again and again, with a surface for each piece: borders of texture and of colour alone."""

    def divide(patch, parent, base, depth):
        if depth == 0 or patch.area < 250 or rng.random() < 0.15:
            canvas.surface(rng, patch, parent, base, texture=1.5)
            return
        for side in shapes.halves(rng, patch):
            if side.area < 30:
                if side.area:
                    canvas.surface(rng, side, parent, base)
                continue
            paint = colour(rng) if rng.random() < 0.25 + 0.12 * depth else related(rng, base, rng.uniform(0.05, 0.4))
            divide(side, canvas.node(parent, canvas.heights[parent] * rng.uniform(0.7, 0.9)), paint, depth - 1)

    divide(shapes.whole(canvas.size), 0, colour(rng), int(rng.integers(2, 6)))
    for _ in range(rng.integers(0, 4)):
        points = shapes.placed(shapes.outline(rng), rng.uniform(0, canvas.size, 2), rng.uniform(8, 60, 2), 0)
        thing(canvas, rng, points, 0, colour(rng))


def cells(canvas, rng):
    """Nuclei: fluorescent on dark, stained on tissue, or grey; alone and touching, sharp and out of focus."""
    size = canvas.size
    stain = rng.choice(["fluorescent", "stained", "grey"], p=[0.5, 0.25, 0.25])
    if stain == "fluorescent":
        base = np.full(3, rng.uniform(0.0, 0.15), np.float32)
        paint = base + rng.uniform(0.06, 0.7)
    elif stain == "stained":
        base = np.clip(np.array([0.85, 0.7, 0.85]) + rng.normal(0, 0.1, 3), 0, 1).astype(np.float32)
        paint = np.clip(np.array([0.4, 0.25, 0.55]) + rng.normal(0, 0.1, 3), 0, 1).astype(np.float32)
    else:
        base = np.full(3, rng.uniform(0.2, 0.95), np.float32)
        paint = np.clip(base + rng.choice([-1, 1]) * rng.uniform(0.12, 0.4), 0.02, 0.98)
    canvas.surface(rng, shapes.whole(size), 0, base, texture=0.3 if stain == "fluorescent" else 1.2)
    radius = size * np.exp(rng.uniform(np.log(0.012), np.log(0.1)))
    total = int(min(140, rng.uniform(0.05, 0.7) * (size / radius) ** 2 / 3.2))
    centres = []
    for _ in range(total):
        if centres and rng.random() < 0.4:
            near = centres[rng.integers(len(centres))]
            angle = rng.uniform(0, 6.3)
            centre = near + 1.9 * radius * np.array([np.cos(angle), np.sin(angle)])
        else:
            centre = rng.uniform(0, size, 2)
        overlap = any(np.hypot(*(centre - other)) < 1.5 * radius for other in centres)
        if overlap:
            continue
        centres.append(centre)
        shape = shapes.blob(rng, rng.choice([0.05, 0.15, 0.35]), 40)
        radii = radius * np.exp(rng.normal(0, 0.2, 2))
        patch = shapes.fill(shapes.placed(shape, centre, radii, rng.uniform(0, 6.3)), size)
        if patch is None or patch.area < 6:
            continue
        bright = np.clip(base + (paint - base) * np.exp(rng.normal(0, 0.35)), 0, 1).astype(np.float32)
        canvas.surface(rng, patch, 0, bright, texture=0.5 * float(np.abs(paint - base).mean()) * 3)
    canvas.soft = rng.choice([0.5, 0.9, 1.6])


def membranes(canvas, rng):
    """Cell profiles between dark membranes, grey, with speckle and organelles, as in electron micrographs."""
    size = canvas.size
    count = int(np.exp(rng.uniform(np.log(12), np.log(160))))
    label, gap = shapes.voronoi(rng, size, count, rng.uniform(1, 0.25 * size / np.sqrt(count)))
    light = rng.uniform(0.5, 0.8)
    dark = light - rng.uniform(0.15, 0.45)
    tint = np.ones(3, np.float32) if rng.random() < 0.8 else np.clip(1 + rng.normal(0, 0.1, 3), 0.7, 1.3)
    width = rng.uniform(1.0, 3.5) * (1 + 2.5 * fractal(rng, size, size, 0.5))
    wall = gap < width
    leaf = canvas.node(0, 0.0)
    canvas.leaf[:] = leaf
    for k in range(label.max() + 1):
        inside = (label == k) & ~wall
        if inside.sum() < 12:
            continue
        rows, columns = np.nonzero(inside)
        window = (slice(rows.min(), rows.max() + 1), slice(columns.min(), columns.max() + 1))
        patch = shapes.Patch(window, inside[window])
        cell = canvas.node(0, rng.uniform(0.3, 0.5))
        base = np.float32(light + rng.normal(0, 0.06)) * tint.astype(np.float32)
        canvas.paint(patch, cell, np.broadcast_to(base, (*patch.mask.shape, 3)))
        if patch.area > 350 and rng.random() < 0.5:
            pick = rng.integers(len(rows))
            reach = np.sqrt(patch.area) * rng.uniform(0.1, 0.25)
            unit, centre = shapes.blob(rng, 0.2), (columns[pick], rows[pick])
            points = shapes.placed(unit, centre, (reach, reach * rng.uniform(0.5, 1)), rng.uniform(0, 6))
            organelle = shapes.fill(points, size)
            organelle = organelle and within(organelle, patch)
            if organelle is not None and organelle.area > 12:
                canvas.surface(rng, organelle, cell, base - rng.uniform(0.08, 0.3) * tint.astype(np.float32), texture=0.7)
    depth = np.exp(-((gap / np.maximum(0.5, width)) ** 2))
    canvas.rgb[canvas.rgb.sum(2) == 0] = dark
    canvas.rgb = np.minimum(canvas.rgb, (light + 0.15 - (light + 0.15 - dark) * depth)[..., None] * tint)
    # Speckle: vesicles and filaments are texture here, not parts.
    speckle = fractal(rng, size, size, rng.uniform(0.8, 1.3))[..., None]
    canvas.rgb = (canvas.rgb + rng.uniform(0.2, 0.9) * speckle).astype(np.float32)
    if rng.random() < 0.2:
        canvas.rgb += 0.5 * canvas.bank.cut(rng, size, size).mean(2, keepdims=True)
    canvas.soft = rng.choice([0.6, 1.0, 1.4])


def street(canvas, rng):
    """A road between pavements and house fronts, with cars, poles, trees and people before it."""
    size = canvas.size
    horizon = size * rng.uniform(0.3, 0.55)
    vanish = size * rng.uniform(0.25, 0.75)
    canvas.surface(rng, shapes.whole(size), 0, related(rng, np.array([0.75, 0.8, 0.85]), 0.15), texture=0.4)
    land = canvas.node(0, 0.9)
    below = np.array([[0, horizon], [size, horizon], [size, size], [0, size]], float)
    grey = colour(rng)
    canvas.surface(rng, shapes.fill(below, size), land, related(rng, grey, 0.2))
    for turn in (-1, 1):
        x = vanish
        while -0.2 * size < x < 1.2 * size:
            far = 0.03 + abs(x - vanish) / size
            wide = size * rng.uniform(0.12, 0.5) * min(1.0, 0.3 + far)
            top = horizon - size * rng.uniform(0.1, 0.5) * min(1.0, 0.3 + 1.5 * far)
            bottom = horizon + 0.25 * size * far
            corners = np.array([[x, top], [x + turn * wide, top - 0.1 * wide], [x + turn * wide, bottom + 0.15 * wide], [x, bottom]])
            front(canvas, rng, corners)
            x += turn * wide
    right, left = [size * rng.uniform(0.8, 1.6), size], [size * rng.uniform(-0.6, 0.2), size]
    road = np.array([[vanish - 3, horizon], [vanish + 3, horizon], right, left])
    paved = canvas.node(land, 0.6)
    canvas.surface(rng, shapes.fill(road, size), paved, related(rng, grey, 0.25))
    for k in range(rng.integers(0, 5)):
        near = 0.2 + 0.18 * k
        start = (vanish + 5 * k, horizon + near * size * 0.6)
        end = (vanish + 8 * k, horizon + (near + 0.1) * size * 0.6)
        stripe = shapes.band(rng, start, end, 1 + 2 * near)
        patch = shapes.fill(stripe, size)
        if patch is not None:
            canvas.surface(rng, patch, paved, np.full(3, 0.9, np.float32), texture=0.3)
    for near in np.sort(rng.uniform(0.05, 1, rng.integers(3, 14))):
        foot = (rng.uniform(0, size), horizon + near**1.5 * (size - horizon) * 0.9)
        scale = size * (0.06 + 0.5 * near**1.5)
        kind = rng.choice(["car", "tree", "person", "pole"], p=[0.35, 0.2, 0.25, 0.2])
        if kind == "car":
            car(canvas, rng, foot, scale * 0.9)
        elif kind == "person":
            creature(canvas, rng, foot, scale * 0.8)
        elif kind == "pole":
            pole = shapes.band(rng, foot, (foot[0] + rng.normal(0, 3), foot[1] - scale * rng.uniform(1, 2.5)), max(1.0, scale * 0.02))
            thing(canvas, rng, pole, 0, colour(rng), depth=0)
        else:
            tree = canvas.node(0, 0.7)
            trunk = shapes.fill(shapes.band(rng, foot, (foot[0], foot[1] - scale), scale * 0.05), size)
            if trunk is not None:
                canvas.surface(rng, trunk, tree, related(rng, np.array([0.3, 0.22, 0.15]), 0.15))
            crown = shapes.fill(shapes.placed(shapes.blob(rng, 0.4), (foot[0], foot[1] - 1.2 * scale), (0.5 * scale, 0.5 * scale), 0), size)
            if crown is not None:
                canvas.surface(rng, crown, tree, related(rng, np.array([0.25, 0.35, 0.15]), 0.2), texture=2)


def front(canvas, rng, corners):
    """A house front with rows of windows and perhaps a door or sign."""
    patch = shapes.fill(corners, canvas.size)
    if patch is None or patch.area < 60:
        return
    house = canvas.node(0, rng.uniform(0.65, 0.85))
    wall = colour(rng)
    canvas.surface(rng, patch, house, wall)
    columns, rows = rng.integers(1, 5), rng.integers(1, 5)
    glass = related(rng, wall, 0.5) if rng.random() < 0.5 else np.full(3, rng.uniform(0.05, 0.4), np.float32)
    (a, b, c, d), margin = corners, rng.uniform(0.15, 0.3)

    def at(u, v):
        return (1 - v) * ((1 - u) * a + u * b) + v * ((1 - u) * d + u * c)

    for i in range(columns):
        for j in range(rows):
            u0, u1 = (i + margin) / columns, (i + 1 - margin) / columns
            v0, v1 = (j + margin) / rows, (j + 1 - margin) / rows
            window = shapes.fill(np.array([at(u0, v0), at(u1, v0), at(u1, v1), at(u0, v1)]), canvas.size)
            if window is not None and window.area >= 8:
                canvas.surface(rng, window, house, related(rng, glass, 0.08), texture=0.5)


def car(canvas, rng, foot, long):
    """A body with windows, wheels and lights."""
    x, y = foot
    tall = long * rng.uniform(0.3, 0.45)
    body = canvas.node(0, rng.uniform(0.6, 0.75))
    paint = colour(rng)
    cabin = np.array([[-0.32, -1.0], [0.25, -1.0], [0.4, -0.5], [-0.42, -0.5]]) * (long, tall) + (x, y)
    hull = shapes.placed(shapes.superellipse(np.random.default_rng(0)), (x, y - 0.35 * tall), (0.5 * long, 0.3 * tall), 0)
    for points, colours, texture in (
        (cabin, paint, 0.4),
        (x + (cabin - (x, y)) * (0.85, 1) * (1, 0.93), np.full(3, rng.uniform(0.05, 0.45)), 0.8),
        (hull, paint, 0.6),
    ):
        patch = shapes.fill(np.asarray(points) if points.ndim == 2 else points, canvas.size)
        if patch is not None:
            canvas.surface(rng, patch, body, np.asarray(colours, np.float32), texture)
    for at in (-0.3, 0.3):
        wheel = shapes.placed(shapes.blob(rng, 0), (x + at * long, y - 0.08 * tall), (0.09 * long, 0.09 * long), 0)
        patch = shapes.fill(wheel, canvas.size)
        if patch is not None and patch.area >= 6:
            parts(canvas, rng, patch, canvas.node(body, 0.3), np.full(3, rng.uniform(0.02, 0.2), np.float32), 1)


def creatures(canvas, rng):
    """People and animals before textured ground, with clutter."""
    ground(canvas, rng, int(rng.integers(1, 4)))
    size = canvas.size
    for _ in range(rng.integers(0, 5)):
        points = shapes.placed(shapes.outline(rng), rng.uniform(0, size, 2), size * rng.uniform(0.03, 0.2, 2), rng.uniform(0, 6))
        thing(canvas, rng, points, 0, colour(rng))
    for _ in range(rng.integers(1, 5)):
        tall = size * rng.uniform(0.25, 0.95)
        creature(canvas, rng, (rng.uniform(0.1, 0.9) * size, rng.uniform(0.6, 1.05) * size), tall)


LAYOUTS = {
    "things": things,
    "mosaic": mosaic,
    "cells": cells,
    "membranes": membranes,
    "street": street,
    "creatures": creatures,
}
