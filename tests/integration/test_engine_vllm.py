"""What the engine asks of a language model, held against a real vLLM: the shipped LLaMA and a Mistral of random weights."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from bench.random_weights import random_adapter, tiny_mistral
from engine.adapters import Adapter, BrokenAdapter, Shelf
from engine.base import name_of_base
from engine.tools import ANSWERS
from engine.vllm import VllmModel, served_name
from engine.vllm_server import local_server
from engine.write import Completion, ModelUnavailable
from settings import SHIPPED_BASE

PROMPT = "FINDINGS: There is a small right pleural effusion.\nDRAFT:"


@pytest.fixture(scope="module", params=["llama", "mistral"])
def served(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[str, Path]]:
    if request.param == "llama":
        yield request.getfixturevalue("vllm_url"), SHIPPED_BASE
        return
    folder = tmp_path_factory.mktemp("mistral")
    base = tiny_mistral(SHIPPED_BASE, folder / "base")
    with local_server(str(base), folder / "vllm.log") as url:
        yield url, base


@pytest.fixture
def model(served: tuple[str, Path]) -> Iterator[VllmModel]:
    model = VllmModel(served[0], str(served[1]))
    yield model
    model.close()


@pytest.fixture
def shelf(tmp_path: Path) -> Shelf:
    return Shelf(tmp_path / "shelf")


def put(shelf: Shelf, base: Path, folder: Path, radiologist: str, seed: int) -> Adapter:
    made = random_adapter(base, folder / f"made-{seed}", seed=seed)
    return shelf.put(made, radiologist=radiologist, night="2026-11-20", base_model=name_of_base(str(base)), metrics={}, card={})


def ask(
    model: VllmModel, adapter: Adapter | None = None, *, n: int = 1, temperature: float = 0.0, timeout: float = 120.0
) -> list[Completion]:
    return model.complete(
        PROMPT, adapter=adapter, n=n, temperature=temperature, seed=7, max_tokens=12, priority=0, timeout=timeout
    )


def test_the_same_prompt_gets_the_same_words(model: VllmModel) -> None:
    assert ask(model)[0].text == ask(model)[0].text


def test_several_candidates_come_with_their_log_probabilities(model: VllmModel) -> None:
    answers = ask(model, n=3, temperature=0.7)

    assert len(answers) == 3
    assert all(answer.logprob < 0 for answer in answers)


def test_two_radiologists_get_their_own_weights(model: VllmModel, served: tuple[str, Path], shelf: Shelf, tmp_path: Path) -> None:
    first, second = (put(shelf, served[1], tmp_path, name, seed) for name, seed in (("RAD101", 1), ("RAD102", 2)))

    texts = {ask(model)[0].text, ask(model, first)[0].text, ask(model, second)[0].text}

    assert len(texts) == 3


def test_new_weights_get_a_new_name(served: tuple[str, Path], shelf: Shelf, tmp_path: Path) -> None:
    old, new = (put(shelf, served[1], tmp_path, "RAD101", seed) for seed in (1, 2))

    assert served_name(old) != served_name(new)


def test_a_server_that_lost_its_adapters_gets_them_back(
    model: VllmModel, served: tuple[str, Path], shelf: Shelf, tmp_path: Path
) -> None:
    adapter = put(shelf, served[1], tmp_path, "RAD103", 3)
    before = ask(model, adapter)[0].text
    stranger = VllmModel(served[0], str(served[1]))
    stranger.unload(adapter)
    stranger.close()

    assert ask(model, adapter)[0].text == before


def test_an_adapter_with_a_flipped_byte_is_refused_before_it_is_loaded(
    model: VllmModel, served: tuple[str, Path], shelf: Shelf, tmp_path: Path
) -> None:
    adapter = put(shelf, served[1], tmp_path, "RAD104", 4)
    weights = adapter.folder / "adapter_model.safetensors"
    torn = bytearray(weights.read_bytes())
    torn[-1] ^= 0xFF
    weights.chmod(0o644)
    weights.write_bytes(torn)

    with pytest.raises(BrokenAdapter):
        ask(model, adapter)


def test_an_urgent_request_is_taken_with_its_priority(model: VllmModel) -> None:
    answers = model.complete(PROMPT, adapter=None, n=1, temperature=0.0, seed=7, max_tokens=4, priority=-2, timeout=120.0)

    assert answers == model.complete(PROMPT, adapter=None, n=1, temperature=0.0, seed=7, max_tokens=4, priority=0, timeout=120.0)


def test_a_choice_is_one_of_those_given(model: VllmModel) -> None:
    assert model.choose(PROMPT, ANSWERS, timeout=120.0) in ANSWERS


def test_a_deadline_is_kept_by_a_server_that_is_slower(model: VllmModel) -> None:
    with pytest.raises(ModelUnavailable):
        model.complete(PROMPT, adapter=None, n=8, temperature=1.0, seed=7, max_tokens=400, priority=0, timeout=0.001)


def test_a_server_that_is_away_is_said_to_be_away() -> None:
    model = VllmModel("http://127.0.0.1:9", str(SHIPPED_BASE))

    with pytest.raises(ModelUnavailable, match="did not answer"):
        ask(model, timeout=5.0)
