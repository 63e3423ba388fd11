// The geometry of outlines, in level-0 pixels: parts, each an outer ring and its holes, every ring closed.

function rectangleParts(a, b) {
  const [left, right] = [Math.min(a.x, b.x), Math.max(a.x, b.x)];
  const [top, bottom] = [Math.min(a.y, b.y), Math.max(a.y, b.y)];
  return [[[[left, top], [right, top], [right, bottom], [left, bottom], [left, top]]]];
}

function polygonParts(corners) {
  const ring = corners.map(({ x, y }) => [x, y]);
  return [[[...ring, ring[0]]]];
}

function boxAround(parts, strokes = []) {
  const box = { left: Infinity, top: Infinity, right: -Infinity, bottom: -Infinity };
  const take = (x, y, reach) => {
    box.left = Math.min(box.left, x - reach);
    box.top = Math.min(box.top, y - reach);
    box.right = Math.max(box.right, x + reach);
    box.bottom = Math.max(box.bottom, y + reach);
  };
  for (const part of parts) for (const [x, y] of part[0]) take(x, y, 0);
  for (const stroke of strokes) for (const [x, y] of stroke.points) take(x, y, stroke.radius);
  return box;
}

// Even-odd over all rings, so that a hole is outside.
function partsHold(parts, x, y) {
  let isInside = false;
  for (const ring of parts.flat()) {
    for (let at = 1; at < ring.length; at += 1) {
      const [[ax, ay], [bx, by]] = [ring[at - 1], ring[at]];
      if ((ay > y) !== (by > y) && x < ax + ((y - ay) / (by - ay)) * (bx - ax)) isInside = !isInside;
    }
  }
  return isInside;
}

function distanceToLine(points, x, y) {
  let nearest = points.length === 1 ? Math.hypot(points[0][0] - x, points[0][1] - y) : Infinity;
  for (let at = 1; at < points.length; at += 1) {
    const [[ax, ay], [bx, by]] = [points[at - 1], points[at]];
    const length = (bx - ax) ** 2 + (by - ay) ** 2;
    const share = length === 0 ? 0 : Math.max(0, Math.min(1, ((x - ax) * (bx - ax) + (y - ay) * (by - ay)) / length));
    nearest = Math.min(nearest, Math.hypot(ax + share * (bx - ax) - x, ay + share * (by - ay) - y));
  }
  return nearest;
}

// Whether the brush, held here, touches a region as it stands or as it is being painted.
function isTouched(region, x, y, reach) {
  if (region.parts.length && partsHold(region.parts, x, y)) return true;
  if (region.parts.flat().some((ring) => distanceToLine(ring, x, y) <= reach)) return true;
  return (region.strokes || []).some((stroke) => !stroke.erases && distanceToLine(stroke.points, x, y) <= reach + stroke.radius);
}

// Whether an outline of these corners, closed, would cross itself.
function crossesItself(corners) {
  const n = corners.length;
  for (let one = 0; one < n; one += 1) {
    for (let other = one + 1; other < n; other += 1) {
      const areNeighbours = other === one + 1 || (one === 0 && other === n - 1);
      if (!areNeighbours && doCross(corners[one], corners[(one + 1) % n], corners[other], corners[(other + 1) % n])) return true;
    }
  }
  return false;
}

function doCross(a, b, c, d) {
  const side = (p, q, r) => Math.sign((q.x - p.x) * (r.y - p.y) - (q.y - p.y) * (r.x - p.x));
  return side(a, b, c) !== side(a, b, d) && side(c, d, a) !== side(c, d, b);
}

// The corner of a region that lies within reach of a place, as [part, ring, number], or null.
function cornerNear(parts, x, y, reach) {
  for (const [part, rings] of parts.entries()) {
    for (const [ring, corners] of rings.entries()) {
      const number = corners.findIndex(([cx, cy]) => Math.hypot(cx - x, cy - y) <= reach);
      if (number >= 0) return [part, ring, number];
    }
  }
  return null;
}

function withCornerAt(parts, [part, ring, number], x, y) {
  return parts.map((rings, p) => rings.map((corners, r) => {
    if (p !== part || r !== ring) return corners;
    const last = corners.length - 1;
    return corners.map((corner, at) => (at === number || (number % last === 0 && at % last === 0) ? [x, y] : corner));
  }));
}
