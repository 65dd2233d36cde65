"""A message that kills whoever reads it is found out in a process of its own; its neighbours go their way."""

from __future__ import annotations

import os
import signal
import time

import pytest

from bench.chaos_parts import dictated
from connectors import probe

HERE = f"{__name__}:"


def dies_of(message: bytes) -> None:
    """A reader with three fatal weaknesses."""
    if b"ABORT" in message:
        os.kill(os.getpid(), signal.SIGABRT)
    if b"MEMORY" in message:
        os.kill(os.getpid(), signal.SIGKILL)
    if b"STALL" in message:
        time.sleep(60)
    if b"RAISE" in message:
        raise ValueError


def test_the_messages_that_kill_are_named_and_the_innocent_are_not() -> None:
    messages = [b"fine", b"ABORT", b"fine", b"RAISE", b"MEMORY", b"MEMORY", b"", b"fine"]

    assert probe.deadly(messages, f"{HERE}dies_of") == {1, 4, 5}


def test_a_message_that_never_ends_is_as_bad_as_one_that_kills(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(probe, "SECONDS", 8)

    assert probe.deadly([b"fine", b"STALL", b"fine"], f"{HERE}dies_of") == {1}


def test_ordinary_messages_survive_the_real_reader() -> None:
    assert probe.deadly([dictated(1), b"garbage", b"", dictated(2)]) == frozenset()
