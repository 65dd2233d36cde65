"""A language model that says what a test tells it to; the suite in tests/integration/test_engine_vllm.py proves the real one alike."""

from __future__ import annotations

from collections.abc import Callable

from engine.adapters import Adapter
from engine.write import Completion, ModelUnavailable

#: (prompt, adapter, n) -> texts
Script = Callable[[str, Adapter | None, int], list[str]]


class ScriptedModel:
    """Answers by a script and remembers who was asked for."""

    def __init__(self, script: Script, base_model: str = "scripted") -> None:
        self._script = script
        self._base_model = base_model
        self.asked: list[tuple[str, Adapter | None, int]] = []

    @property
    def base_model(self) -> str:
        return self._base_model

    def complete(
        self,
        prompt: str,
        *,
        adapter: Adapter | None,
        n: int,
        temperature: float,
        seed: int,
        max_tokens: int,
        priority: int,
        timeout: float,
    ) -> list[Completion]:
        self.asked.append((prompt, adapter, n))
        return [Completion(text, -float(rank)) for rank, text in enumerate(self._script(prompt, adapter, n))]


def away(prompt: str, adapter: Adapter | None, n: int) -> list[str]:
    """A script for the day on which no model server answers."""
    raise ModelUnavailable("the model server did not answer")
