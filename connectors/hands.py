"""Whose hand a draft is to be in: what a radiologist's stored signatures tell, looked up once and kept while it is fresh."""

from __future__ import annotations

import time
from typing import Literal

from sqlalchemy import Engine

from engine.adapters import Adapter
from engine.hand import UNKNOWN, Hand
from engine.prompts import Example
from feedback.capture import preferences_of
from feedback.database import reading

#: What writes for a radiologist without an adapter: the base model; the same, in their layout; or it reads their signed examples.
WithoutAdapter = Literal["draft", "layout", "examples"]
#: How many signed reports tell what a radiologist advises; how many how they write, without an adapter, and for how many seconds.
REMEMBERED, RECENT, FRESH = 500, 40, 30.0


class Hands:
    """The hands known of late, by adapter or radiologist."""

    def __init__(self) -> None:
        self._known: dict[str, tuple[float, Hand]] = {}

    def of(self, radiologist: str, adapter: Adapter | None, books: Engine, without_adapter: WithoutAdapter) -> Hand:
        """What their own signatures tell: for an adapter as they were when it first wrote, without one as they are now."""
        if adapter is None and without_adapter == "draft":
            return UNKNOWN
        key, now = adapter.version if adapter else radiologist, time.monotonic()
        since, hand = self._known.get(key, (0.0, None))
        if hand is None or (adapter is None and now - since > FRESH):
            with reading(books) as session:
                signed = preferences_of(session, radiologist, REMEMBERED if adapter else RECENT)
            examples = [Example(one.dictation, one.coarse, one.chosen, one.change in ("none", "style")) for one in signed]
            hand = Hand.of(examples, may_read=adapter is None and without_adapter == "examples")
            self._known[key] = now, hand
        return hand
