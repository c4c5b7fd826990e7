import type { Polygon, PolygonPoint } from "../mask/index.js";

/** Corners of a circle's polygon: it lies less than 1/1000 of the radius inside. */
const CIRCLE_CORNERS = 72;

/** A box as a ring, clockwise as seen on the screen. */
export function rectangle(x0: number, y0: number, x1: number, y1: number): PolygonPoint[] {
  const [left, right] = [Math.min(x0, x1), Math.max(x0, x1)];
  const [top, bottom] = [Math.min(y0, y1), Math.max(y0, y1)];
  return [
    [left, top],
    [right, top],
    [right, bottom],
    [left, bottom],
  ];
}

export function circle([x, y]: PolygonPoint, radius: number): PolygonPoint[] {
  return ellipse([x, y], radius, radius, 0);
}

/** `turned`: clockwise as seen on the screen, in radians. */
export function ellipse([x, y]: PolygonPoint, rx: number, ry: number, turned: number): PolygonPoint[] {
  const [cos, sin] = [Math.cos(turned), Math.sin(turned)];
  return Array.from({ length: CIRCLE_CORNERS }, (_, k): PolygonPoint => {
    const angle = (2 * Math.PI * k) / CIRCLE_CORNERS;
    const [dx, dy] = [rx * Math.cos(angle), ry * Math.sin(angle)];
    return [x + dx * cos - dy * sin, y + dx * sin + dy * cos];
  });
}

/**
 * Polygons with holes and several parts as one ring that fills the same pixels by the even-odd rule: rings are joined by
 * bridges, lines that the ring runs along forth and back, from its first point to each ring's nearest one.
 */
export function bridged(polygons: readonly Polygon[]): PolygonPoint[] {
  const [first, ...others] = polygons.flatMap(({ outer, holes }) => [outer, ...holes]);
  const ring = [...first];
  const [x, y] = first[0];
  for (const other of others) {
    let nearest = 0;
    for (const [k, at] of other.entries()) {
      const far = ([px, py]: PolygonPoint) => (px - x) ** 2 + (py - y) ** 2;
      if (far(at) < far(other[nearest])) nearest = k;
    }
    ring.push([x, y], ...other.slice(nearest), ...other.slice(0, nearest), other[nearest]);
  }
  return ring;
}
