"""Boxes and arrows as an SVG file: no more than the pictures of this project need."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from html import escape
from typing import NamedTuple

FILLS = {
    "plain": "#f6f8fa",
    "store": "#e8f0fe",
    "outside": "#ffffff",
    "good": "#e6f4ea",
    "bad": "#fce8e6",
}
_HEAD = """<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {width} {height}" role="img"
 aria-label="{title}">
<title>{title}</title>
<style>text{{font:13px ui-sans-serif,system-ui,sans-serif;fill:#1f2328}}
.name{{font-weight:600}}.file{{font:600 12.5px ui-monospace,monospace}}
.note{{font-size:12px;fill:#57606a}}
.box{{stroke:#8c959f}}.frame{{fill:none;stroke:#8c959f;stroke-dasharray:5 4}}
.arrow{{fill:none;stroke:#57606a;stroke-width:1.4;marker-end:url(#head)}}
.behind{{stroke:#fff;stroke-width:4;paint-order:stroke}}</style>
<defs><marker id="head" viewBox="0 0 8 8" refX="7" refY="4" markerWidth="7" markerHeight="7"
 orient="auto-start-reverse"><path d="M0 0L8 4L0 8z" fill="#57606a"/></marker></defs>
<rect width="{width}" height="{height}" rx="8" fill="#fff"/>"""


class Point(NamedTuple):
    """A place in a picture, in pixels from its upper left corner."""

    x: float
    y: float


@dataclass(frozen=True, slots=True)
class Box:
    """A rectangle with a name and notes below it; `file`: the name is a path."""

    x: float
    y: float
    width: float
    height: float
    name: str
    notes: Sequence[str] = ()
    kind: str = "plain"
    file: bool = False

    @property
    def centre(self) -> Point:
        """The point that arrows aim at."""
        return Point(self.x + self.width / 2, self.y + self.height / 2)

    def edge_towards(self, other: Point) -> Point:
        """Return where the line from the centre to `other`, outside of the box, leaves it."""
        centre = self.centre
        dx, dy = other.x - centre.x, other.y - centre.y
        share = min(
            self.width / 2 / abs(dx) if dx else float("inf"),
            self.height / 2 / abs(dy) if dy else float("inf"),
        )
        return Point(centre.x + dx * share, centre.y + dy * share)


@dataclass(slots=True)
class Picture:
    """A picture of `width` by `height` pixels, filled from the back to the front."""

    title: str
    width: int
    height: int
    _parts: list[str] = field(default_factory=list)

    def box(self, box: Box) -> Box:
        """Draw a box. Returns it, for the arrows that lead there."""
        self._parts.append(
            f'<rect class="box" x="{box.x:g}" y="{box.y:g}" width="{box.width:g}" '
            f'height="{box.height:g}" rx="5" fill="{FILLS[box.kind]}"/>'
        )
        self.text(Point(box.x + 10, box.y + 20), box.name, style="file" if box.file else "name")
        for row, note in enumerate(box.notes):
            self.text(Point(box.x + 10, box.y + 38 + 16 * row), note, style="note")
        return box

    def frame(self, x: float, y: float, width: float, height: float, name: str) -> Box:
        """Draw a dashed line around what belongs together."""
        self._parts.append(
            f'<rect class="frame" x="{x:g}" y="{y:g}" width="{width:g}" '
            f'height="{height:g}" rx="8"/>'
        )
        self.text(Point(x + 10, y + 18), name, style="note")
        return Box(x, y, width, height, name)

    def text(self, at: Point, text: str, *, style: str = "note", anchor: str = "start") -> None:
        """Write one line that begins at a point, or is centred there (`anchor="middle"`)."""
        self._parts.append(
            f'<text class="{style}" x="{at.x:.0f}" y="{at.y:.0f}" text-anchor="{anchor}">'
            f"{escape(text)}</text>"
        )

    def arrow(self, *points: Point, both: bool = False) -> None:
        """Draw an arrow through these points, with a head at both ends if asked."""
        line = " ".join(f"{point.x:.0f},{point.y:.0f}" for point in points)
        start = ' marker-start="url(#head)"' if both else ""
        self._parts.append(f'<polyline class="arrow" points="{line}"{start}/>')

    def connect(self, source: Box, target: Box) -> tuple[Point, Point]:
        """Draw a straight arrow between two boxes. Returns where it begins and ends."""
        start, end = source.edge_towards(target.centre), target.edge_towards(source.centre)
        self.arrow(start, end)
        return start, end

    def svg(self) -> str:
        """Return the picture as the text of an SVG file."""
        head = _HEAD.format(width=self.width, height=self.height, title=escape(self.title))
        return "\n".join([head, *self._parts, "</svg>\n"])
