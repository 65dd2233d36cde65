"""Cost grows with size and no faster: 10 -> 10,000 OBX, 1 kB -> 10 MB of text, deep and hostile inputs.

python bench/ingest_linear.py [LARGEST_OBX] [FIGURE.svg]      # default 10000; prints log-log slopes, draws them when a file is named
"""

from __future__ import annotations

import json
import math
import random
import sys
import time
from collections.abc import Callable
from pathlib import Path

from bench.ingest_speed import WORDS, oru
from ingest.read import read


def main() -> None:
    largest = int(sys.argv[1]) if len(sys.argv) > 1 else 10_000
    rng = random.Random(7)
    sizes = [n for n in (10, 30, 100, 300, 1000, 3000, 10_000) if n <= largest]
    texts = [n for n in (1_000, 10_000, 100_000, 1_000_000, 10_000_000) if n <= largest * 1000]
    curves = {
        "OBX lines": curve(sizes, lambda n: oru(rng, n)),
        "one FT with \\.br\\": curve(texts, lambda n: one_field(rng, n)),
        "one line, no breaks": curve(texts, lambda n: one_field(rng, n, "")),
        "FHIR Bundle entries": curve([n for n in sizes if n <= 10_000], bundle),
        "hostile: colons": curve([n // 10 for n in texts], lambda n: hostile(":" * n)),
        "hostile: backslashes": curve([n // 10 for n in texts], lambda n: hostile("\\" * n)),
        "hostile: MSH": curve([n // 10 for n in texts], lambda n: b"MSH" * (n // 3)),
        "hostile: signatures": curve([n // 10 for n in texts], lambda n: hostile("Dr A. Low, 1/2/2026\\.br\\" * (n // 24))),
        "hostile: blanks": curve([n // 10 for n in texts], lambda n: hostile("FINDINGS" + " " * n + ".")),
    }
    for name, points in curves.items():
        print(
            f"{name:24} slope {slope(points):.2f}   " + "  ".join(f"{size}: {seconds * 1000:.2f} ms" for size, seconds in points)
        )
    if len(sys.argv) > 2:
        draw(curves, sys.argv[2])


def curve(sizes: list[int], make: Callable[[int], bytes]) -> list[tuple[int, float]]:
    """(bytes, CPU seconds) for each size, the best of a few."""
    points = []
    for size in sizes:
        raw = make(size)
        best = float("inf")
        for _ in range(3 if len(raw) < 1_000_000 else 1):
            began = time.process_time()
            list(read(raw))
            best = min(best, time.process_time() - began)
        points.append((len(raw), max(best, 1e-6)))
    return points


def slope(points: list[tuple[int, float]]) -> float:
    """Least squares on logarithms, without the small sizes, whose cost is fixed."""
    logs = [(math.log(size), math.log(seconds)) for size, seconds in points if size > 5_000] or [
        (math.log(s), math.log(t)) for s, t in points
    ]
    if len(logs) < 2:
        return float("nan")
    mean_x, mean_y = sum(x for x, _ in logs) / len(logs), sum(y for _, y in logs) / len(logs)
    return sum((x - mean_x) * (y - mean_y) for x, y in logs) / (sum((x - mean_x) ** 2 for x, _ in logs) or 1)


def one_field(rng: random.Random, size: int, newline: str = "\\.br\\") -> bytes:
    words = " ".join(rng.choices(WORDS, k=10)) + ". "
    text = "FINDINGS: " + (words + newline) * max(1, size // len(words + newline)) + newline + "IMPRESSION: Normal."
    return hostile(text)


def hostile(text: str) -> bytes:
    return f"MSH|^~\\&|A|B|||20260102||ORU^R01|1|P|2.5\rPID|1||1\rOBR|1||A1|X^CT CHEST\rOBX|1|FT|||{text}||||||F\r".encode()


def bundle(entries: int) -> bytes:
    report = {
        "resourceType": "DiagnosticReport",
        "status": "final",
        "code": {"text": "CT"},
        "identifier": [{"value": "A"}],
        "conclusion": "Normal.",
    }
    return json.dumps(
        {
            "resourceType": "Bundle",
            "type": "collection",
            "entry": [{"resource": {**report, "id": str(n)}} for n in range(entries)],
        }
    ).encode()


def draw(curves: dict[str, list[tuple[int, float]]], path: str) -> None:
    """The curves on logarithmic axes, as an SVG that needs nothing."""
    xs = [math.log10(size) for points in curves.values() for size, _ in points]
    ys = [math.log10(seconds) for points in curves.values() for _, seconds in points]
    left, low = min(xs), min(ys)
    wide, high = (max(xs) - left) or 1, (max(ys) - low) or 1
    parts = ['<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 900 560" font-family="sans-serif" font-size="12">']
    for number, (name, points) in enumerate(curves.items()):
        hue = number * 360 // len(curves)
        dots = [(60 + 600 * (math.log10(x) - left) / wide, 510 - 480 * (math.log10(y) - low) / high) for x, y in points]
        line = " ".join(f"{x:.0f},{y:.0f}" for x, y in dots)
        parts.append(f'<polyline points="{line}" fill="none" stroke="hsl({hue} 70% 40%)" stroke-width="2"/>')
        parts.append(f'<text x="680" y="{40 + 22 * number}" fill="hsl({hue} 70% 40%)">{name}: slope {slope(points):.2f}</text>')
    for power in range(math.ceil(left), math.floor(left + wide) + 1):
        x = 60 + 600 * (power - left) / wide
        parts.append(f'<path d="M{x:.0f} 30V510" stroke="#ddd"/><text x="{x - 12:.0f}" y="526" fill="#555">10^{power}</text>')
    for power in range(math.ceil(low), math.floor(low + high) + 1):
        y = 510 - 480 * (power - low) / high
        parts.append(f'<path d="M60 {y:.0f}H660" stroke="#ddd"/><text x="16" y="{y + 4:.0f}" fill="#555">10^{power}</text>')
    parts.append('<text x="300" y="550">bytes</text><text x="16" y="20">CPU seconds</text></svg>')
    Path(path).write_text("\n".join(parts), encoding="utf-8")


if __name__ == "__main__":
    main()
