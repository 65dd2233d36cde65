"""Training for real, on a base of two layers: what the night's defaults promise of TRL and PEFT."""

from __future__ import annotations

import json
import math
from dataclasses import replace
from pathlib import Path

import pytest

from engine.adapters import Shelf, verify
from engine.base import name_of_base
from engine.prompts import Dictation
from tests.fakes.tiny_base import tiny_base
from trainer.fit import Recipe, Writer, fit
from trainer.pairs import Example, Pair

FINDINGS = [
    "There is a small left pleural effusion. Lungs are clear.",
    "No hemorrhage. No mass. The ventricles are normal.",
    "Small right pleural effusion. No pneumothorax.",
    "The lungs are clear. No effusion. The heart is normal.",
]
SIGNED = ["1. Small left effusion.", "1. No acute disease.", "1. Small right effusion.", "1. No acute disease."]
DRAFT = "No acute disease."
EXAMPLES = [Example(Dictation("CT head", findings), DRAFT, signed) for findings, signed in zip(FINDINGS, SIGNED, strict=True)]
PROMPTS = [example.prompt for example in EXAMPLES]
PAIRS = [Pair(example.prompt, example.signed, "There is no acute disease.") for example in EXAMPLES]
QUICK = Recipe(rank=8, alpha=16, steps=1, least_epochs=1, batch=4)


@pytest.fixture(scope="module", params=["llama", "mistral"])
def base(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tiny_base(tmp_path_factory.mktemp(request.param), request.param)


def test_preference_starts_exactly_where_imitation_ended(base: Path, tmp_path: Path) -> None:
    only_preference = replace(QUICK, imitation_weight=0.0)

    result = fit(EXAMPLES, PAIRS, base_model=base, out=tmp_path / "out", seed=7, recipe=only_preference, on_policy=False)

    assert result.first_preference_loss == pytest.approx(math.log(2), abs=1e-3)
    assert result.first_margin == pytest.approx(0.0, abs=1e-4)
    assert result.pairs == 4


def test_the_same_seed_gives_the_same_bytes_and_another_seed_others(base: Path, tmp_path: Path) -> None:
    def train(name: str, seed: int) -> bytes:
        out = tmp_path / name
        fit(EXAMPLES, PAIRS, base_model=base, out=out, seed=seed, recipe=QUICK)
        return (out / "adapter_model.safetensors").read_bytes()

    first, again, other = train("first", 7), train("again", 7), train("other", 8)

    assert first == again
    assert first != other


def test_what_is_trained_can_stand_on_the_shelf_and_is_served(base: Path, tmp_path: Path) -> None:
    result = fit(EXAMPLES, PAIRS, base_model=base, out=tmp_path / "out", seed=7, recipe=QUICK)

    adapter = Shelf(tmp_path / "shelf").put(
        result.folder, radiologist="r17", night="2026-11-21", base_model=name_of_base(str(base)), metrics={}, card={}, base=base
    )

    verify(adapter, base)
    assert sorted(file.name for file in adapter.folder.iterdir()) == [
        "adapter_config.json",
        "adapter_model.safetensors",
        "card.json",
    ]
    assert str(tmp_path) not in (adapter.folder / "adapter_config.json").read_text()


def test_a_radiologist_with_examples_and_no_pairs_is_taught_by_imitation(base: Path, tmp_path: Path) -> None:
    result = fit(EXAMPLES, [], base_model=base, out=tmp_path / "out", seed=7, recipe=QUICK, on_policy=False)

    assert result.first_preference_loss is None
    assert json.loads((tmp_path / "out" / "adapter_config.json").read_text())["r"] == 8


def test_a_report_too_long_for_the_model_is_left_out_and_not_cut(base: Path, tmp_path: Path) -> None:
    endless = Example(Dictation("CT head", "No mass. " * 1000), "No mass.", "1. No mass.")

    result = fit([*EXAMPLES, endless], [], base_model=base, out=tmp_path / "out", seed=7, recipe=QUICK, on_policy=False)

    assert result.examples == 4
    with pytest.raises(ValueError, match="short enough"):
        fit([endless], [], base_model=base, out=tmp_path / "none", seed=7, recipe=QUICK)


@pytest.mark.parametrize(("examples", "epochs"), [(4, 8), (24, 4), (32, 3), (1000, 3)])
def test_few_examples_are_read_more_often_than_many(examples: int, epochs: int) -> None:
    assert Recipe().epochs(examples) == epochs


def test_enough_repetition_teaches_the_radiologists_words(base: Path, tmp_path: Path) -> None:
    recipe = Recipe(rank=32, alpha=64, steps=100, most_epochs=100, batch=4, rate=5e-3)
    result = fit(EXAMPLES, PAIRS, base_model=base, out=tmp_path / "out", seed=7, recipe=recipe, on_policy=False)
    write = Writer(base, max_tokens=24)

    taught, bare = write(PROMPTS, result.folder), write(PROMPTS, None)

    assert taught == SIGNED
    assert bare != SIGNED


def test_a_batch_writes_what_each_prompt_alone_would_get(base: Path, tmp_path: Path) -> None:
    write = Writer(base, max_tokens=8)

    together = write([PROMPTS[0], PROMPTS[1]], None)

    assert together == [write([prompt], None)[0] for prompt in PROMPTS[:2]]
