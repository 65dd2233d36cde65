"""Measurements whose numbers carry the axis they were taken along."""

from __future__ import annotations

import pytest

from engine.measures import sizes_in
from engine.sentences import tokens_of


@pytest.mark.parametrize(
    ("text", "mm"),
    [
        ("mass of 2.8 (CC) x 2.2 (AP) x 2.0 (TR) cm", [(28.0, 22.0, 20.0)]),
        ("2.8 cm AP x 2.2 cm TR", [(28.0, 22.0)]),
        ("2.8 cm (CC) x 2.2 cm (AP)", [(28.0, 22.0)]),
        ("a 3 cm (left) nodule and a 4 cm mass", [(30.0,), (40.0,)]),
        ("item (2) 5 mm", [(5.0,)]),
    ],
)
def test_an_axis_between_the_numbers_parts_no_measurement(text: str, mm: list[tuple[float, ...]]) -> None:
    tokens = tokens_of(text)
    assert [size.mm for size in sizes_in(tokens, 0, len(tokens))] == mm
