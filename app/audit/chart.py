"""The plot of the book's growth."""

from collections.abc import Sequence
from datetime import datetime

WIDTH, HEIGHT = 600, 120


def step_chart(points: Sequence[tuple[datetime, int]]) -> str:
    """Return the path (SVG) of a line that goes up in steps: time from left to right, size upwards."""
    if not points:
        return ""
    first, last = points[0][0], points[-1][0]
    seconds = (last - first).total_seconds() or 1.0
    largest = points[-1][1] or 1
    places = [
        ((moment - first).total_seconds() / seconds * WIDTH, HEIGHT - size / largest * HEIGHT)
        for moment, size in points
    ]
    steps = "".join(f" H{x:.1f} V{y:.1f}" for x, y in places)
    return f"M0 {HEIGHT}{steps} H{WIDTH}"
