"""Each reward praises what a radiologist would."""

from __future__ import annotations

import pytest

from engine.prompts import Dictation
from trainer import rewards

CHEST = Dictation("CR chest", "There is a small left pleural effusion. No pneumothorax.")


def test_a_wrong_side_costs_facts() -> None:
    assert rewards.facts(CHEST, "Small left pleural effusion.") > rewards.facts(CHEST, "Small right pleural effusion.")
    assert rewards.is_faithful(CHEST, "Small left pleural effusion.")
    assert not rewards.is_faithful(CHEST, "Small right pleural effusion.")


def test_saying_nothing_is_not_faithful() -> None:
    assert not rewards.is_faithful(CHEST, " ")


def test_the_signed_text_itself_is_perfect_style_whatever_its_case() -> None:
    assert rewards.style("1. Small effusion.", "1. small effusion.") == 1.0


@pytest.mark.parametrize(("impression", "expected"), [("a b c d", 1.0), ("a b", 0.5), ("a b c d e f g h", 0.5), ("", 0.0)])
def test_too_short_and_too_long_cost_alike(impression: str, expected: float) -> None:
    assert rewards.length("w x y z", impression) == expected


def test_no_style_makes_up_for_a_wrong_fact() -> None:
    signed = "1. Small left pleural effusion."
    candidates = ["1. Small right pleural effusion.", "There is a small left pleural effusion."]

    assert rewards.worst(CHEST, signed, candidates) == 0
