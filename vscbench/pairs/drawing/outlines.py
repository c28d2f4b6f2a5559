"""Outlines: the shapes of the drawing language as polygons, computed without libm.

Only ``+ - * /`` and ``sqrt`` are used, which IEEE 754 rounds alike on every machine; sines are
not, so circles come from the rational parametrisation ``((1 - t^2), 2t) / (1 + t^2)``.
"""

from collections.abc import Sequence
from itertools import pairwise
from math import sqrt

Point = tuple[float, float]
Contour = tuple[Point, ...]
Outline = tuple[Contour, ...]
"""Closed contours that are filled together by the even-odd rule: a second one cuts a hole."""

QUARTER_STEPS = 24
CURVE_STEPS = 8


def polygon(points: Sequence[Point]) -> Outline:
    """Join the points by straight lines."""
    return (tuple(points),)


def ellipse(centre: Point, radius_x: float, radius_y: float) -> Outline:
    """Draw a filled ellipse."""
    x, y = centre
    return (tuple((x + radius_x * dx, y + radius_y * dy) for dx, dy in _circle()),)


def ring(centre: Point, radius: float, width: float) -> Outline:
    """Draw a circle's line; ``radius`` is its outer edge and ``width`` reaches inwards."""
    inner = radius - width
    return ellipse(centre, radius, radius) + ellipse(centre, inner, inner)


def rectangle(corner: Point, width: float, height: float, radius: float = 0.0) -> Outline:
    """Draw a rectangle from its upper left corner, its corners rounded by ``radius``."""
    x, y = corner
    if not radius:
        return polygon([(x, y), (x + width, y), (x + width, y + height), (x, y + height)])
    # The circle starts at the right and turns by way of the bottom, left and top.
    quarter = len(_circle()) // 4
    pivots = (
        (x + width - radius, y + height - radius),
        (x + radius, y + height - radius),
        (x + radius, y + radius),
        (x + width - radius, y + radius),
    )
    return polygon(
        [
            (pivot_x + radius * dx, pivot_y + radius * dy)
            for turn, (pivot_x, pivot_y) in enumerate(pivots)
            for dx, dy in _circle()[turn * quarter : (turn + 1) * quarter]
        ]
    )


def blob(points: Sequence[Point]) -> Outline:
    """Draw a closed smooth shape: a quadratic B-spline with the points as its control polygon."""
    around = [points[-1], *points, points[0]]
    return polygon(_spline([_middle(a, b) for a, b in pairwise(around)], points))


def stroke(points: Sequence[Point], width: float) -> tuple[Outline, ...]:
    """Draw a line with round ends and joints; its parts overlap."""
    half = width / 2
    joints = tuple(ellipse(point, half, half) for point in points)
    return joints + tuple(_bar(a, b, half) for a, b in pairwise(points) if a != b)


def curve(points: Sequence[Point], width: float) -> tuple[Outline, ...]:
    """Draw a smooth line from the first point to the last, bent towards those between."""
    inner = points[1:-1]
    knots = [points[0], *(_middle(a, b) for a, b in pairwise(inner)), points[-1]]
    return stroke([*_spline(knots, inner), points[-1]], width)


def _spline(knots: Sequence[Point], controls: Sequence[Point]) -> list[Point]:
    steps = [step / CURVE_STEPS for step in range(CURVE_STEPS)]
    return [
        _bezier(start, control, end, t)
        for (start, end), control in zip(pairwise(knots), controls, strict=True)
        for t in steps
    ]


def _bezier(start: Point, control: Point, end: Point, t: float) -> Point:
    back = 1 - t
    x, y = (
        back * back * a + 2 * back * t * b + t * t * c
        for a, b, c in zip(start, control, end, strict=True)
    )
    return x, y


def _bar(start: Point, end: Point, half: float) -> Outline:
    dx, dy = end[0] - start[0], end[1] - start[1]
    length = sqrt(dx * dx + dy * dy)
    across_x, across_y = -dy / length * half, dx / length * half
    return polygon(
        [
            (start[0] + across_x, start[1] + across_y),
            (end[0] + across_x, end[1] + across_y),
            (end[0] - across_x, end[1] - across_y),
            (start[0] - across_x, start[1] - across_y),
        ]
    )


def _middle(a: Point, b: Point) -> Point:
    return (a[0] + b[0]) / 2, (a[1] + b[1]) / 2


def _circle() -> list[Point]:
    quarter = [
        ((1 - t * t) / (1 + t * t), 2 * t / (1 + t * t))
        for t in (step / QUARTER_STEPS for step in range(QUARTER_STEPS))
    ]
    turns = ((1, 0, 0, 1), (0, -1, 1, 0), (-1, 0, 0, -1), (0, 1, -1, 0))
    return [(a * x + b * y, c * x + d * y) for a, b, c, d in turns for x, y in quarter]
