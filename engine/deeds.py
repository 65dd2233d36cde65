"""What only a person can say: that somebody was told, that images were reviewed, that one agrees. No model did it, so no draft says it.

A model that learns from signed reports learns their closing lines, too. A sentence goes when it tells of a deed that was not dictated;
one that also states a finding goes with it, and the checker then misses the finding.
"""

from __future__ import annotations

import re
from collections.abc import Iterable

from engine.prompts import Dictation
from engine.sentences import sentences_of, tokens_of

DEEDS = re.compile(
    r"\b(?:discussed(?! (?:above|below))|communicated|relayed|conveyed|notified|informed|telephoned|paged|faxed|attest\w*|dictated|transcribed"
    r"|(?:was|were) (?:called|reported) (?:to|at|by)|called (?:to )?(?:dr|the|and)\b|spoke (?:with|to)"
    r"|i (?:have |personally )*(?:reviewed|agree|concur|interpreted|discussed|spoke|called|performed|supervised)"
    r"|(?:personally|directly) (?:reviewed|supervised|interpreted)|reviewed (?:by|with) (?:dr|the)\b|(?:agree|concur) with"
    r"|(?:signed|verified|approved|interpreted|read|reported) by|read[- ]back|critical results? (?:call|communicat)\w*)",
    re.IGNORECASE,
)
#: An item of a list of which nothing but its mark is left.
BARE_MARK = re.compile(r"^[ \t]*(?:\d{1,2}[.)]|[-•*])?[ \t]*$")
NUMBERED = re.compile(r"^[ \t]*(\d{1,2})[.)]", re.MULTILINE)


def without_deeds(text: str, dictation: Dictation) -> str:
    """`text` without the sentences that tell of a deed the dictation does not tell of."""
    told = " ".join((dictation.findings, dictation.indication, dictation.comparison)).lower()
    spans = []
    for sentence in sentences_of(text, tokens_of(text)) if DEEDS.search(text) else ():
        deeds = DEEDS.findall(text[sentence.start : sentence.end])
        if not all(deed.lower() in told for deed in deeds):
            spans.append((sentence.start, sentence.end))
    return cut(text, spans)


def cut(text: str, spans: Iterable[tuple[int, int]]) -> str:
    """`text` without these spans; an item of a list goes with its mark, and the list counts on without a gap."""
    spans = sorted(spans, reverse=True)
    for start, end in spans:
        before, after = text[:start].rstrip(" "), text[end:].lstrip(" ")
        line = before.rpartition("\n")[2]
        if BARE_MARK.match(line) and after[:1] in ("", "\n"):
            before = before.rpartition("\n")[0]
        text = before + (" " if after and not after.startswith("\n") and before[-1:] not in ("", "\n") else "") + after
    return _renumbered(text.strip("\n")) if spans else text


def _renumbered(text: str) -> str:
    numbers = iter(range(1, 100))
    return NUMBERED.sub(lambda mark: mark[0].replace(mark[1], str(next(numbers)), 1), text)
