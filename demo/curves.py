"""The demo's pictures as SVG text that stands alone: light and dark, readable without colour, no script and no network."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from html import escape

#: Both the page and the saved files carry this: a picture opened alone looks the same.
STYLE = """<style>
.chart text { font: 13px system-ui, -apple-system, "Segoe UI", Roboto, sans-serif; fill: #59636b; }
.chart .name { font-weight: 600; fill: #1d2327; }
.chart .axis { stroke: #dfdcd4; stroke-width: 1; }
.chart .night { stroke: #59636b; stroke-dasharray: 2 4; }
.chart .report { fill: #59636b; opacity: .38; }
.chart .mean { fill: none; stroke: #0b6e75; stroke-width: 2.5; stroke-linejoin: round; stroke-linecap: round; }
.chart .own { fill: #0b6e75; stroke: #0b6e75; }
.chart .hollow { fill: #ffffff; stroke: #59636b; stroke-width: 2; }
.chart .span { stroke: #dfdcd4; stroke-width: 4; stroke-linecap: round; }
@media (prefers-color-scheme: dark) {
  .chart text { fill: #a3adb4; } .chart .name { fill: #e9ecee; }
  .chart .axis { stroke: #323b41; } .chart .night { stroke: #a3adb4; }
  .chart .report { fill: #a3adb4; } .chart .mean { stroke: #5cc8cf; } .chart .own { fill: #5cc8cf; stroke: #5cc8cf; }
  .chart .hollow { fill: #1b2125; stroke: #a3adb4; } .chart .span { stroke: #323b41; }
}
</style>"""
MEAN_OF = 10  #: reports the line averages over


@dataclass(frozen=True, slots=True)
class Curve:
    """One radiologist: (signed so far, edit distance) in order, and after how many signed reports each night trained."""

    radiologist: str
    points: Sequence[tuple[int, float]]
    nights: Sequence[int]


def learning_curves(curves: Sequence[Curve]) -> str:
    """One small panel per radiologist on the same axes: a dot per report, a line for the mean of the last ten."""
    width, height, gap, left, top = 300, 190, 26, 40, 30
    last = max((signed for curve in curves for signed, _ in curve.points), default=1)
    total = left + len(curves) * (width + gap)
    parts = []
    for number, curve in enumerate(curves):
        x0 = left + number * (width + gap)

        def across(signed: float, x0: int = x0) -> float:
            return x0 + width * signed / max(last, 1)

        def down(distance: float) -> float:
            return top + height * (1 - min(max(distance, 0.0), 1.0))

        parts.append(f'<text class="name" x="{x0}" y="{top - 12}">{escape(curve.radiologist)}</text>')
        for level in (0.0, 0.5, 1.0):
            parts.append(f'<line class="axis" x1="{x0}" x2="{x0 + width}" y1="{down(level):.1f}" y2="{down(level):.1f}"/>')
            if number == 0:
                parts.append(f'<text x="{x0 - 8}" y="{down(level) + 4:.1f}" text-anchor="end">{level:g}</text>')
        for night_number, signed in enumerate(curve.nights, 1):
            x = across(signed)
            parts.append(f'<line class="night" x1="{x:.1f}" x2="{x:.1f}" y1="{top}" y2="{top + height}"/>')
            parts.append(f'<text x="{x - 4:.1f}" y="{top + 12}" text-anchor="end">night {night_number}</text>')
        parts += [f'<circle class="report" cx="{across(x):.1f}" cy="{down(y):.1f}" r="2.6"/>' for x, y in curve.points]
        line = " ".join(f"{across(x):.1f},{down(y):.1f}" for x, y in running_mean(curve.points))
        parts.append(f'<polyline class="mean" points="{line}"/>')
        parts.append(f'<text x="{x0}" y="{top + height + 20}">0</text>')
        parts.append(f'<text x="{x0 + width}" y="{top + height + 20}" text-anchor="end">{last} signed</text>')
    title = "Edit distance to sign, report by report"
    said = "; ".join(f"{curve.radiologist} from {first_and_last(curve)}" for curve in curves)
    return svg(total, top + height + 32, title, f"Mean of ten reports: {said}.", parts)


def comparison(rows: Sequence[tuple[str, Mapping[str, float | None]]]) -> str:
    """One line per radiologist: how far the bare draft, a colleague's adapter and their own are from what they signed."""
    left, width, top, step = 150, 620, 34, 46
    parts = []
    for level in (0.0, 0.25, 0.5, 0.75, 1.0):
        x = left + width * level
        parts.append(f'<line class="axis" x1="{x}" x2="{x}" y1="{top}" y2="{top + step * len(rows)}"/>')
        parts.append(f'<text x="{x}" y="{top + step * len(rows) + 20}" text-anchor="middle">{level:g}</text>')
    for number, (radiologist, distances) in enumerate(rows):
        y = top + step * number + step / 2
        places = {who: left + width * distance for who, distance in distances.items() if distance is not None}
        parts.append(f'<text class="name" x="{left - 16}" y="{y + 4}" text-anchor="end">{escape(radiologist)}</text>')
        if places:
            parts.append(
                f'<line class="span" x1="{min(places.values()):.1f}" x2="{max(places.values()):.1f}" y1="{y}" y2="{y}"/>'
            )
        parts += [marker(who, x, y) for who, x in places.items()]
    for who, words, x in (("own", "own adapter", 0), ("other", "a colleague's adapter", 130), ("draft", "bare draft", 320)):
        parts += [marker(who, left + x + 6, 14), f'<text x="{left + x + 20}" y="18">{words}</text>']
    said = "; ".join(
        f"{radiologist}: " + ", ".join(f"{who} {distance:.2f}" for who, distance in distances.items() if distance is not None)
        for radiologist, distances in rows
    )
    return svg(left + width + 40, top + step * len(rows) + 32, "Edit distance to sign on later reports", f"{said}.", parts)


def marker(who: str, x: float, y: float) -> str:
    """Told apart by shape, not by colour alone: a full disc, a square, a ring."""
    if who == "own":
        return f'<circle class="own" cx="{x:.1f}" cy="{y}" r="7"/>'
    if who == "other":
        return f'<rect class="hollow" x="{x - 6:.1f}" y="{y - 6}" width="12" height="12"/>'
    return f'<circle class="hollow" cx="{x:.1f}" cy="{y}" r="6.5"/>'


def running_mean(points: Sequence[tuple[int, float]]) -> list[tuple[int, float]]:
    """At each report the mean of up to the last ten."""
    means = []
    for index, (signed, _) in enumerate(points):
        recent = [distance for _, distance in points[max(0, index - MEAN_OF + 1) : index + 1]]
        means.append((signed, sum(recent) / len(recent)))
    return means


def first_and_last(curve: Curve) -> str:
    if not curve.points:
        return "nothing signed"
    means = running_mean(curve.points)
    return f"{means[min(MEAN_OF, len(means)) - 1][1]:.2f} to {means[-1][1]:.2f}"


def svg(width: float, height: float, title: str, description: str, parts: Sequence[str]) -> str:
    body = "\n".join(parts)
    return (
        f'<svg xmlns="http://www.w3.org/2000/svg" class="chart" viewBox="0 0 {width:g} {height:g}" role="img" '
        f'aria-label="{escape(title)}. {escape(description)}">\n<title>{escape(title)}</title>\n'
        f"<desc>{escape(description)}</desc>\n{STYLE}\n{body}\n</svg>\n"
    )
