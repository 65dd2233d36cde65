"""`re.search` and its kin for patterns written where they are used: each is compiled once and kept.

The standard library keeps only 512 patterns and forgets the oldest; a process that also checks facts has more than that, and would
compile some of them again for every report.
"""

from __future__ import annotations

import re
from functools import cache


@cache
def compiled(pattern: str, flags: int = 0) -> re.Pattern[str]:
    """`re.compile`, once per pattern."""
    return re.compile(pattern, flags)


def seen(pattern: str, text: str, flags: int = 0) -> re.Match[str] | None:
    """`re.search`."""
    return compiled(pattern, flags).search(text)


def opens(pattern: str, text: str, flags: int = 0) -> re.Match[str] | None:
    """`re.match`."""
    return compiled(pattern, flags).match(text)


def fills(pattern: str, text: str, flags: int = 0) -> re.Match[str] | None:
    """`re.fullmatch`."""
    return compiled(pattern, flags).fullmatch(text)


def parts(pattern: str, text: str, flags: int = 0) -> list[str]:
    """`re.split`."""
    return compiled(pattern, flags).split(text)
