"""The chart: small panels of bars, drawn as SVG by hand. Every bar has its name and its value, so that colour only helps."""

from dataclasses import dataclass
from html import escape
from math import floor, log10

from figures import Measured, whole

# Okabe and Ito (2008): told apart by people with any kind of colour vision, and on a light and on a dark ground.
COLOURS = {
    "blindlist": "#0072b2",
    "blindlist-alone": "#56b4e9",
    "spu-unbalanced": "#d55e00",
    "spu-rr22": "#e69f00",
    "spu-kkrt": "#cc79a7",
    "openmined": "#009e73",
    "voprf": "#888888",
}
STYLE = """
text { font: 13px system-ui, sans-serif; fill: #1a1a1a }
.ground { fill: #ffffff } .title { font-weight: 600; font-size: 15px } .panel { font-weight: 600 }
.soft { fill: #555555; font-size: 12px } .grid { stroke: #dddddd } .axis { stroke: #777777 } .spread { stroke: #1a1a1a; stroke-width: 1.5 }
.halo { stroke: #ffffff; stroke-width: 4 }
@media (prefers-color-scheme: dark) {
  text { fill: #e8e8e8 } .ground { fill: #16181c } .soft { fill: #a8a8a8 }
  .grid { stroke: #33373d } .axis { stroke: #8a8a8a } .spread { stroke: #f2f2f2 } .halo { stroke: #16181c }
}
"""
WIDTH, MARGIN, GAP = 1080, 24, 40
NAMES, VALUES, BAR, ROW = 196, 58, 16, 25
HEAD, FOOT, TOP = 30, 44, 74
COLUMNS = 2
PANEL = (WIDTH - 2 * MARGIN - (COLUMNS - 1) * GAP) // COLUMNS


@dataclass(frozen=True)
class Bar:
    """One system in one panel."""

    key: str
    title: str
    value: float
    least: float
    most: float


@dataclass(frozen=True)
class Panel:
    """One question, answered by all that can."""

    title: str
    unit: str
    bars: list[Bar]

    @property
    def height(self) -> int:
        return HEAD + ROW * len(self.bars) + FOOT


def bars(systems: list[Measured], name: str) -> list[Bar]:
    """The bars of one figure."""
    having = [one for one in systems if one.has(name) and not one.error]
    return [Bar(one.key, one.title, one.median(name), *one.spread(name)) for one in having]


def panels(systems: list[Measured], n: int, m: int) -> list[Panel]:
    """What is asked."""
    sums = [(one, whole(one, n, m)) for one in systems if not one.error]
    totals = [Bar(one.key, one.title, sum_.cpu_s, sum_.cpu_s, sum_.cpu_s) for one, sum_ in sums if sum_]
    carried = [Bar(one.key, one.title, sum_.megabytes, sum_.megabytes, sum_.megabytes) for one, sum_ in sums if sum_]
    all_of_them = [
        Panel("Server: prepares an entry, once", "CPU-µs an entry", bars(systems, "prepare")),
        Panel("Server: answers for a member", "CPU-µs a member", bars(systems, "server")),
        Panel("Client: asks for a member", "CPU-µs a member", bars(systems, "client")),
        Panel("Client: keeps an entry on disk", "bytes an entry", bars(systems, "disk")),
        Panel("One insurer from nothing, both sides", "CPU-s", totals),
        Panel("One insurer from nothing, on the wire", "MB", carried),
    ]
    return [panel for panel in all_of_them if panel.bars]


def step(largest: float) -> float:
    """A round distance between ticks, so that there are three to six."""
    rough = largest / 5
    power = 10.0 ** floor(log10(rough))
    return next(power * factor for factor in (1, 2, 5, 10) if power * factor >= rough)


def number(value: float) -> str:
    return f"{value:,.0f}" if value >= 100 else f"{value:.1f}" if value >= 2 else f"{value:.2f}"


def text(x: float, y: float, content: str, kind: str = "", anchor: str = "start") -> str:
    return f'<text x="{x:.1f}" y="{y:.1f}" class="{kind}" text-anchor="{anchor}">{escape(content)}</text>'


def line(x1: float, y1: float, x2: float, y2: float, kind: str) -> str:
    return f'<line x1="{x1:.1f}" y1="{y1:.1f}" x2="{x2:.1f}" y2="{y2:.1f}" class="{kind}"/>'


def draw_panel(panel: Panel, left: float, top: float) -> list[str]:
    """Title, grid and axis, bars with their spread."""
    largest = max(bar.most for bar in panel.bars) or 1.0
    start, width = left + NAMES, PANEL - NAMES - VALUES
    bottom = top + HEAD + ROW * len(panel.bars)
    between = step(largest)
    parts = [text(left, top + 14, panel.title, "panel")]
    for tick in range(int(largest / between) + 1):
        x = start + width * tick * between / largest
        label = f"{tick * between:,.10g}"
        parts += [line(x, top + HEAD - 4, x, bottom, "grid"), text(x, bottom + 15, label, "soft", "middle")]
    for place, bar in enumerate(panel.bars):
        parts += draw_bar(bar, start, top + HEAD + ROW * place, width / largest)
    parts.append(line(start, top + HEAD - 4, start, bottom, "axis"))
    parts.append(text(start + width / 2, bottom + 32, panel.unit, "soft", "middle"))
    return parts


def draw_bar(bar: Bar, start: float, top: float, scale: float) -> list[str]:
    middle, length = top + BAR / 2, bar.value * scale
    colour = COLOURS.get(bar.key, "#888888")
    parts = [
        text(start - 8, middle + 4.5, bar.title, "", "end"),
        f'<rect x="{start:.1f}" y="{top:.1f}" width="{max(length, 1):.1f}" height="{BAR}" rx="2" fill="{colour}"/>',
    ]
    least, most = start + bar.least * scale, start + bar.most * scale
    if most - least > 1.5:
        # First in the colour of the ground: it is seen on any bar.
        for kind in ("halo", "spread"):
            parts.append(line(least, middle, most, middle, kind))
            parts += [line(x, middle - 4, x, middle + 4, kind) for x in (least, most)]
    parts.append(text(max(start + length, most) + 6, middle + 4.5, number(bar.value)))
    return parts


def draw(about: str, systems: list[Measured], n: int, m: int) -> str:
    """The whole chart."""
    asked = panels(systems, n, m)
    rows = [asked[first : first + COLUMNS] for first in range(0, len(asked), COLUMNS)]
    parts, top = [], float(TOP)
    for row in rows:
        for column, panel in enumerate(row):
            parts += draw_panel(panel, MARGIN + column * (PANEL + GAP), top)
        top += max(panel.height for panel in row) + 12
    head, spread = about.split(" Medians", 1)[0], "Bars are medians, lines the spread of the rounds. Shorter is better."
    return "\n".join(
        [
            f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {WIDTH} {top:.0f}" width="{WIDTH}" height="{top:.0f}"'
            ' role="img" aria-label="Blindlist and its peers: processor time, disk and bytes">',
            f"<style>{STYLE}</style>",
            f'<rect class="ground" width="{WIDTH}" height="{top:.0f}"/>',
            text(MARGIN, 32, "Blindlist and its peers, measured on the same data in the same run", "title"),
            text(MARGIN, 52, f"{head} {spread}", "soft"),
            *parts,
            "</svg>\n",
        ]
    )
