"""Draws the log as small line charts, with Pillow alone."""

from __future__ import annotations

import math
from typing import Any, Sequence

from PIL import Image, ImageDraw, ImageFont

_PANEL = (380, 220)
_MARGIN = (52, 26, 12, 22)  # left, top, right, bottom
_INK, _GRID, _LINE, _SMOOTH = "#202020", "#e4e4e4", "#b7cbe6", "#1f5fae"
_HIDDEN = ("step", "steps_per_second", "skipped")


def series(lines: Sequence[dict[str, Any]]) -> dict[str, list[tuple[int, float]]]:
    """Points (step, value) by name, in the order in which the log first tells of them."""
    found: dict[str, list[tuple[int, float]]] = {}
    for line in lines:
        for name, value in {**line, **line.get("evaluation", {})}.items():
            if name not in _HIDDEN and isinstance(value, (int, float)) and math.isfinite(value):
                found.setdefault(name, []).append((line["step"], value))
    return found


def draw_curves(lines: Sequence[dict[str, Any]]) -> Image.Image:
    """One panel per quantity: the values pale, their running mean over a twentieth of the run dark."""
    curves = series(lines)
    columns = min(3, max(1, len(curves)))
    rows = max(1, math.ceil(len(curves) / columns))
    sheet = Image.new("RGB", (columns * _PANEL[0], rows * _PANEL[1]), "white")
    for number, (name, points) in enumerate(curves.items()):
        sheet.paste(_panel(name, points), ((number % columns) * _PANEL[0], (number // columns) * _PANEL[1]))
    return sheet


def _panel(name: str, points: Sequence[tuple[int, float]]) -> Image.Image:
    panel = Image.new("RGB", _PANEL, "white")
    draw, font = ImageDraw.Draw(panel), ImageFont.load_default()
    left, top, right, bottom = _MARGIN[0], _MARGIN[1], _PANEL[0] - _MARGIN[2], _PANEL[1] - _MARGIN[3]
    first, last = points[0][0], max(points[-1][0], points[0][0] + 1)
    low, high = _range([value for _, value in points])

    def place(step: float, value: float) -> tuple[float, float]:
        share = min(1.0, max(0.0, (value - low) / (high - low)))
        return left + (step - first) / (last - first) * (right - left), bottom - share * (bottom - top)

    for quarter in range(5):
        value = low + (high - low) * quarter / 4
        y = place(first, value)[1]
        draw.line([(left, y), (right, y)], fill=_GRID)
        draw.text((4, y - 6), f"{value:.3g}", fill=_INK, font=font)
    draw.text((left, 6), f"{name}   last {points[-1][1]:.4g}", fill=_INK, font=font)
    draw.text((left, bottom + 5), str(first), fill=_INK, font=font)
    draw.text((right - 7 * len(str(last)), bottom + 5), str(last), fill=_INK, font=font)
    if len(points) == 1:
        x, y = place(*points[0])
        draw.ellipse([x - 2, y - 2, x + 2, y + 2], fill=_SMOOTH)
        return panel
    draw.line([place(*point) for point in points], fill=_LINE)
    draw.line([place(*point) for point in _smoothed(points)], fill=_SMOOTH, width=2)
    return panel


def _range(values: Sequence[float]) -> tuple[float, float]:
    """Limits that a few outliers do not stretch: the 1st and 99th percentile, widened a little."""
    ordered = sorted(values)
    low, high = ordered[int(0.01 * (len(ordered) - 1))], ordered[math.ceil(0.99 * (len(ordered) - 1))]
    room = 0.05 * (high - low) or max(1e-12, 0.05 * abs(high))
    return low - room, high + room


def _smoothed(points: Sequence[tuple[int, float]]) -> list[tuple[int, float]]:
    half = max(1, len(points) // 40)
    sums = [0.0]
    for _, value in points:
        sums.append(sums[-1] + value)
    means = []
    for index, (step, _) in enumerate(points):
        begin, end = max(0, index - half), min(len(points), index + half + 1)
        means.append((step, (sums[end] - sums[begin]) / (end - begin)))
    return means
