"""Lines that are no dictation: signatures and attestations, banners, stamps, notices, names below a report, and what a printer adds.

Decided by what every word of a line is (ingest/paperwork.py), so that a sentence is kept for its first clinical word: "Preliminary
report to follow" is paperwork, "Preliminary findings suggest pneumonia" and "Reported to Dr. Smith" are dictated.
"""

from __future__ import annotations

import re
from functools import lru_cache

from ingest.exam import modality_of
from ingest.headings import folded
from ingest.paperwork import (
    ACT,
    BY,
    DOCUMENT,
    GREETINGS,
    KINDS,
    OFFICES,
    ROLE,
    SIGNED,
    SMALL,
    STARTS,
    TITLE,
    TOLD,
    VERSION,
    WAITING,
    WRITTEN,
)

#: Neither is a line of paperwork longer, nor does more of it tell how it begins.
LONGEST_PAPERWORK = 160
LONGEST_START = 60
LONGEST_ABBREVIATION = 5
#: Of a greeting.
MOST_WORDS = 12
_EDGES = " \t*=_#-–—•·>|~<[]().:!/\\\u00a0\ufeff"
_BEGINNINGS = frozenset(word[:length] for word in KINDS for length in range(1, len(word) + 1))
#: How much of a beginning is compared: what it is called with is never longer.
LOOK = 12
_OPENINGS = frozenset(start[:length] for start in STARTS for length in range(1, LOOK + 1))
_SHORT_STARTS = tuple(start for start in STARTS if len(start) < LOOK)
#: A day or an hour: two numbers, or one long enough to be both.
_MOMENT = re.compile(r"\d[./:\-hH ]\d|\d{6}| \d{1,2}h\b")
#: AB/cd: who dictated and who typed. D: 01/02/2026 T: 01/02/2026
_INITIALS = re.compile(
    r"[A-Z]{2,4}\s?[/:]\s?[a-z]{2,4}\Z|(?:(?:DD|DT|TD|TT|[DTRV]):? *\d[\d/.\-: ]{5,20}(?:[AaPp][Mm])?[ ,;]*)+\Z"
)
#: Paris, le 12/03/2025
_PLACE_AND_DAY = re.compile(r"[A-ZÀ-Ý][\w' -]{2,30}, (?:le|den|lì|li|el|a|em|addì|op) \d{1,2}[./ \-][\w./ \-]{1,20}\d{2}\.?\Z")
_DATED_PLACE = re.compile(r"[A-ZÀ-Ý][\w'-]{2,20}(?: [A-ZÀ-Ý][\w'-]{2,20})?, \d{1,2}[./ \-][\w./ \-]{1,20}\d{2}\Z")
#: What a printer puts between two pages: PAGE 1   Signed Report   (CONTINUED) / Page 2 of 3 / ** CONTINUED ON NEXT PAGE **
_PAGE_BREAK = re.compile(
    r"(?:page|seite|p[aá]gina|blad|sida)\s+\d{1,3}(?:\s*(?:of|von|de|di|van|av|/)\s*\d{1,3})?(?:\s{2,}.*|\s*\(?contin\w+.*)?\Z|"
    r"[*(<\-\s]*(?:report )?continued(?: on (?:the )?next page)?[*)>\-\s.]*\Z",
    re.IGNORECASE,
)
#: I, Jane Doe MD, have personally reviewed the images ...
_ATTESTED = re.compile(r"I, [^:]{2,60} (?:have|attest|agree|personally|was present)\b")
#: Where a signature may follow on the same line: behind a sentence, and these words behind anything.
_SENTENCE_END = re.compile(
    r"(?<=[.!?)])[ ]{1,8}(?=[A-ZÀ-Ý(])|[ ]{1,8}(?=(?:Electronically|Elektronisch|Firmado electr|Signé élec))"
)
_NAMELIKE = re.compile(
    r"(?:(?:Dr|Prof|PD|Priv|OA|OÄ|AÄ|CA|Dra|Dott|Dipl|Drs|Docteur|Doctor|Pr)\b[^!?:]{2,90}|(?:[^.!?:]|(?<=\b[A-Z])\.){3,50}"
    r"(?:,? (?:M\.? ?D\.?|D\.?O\.?|MBBS|FRCR|FRANZCR|PhD)|, (?:[Oo]verl[eæ]ge|[Öö]verläkare|[Rr]adi[oó]lo\w{1,6}))\.?)\Z"
)
_SMALL_WORDS = frozenset(
    """
med med. e.h von van de der den di da la le du des dos y und für e el af av em of il radiologie radiologia radiologi radiology
""".split()
)
_ENDS = frozenset({"END", "End", "ENDE", "Ende", "FIN", "EOR"})
_SIGNING = frozenset({SIGNED, WRITTEN, ROLE})
_DATED = frozenset({WRITTEN, DOCUMENT})
_OFFICE = frozenset({ROLE, SMALL, WRITTEN})
#: In whose name: i.V. Dr. K. Beispiel
_FOR = re.compile(r"\A(?:i\. ?[VA]\.|gez\.|sgd\.?|p\.?p\.|per pro\.?|ppa\.|for) +")
#: ... 22/01/2025 11:20 behind a name
_SIGNED_AT = re.compile(r"[,;\s\-–]+(?:(?:on|am|le|il|op|em|el) )?\d[\d./:\-h ]{5,24}(?:[AaPp][Mm]|Uhr)?\.?\Z")


@lru_cache(maxsize=8192)
def may_open(beginning: str) -> bool:
    """Whether a line of this file may begin so, whatever follows."""
    key = folded(beginning)
    if beginning.startswith("I, ") or not key:
        return True
    *words, last = key.split()
    return (
        key[:LOOK] in _OPENINGS
        or key.startswith(_SHORT_STARTS)
        or ((last in _BEGINNINGS or last.isdigit()) and all(word in KINDS or word.isdigit() for word in words))
    )


def opens_trailer(line: str) -> bool:
    """Whether a signature, an attestation, a transcription mark or a notice begins here: all that follows, to the next heading, is cut."""
    if line.startswith("I, "):
        return _ATTESTED.match(line) is not None
    if not (line[0].isupper() or line[0] in "(é" or line.startswith(("gez.", "f.d.R", "i.V.", "i.A."))):
        return False
    return folded(line[:LONGEST_START]).startswith(STARTS) or signer(line) != ""


def is_paperwork(line: str) -> bool:
    """Whether the line by itself is a banner, a stamp or a page break: PRELIMINARY REPORT - NOT VERIFIED, Reported 22/01/2025."""
    if _is_page_break(line):
        return True
    core = line.strip(_EDGES)
    if not core or len(core) > LONGEST_PAPERWORK or not may_open(core[:12]):
        return False
    if core in _ENDS:
        return True
    words = folded(core).split()
    kinds = {"" if word[0].isdigit() else KINDS.get(word, "?") for word in words}
    if "?" in kinds:
        return False
    if SIGNED in kinds:
        return len(words) > 1
    if WAITING in kinds and (DOCUMENT in kinds or ACT in kinds):
        return True
    if VERSION in kinds:
        return DOCUMENT in kinds or len(words) == 1
    return not kinds.isdisjoint(_DATED) and _MOMENT.search(core) is not None and TOLD.isdisjoint(words)


def without_ending(line: str) -> str:
    """The line without the signature that may follow its last sentence: "Normal chest. Reported by Dr A. Low." """
    if ". " not in line and ") " not in line and "ectr" not in line and "ektr" not in line:
        return line
    for found in reversed(list(_SENTENCE_END.finditer(line, max(0, len(line) - 2 * LONGEST_PAPERWORK)))):
        before, rest = line[: found.start()], line[found.end() :]
        last = folded(before.rpartition(" ")[2])
        signs = may_open(rest[:12]) and (is_paperwork(rest) or opens_trailer(rest))
        if signs or (len(last) > 2 and KINDS.get(last) != TITLE and is_name(rest)):
            line = before
    return line


def is_name(line: str) -> bool:
    """Dr. med. Anna Beispiel / Jane Doe, MD / Dr A. Low, Consultant Radiologist, 22/01/2025: a signature without a word before it."""
    opening = line.split(None, 2)
    if len(opening) > 2 and not _may_name(opening[1]):
        return False  # nearly every line: a sentence, told by its second word
    line = line.strip()
    if line[-1:].isdigit() or line.endswith(("Uhr", "am", "pm", "AM", "PM")):
        line = _SIGNED_AT.sub("", line)
    if line[:1].islower():
        line = _FOR.sub("", line)
    words = line.replace("/", " ").split(None, 16)
    if not words or len(words) > 16:
        return False
    for word in words:
        if not _may_name(word):
            return False
    return is_namelike(line)


def _may_name(word: str) -> bool:
    return word[0].isupper() or not word[0].isalpha() or word in _SMALL_WORDS or _is_role(word)


def is_namelike(text: str) -> bool:
    """Looks first at the edges, where a title, a degree or an office must stand."""
    may_be = text[0] in "DPOCA" or text.rstrip(".")[-1:] in "DOSR" or ", " in text
    return may_be and _NAMELIKE.match(text) is not None


def is_mark(line: str) -> bool:
    """What only the end of a section shows to be none of it: a greeting, an office, a name, initials, a place and its day."""
    if is_name(line):
        return True
    last = line.rpartition(" ")[2]
    if last[-1:].isdigit():
        return _INITIALS.match(line) is not None or _PLACE_AND_DAY.match(line) is not None
    if (kind := _kind_at_end(last)) == ROLE:  # O Médico Radiologista,
        return all(KINDS.get(word) in _OFFICE for word in folded(line).split())
    return (kind != "" and line.count(" ") < MOST_WORDS) or (len(line) < 12 and _INITIALS.match(line) is not None)


@lru_cache(maxsize=4096)
def _kind_at_end(word: str) -> str:
    """What the last word of a line makes it: a greeting, an office, or neither."""
    key = folded(word)
    return "greeting" if key in GREETINGS else ROLE if KINDS.get(key) == ROLE else ""


@lru_cache(maxsize=4096)
def _is_role(word: str) -> bool:
    return KINDS.get(folded(word)) == ROLE


def is_dated_place(line: str) -> bool:
    """Madrid, 12 de marzo de 2025: below a blank line; "Brain MRI, 12/03/2025" is an earlier exam."""
    return line[-1:].isdigit() and _DATED_PLACE.match(line) is not None and modality_of("", line) is None


def is_office(lines: list[str], end: int) -> bool:
    """What stands below a name: Consultant Radiologist, Facharzt für Radiologie, GMC 123456; only in a paragraph that a name opens."""
    for line in reversed(lines[max(0, end - 4) : end - 1]):
        if not line:
            return False
        if is_name(line):
            return _says_office(lines[end - 1])
    return False


def _says_office(line: str) -> bool:
    key = folded(line[:LONGEST_START])
    return key.startswith(OFFICES) or KINDS.get(key.partition(" ")[0]) == ROLE or is_paperwork(line)


def signer(line: str) -> str:
    """Who signs, behind words that say nothing but so: Supervisor: dr. P. Vermeulen / Report authorised by Dr Ann Read on 12/3/2025."""
    words = line.split() if len(line) <= LONGEST_PAPERWORK else []
    kinds: set[str] = set()
    before = ""
    for at, word in enumerate(words):
        keys = folded(word).split()
        if before and (before in BY or (keys and KINDS.get(keys[0]) == TITLE)):
            signs = not kinds.isdisjoint(_SIGNING) or (DOCUMENT in kinds and before in BY)
            return _names(words[at:]) if signs and before not in TOLD else ""
        for key in keys:
            if not key[0].isdigit():
                kinds.add(KINDS.get(key, "?"))
                before = key
        if "?" in kinds:
            return ""
        if word[-1] == "." and len(word) > LONGEST_ABBREVIATION:
            return ""
        if word[-1] == ":":
            who = _names(words[at + 1 :])
            if ROLE in kinds or (DOCUMENT in kinds and before in BY):
                return who
            titled = KINDS.get(folded(who).partition(" ")[0]) == TITLE
            return who if titled or (not kinds.isdisjoint(_SIGNING) and (" " in who or who[-1:].isdigit())) else ""
    return ""


def _names(words: list[str]) -> str:
    """The words, if they are names, titles, offices and days and nothing that a sentence would need."""
    for word in words:
        key = folded(word)
        unknown = bool(key) and not key[0].isdigit() and key not in KINDS
        if key in TOLD or (unknown and not word.lstrip("(-–/")[:1].isupper() and word not in _SMALL_WORDS):
            return ""
    return " ".join(words)


def _is_page_break(line: str) -> bool:
    return (
        len(line) < 2 * LONGEST_START
        and line[0] in "PpSsBb*(<-Cc"
        and (line[-1].isdigit() or "ontinu" in line.lower())
        and _PAGE_BREAK.match(line) is not None
    )
