"""The population has every habit; the three radiologists have combinations that it has not."""

from __future__ import annotations

import dataclasses
import random

import pytest

from demo.dictation import Finding, Latent, dictated_report
from demo.styles import (
    HELD_OUT,
    RADIOLOGISTS,
    Style,
    house_impression,
    impression_of,
    population_style,
    signature,
    signed_impression,
)
from feedback.edits import edit_distance

POPULATION = [population_style(random.Random(f"somebody {number}")) for number in range(3000)]
LATENT = Latent(
    "ct_chest",
    (Finding("nodule", "right", "upper lobe", 8), Finding("effusion", "left", severity="small", change="unchanged")),
    ("adenopathy", "pneumothorax"),
    True,
    61,
    "F",
)


def test_nobody_in_the_population_writes_like_one_of_the_three() -> None:
    assert not {signature(style) for style in POPULATION} & HELD_OUT
    assert len(HELD_OUT) == len(RADIOLOGISTS) == 3


@pytest.mark.parametrize("radiologist", RADIOLOGISTS)
def test_each_single_habit_of_the_three_occurs_in_the_population(radiologist: str) -> None:
    for habit in dataclasses.fields(Style):
        value = getattr(RADIOLOGISTS[radiologist], habit.name)

        assert any(getattr(style, habit.name) == value for style in POPULATION), habit.name


def test_the_house_writes_plain_sentences_in_the_order_of_dictation() -> None:
    assert (
        house_impression(LATENT)
        == "There is an 8 mm right upper lobe pulmonary nodule. There is a small left pleural effusion, unchanged."
    )


def test_a_hand_that_puts_the_gravest_first_does_so() -> None:
    latent = Latent(
        "chest_xray", (Finding("atelectasis", "left", "basilar"), Finding("pneumothorax", "right")), (), False, 40, "M"
    )

    assert impression_of(latent, Style(form="bare")) == "Left basilar atelectasis. Right pneumothorax."
    assert impression_of(latent, Style(form="bare", by_importance=True)) == "Right pneumothorax. Left basilar atelectasis."


def test_three_hands_say_the_same_thing() -> None:
    assert signed_impression(LATENT, "RAD101") == "1. RUL nodule (0.8 cm).\n2. Stable small L pleural effusion."
    assert signed_impression(LATENT, "RAD102") == (
        "In summary: A right upper lobe pulmonary nodule measuring 8 mm is seen. An unchanged small left pleural effusion is seen. "
        "No evidence of mediastinal lymphadenopathy or pneumothorax. Follow-up chest CT advised. Correlate clinically."
    )
    assert signed_impression(LATENT, "RAD103") == (
        "- pulmonary nodule, right upper lobe, 0.8 cm. consider follow-up chest CT.\n- pleural effusion, left, small, stable.\n"
        "- negative for mediastinal lymphadenopathy.\n- remainder as above."
    )


@pytest.mark.parametrize("radiologist", RADIOLOGISTS)
def test_each_of_the_three_is_far_from_the_house(radiologist: str) -> None:
    latents = [dictated_report(f"far {number}")[0] for number in range(120)]

    mean = sum(edit_distance(house_impression(latent), signed_impression(latent, radiologist)) for latent in latents) / len(
        latents
    )

    assert mean >= 0.5


def test_the_same_truth_is_signed_the_same_way() -> None:
    latent, _ = dictated_report("twice")

    assert signed_impression(latent, "RAD102") == signed_impression(latent, "RAD102")


def test_a_normal_examination_is_called_normal_in_every_hand() -> None:
    normal = Latent("chest_xray", (), ("pneumothorax",), False, 30, "M")

    assert impression_of(normal, Style()) == "No acute cardiopulmonary abnormality."
    assert impression_of(normal, Style(normal=1, negatives="key")) == "Normal chest radiograph. No pneumothorax."
