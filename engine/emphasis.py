"""Certainty that nobody dictated: "a definite metastasis", "embolism is completely excluded", where the findings say nothing so strong.

What a finding is called is the reader's to say, and how sure to be of it, within what was dictated (engine/compare.py). A word that says
that there is no doubt at all is another statement, and wants one of its kind in the findings or in what was known before.
"""

from __future__ import annotations

import re
from collections.abc import Iterator

from engine.impression import Flag, FlagClass

#: What the microscope says, and no image.
HISTOLOGY = r"[^.;]{0,60}\b(?:malignan|metasta|cancer|neoplas|lymphoma|sarcoma|tubercul|\w+noma\b|\w+stoma\b|gliom|sarcoid)"
EMPHATIC = re.compile(
    r"\b(?:definite(?:ly)?|definitive(?:ly)?|unequivocal(?:ly)?|undoubted(?:ly)?|without (?:any )?doubt|proving|proves|proof of"
    rf"|(?:diagnostic of|consistent only with|can only be)(?={HISTOLOGY})|pathognomonic|conclusive(?:ly)?|certainly"
    r"|with (?:certainty|confidence)|confirm(?:ed|s|ing)(?= (?!by |on |at |with |in )[a-z])"
    r"|(?:completely|entirely|fully|totally|absolutely|reliably) (?:excluded|excludes|ruled out|rules out|exclude|rule out))\b",
    re.IGNORECASE,
)
#: Every emphasis has one of these in it: most impressions have none, and are not asked further.
PARTS = tuple(
    "definit equivocal doubt proving proves proof exclude rule diagnostic gnomonic conclusiv certain confi only".split()
)
#: `no nodules are definitely seen`, `a definitive diagnosis requires biopsy`, `definite UIP`, LI-RADS 5: doubt, advice, a category of its own.
OTHERWISE = re.compile(
    r"\b(?:no|not|nor|without|lacks?|absence of|cannot be|for|if)\s+(?:\w+\s+){0,3}$"
    r"|^\s*(?:uip|hcc|hepatocellular|diagnosis|treatment|therapy|management|characteri[sz]ation)\b",
    re.IGNORECASE,
)


def overstatements(findings: str, impression: str, known: str) -> Iterator[Flag]:
    """A major flag for every emphasis of the impression, where neither the findings nor `known` are emphatic of anything."""
    emphases = list(_emphases(impression))
    if not emphases or any(True for text in (findings, known) for _ in _emphases(text)):
        return
    for match in emphases:
        message = f"The impression says “{match.group()}”; the findings say nothing so certain."
        yield Flag(FlagClass.CERTAINTY, "major", message, match.span(), None)


def _emphases(text: str) -> Iterator[re.Match[str]]:
    lowered = text.lower()
    for match in EMPHATIC.finditer(text) if any(part in lowered for part in PARTS) else ():
        before, after = text[max(0, match.start() - 30) : match.start()], text[match.end() : match.end() + 20]
        if not OTHERWISE.search(before) and not OTHERWISE.search(after):
            yield match
