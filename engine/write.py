"""From a report to an impression: draft, refine, check, and a way down when a check fails.

`LanguageModel` is the port; its real side is engine/vllm.py, its honest fake stands in the tests.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Protocol

from engine.adapters import Adapter


class ModelUnavailable(Exception):
    """The language model did not answer in time or at all. The caller falls back or waits; nothing is lost."""


@dataclass(frozen=True, slots=True)
class Completion:
    """One continuation of a prompt; `logprob` is the mean natural log-probability per token, 0.0 when not asked for."""

    text: str = field(repr=False)
    logprob: float


class LanguageModel(Protocol):
    """What the engine needs of a model server."""

    @property
    def base_model(self) -> str:
        """The name of the base weights, as kept with every draft."""
        ...

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
        """`n` continuations of `prompt`. Lower `priority` goes first; `timeout` in seconds. Raises `ModelUnavailable`."""
        ...
