"""Running text -> tokens and sentences, every one with its place in the text as given.

Offsets count Unicode code points of the original, whatever is lower-cased or left out on the way: a flag must be able to point.
"""

from __future__ import annotations

import re
from bisect import bisect_left
from operator import attrgetter
from typing import Final

#: Most tokens by far come first; then slashed shorthand, numbers, blanks, words with levels (`l4`, `t12`), marks. Hyphens inside words
#: are skipped like spaces.
TOKEN: Final = re.compile(
    r"(?!xxx)[a-z]++(?![\w/.'’])|[.,](?!\d)"
    r"|(?:w/o|w/|s/p|c/w|b/l|r/o|h/o|d/t|a/w|f/u|y/o|w\.r\.t\.|vs\.|e\.g\.|i\.e\.|approx\.|dr\.|a\.m\.|p\.m\.)(?![a-z])"
    r"|\d+(?:\.\d+)?|(?<![\w.])\.\d+"
    r"|x{3,}|_{2,}|\[[^\]]{0,20}\]|\*{3,}"
    r"|[^\W\d_]+(?:\d{1,2}(?![\d.]*[^\W\d_]))?(?:['’][st]\b)?"
    r"|[^\w\s]"
)
#: A printed line that starts like this starts a new statement.
NEW_LINE_STARTS: Final = re.compile(r"\s*\n\s*(?=\n|[-•*·]|\d{1,2}[.)]|[A-Z][a-z]|[A-Z][A-Z /]{2,30}:)")
CLOSERS: Final = frozenset(".!?")
#: No sentence ends with these: "no opacity to suggest. Pneumonia." is a slip of the keyboard.
UNFINISHED: Final = frozenset({"suggest", "the", "an", "and", "or"})
BLANK = "xxxx"
#: How many words are remembered as they are said: a lexicon's and a day's, and never more.
KEPT = 32768
_SAID: Final[dict[str, str]] = {}
#: How a word is spelt in Britain and in the lexicon; `-is-` only behind syllables that no other verb has.
SPELLINGS: Final = tuple(
    (re.compile(british), american)
    for british, american in (
        ("aem", "em"), ("oed", "ed"), ("oesoph", "esoph"), ("caec", "cec"), ("faec", "fec"), ("foet", "fet"), ("gynaec", "gynec"),
        ("paed", "ped"), ("coeliac", "celiac"), ("aetiol", "etiol"), ("oestr", "estr"), ("rrhoea", "rrhea"), ("aesth", "esth"),
        ("(col|tum|lab|neighb|behavi)our", r"\1or"), ("(cent|fib|met|lit)re(s?)$", r"\1er\2"), ("calibre", "caliber"), ("^grey", "gray"),
        (r"(?<=[a-z]{3})(al|er|an|on|il|ot|at|or|ar|en)is(e[ds]?|ing|ations?)$", r"\1iz\2"), ("lyse(?=[ds]?$)", "lyze"),
    )
)  # fmt: skip


class Token:
    """One word, number or mark; `text` is lower-cased, `start` and `end` count code points of the original. Bare: there are many."""

    __slots__ = ("end", "start", "text")

    def __init__(self, text: str, start: int, end: int) -> None:
        self.text, self.start, self.end = text, start, end


class Span:
    """Tokens `first` to `last` (excluded) make one sentence, found at `start` to `end` of the original."""

    __slots__ = ("end", "first", "last", "start")

    def __init__(self, first: int, last: int, start: int, end: int) -> None:
        self.first, self.last = first, last
        self.start, self.end = start, end


def tokens_of(text: str) -> list[Token]:
    """The tokens of `text`; a blank left by dictation or de-identification becomes one token, `xxxx`."""
    lowered = text.lower()
    if len(lowered) != len(text):  # a few letters (İ) grow when lowered: keep the length, offsets matter more
        lowered = "".join(one if len(low := one.lower()) != 1 else low for one in text)
    found: list[Token] = []
    end = 0
    known = _SAID
    for word in TOKEN.findall(lowered):  # strings are cheaper than matches, and only spaces lie between two of them
        start = lowered.find(word, end)
        end = start + len(word)
        if word == "-" and not _is_dash(lowered, start):
            continue
        said = known.get(word)
        found.append(Token(_in_american(word) if said is None else said, start, end))
    return found


def _in_american(word: str) -> str:
    """`haemorrhage`, `oedematous` and `visualised` in the spelling of the lexicon; its own phrases are read the same way."""
    said = _as_said(word)
    for british, spelling in SPELLINGS:
        said = british.sub(spelling, said)
    if len(_SAID) >= KEPT:
        _SAID.clear()
    _SAID[word] = said
    return said


def _as_said(word: str) -> str:
    """`patient's` is said of the patient, `doesn't` is not and `can't` cannot; `xxxx`, `___`, `[...]` and `***` are all a blank."""
    if (len(word) > 1 and word[0] in "_[*") or word.startswith("xxx"):
        return BLANK
    if word.endswith(("n't", "n’t")):
        return "cannot" if word.startswith("c") else "not"
    return word[:-2] if word.endswith(("'s", "’s")) else word


def _is_dash(text: str, at: int) -> bool:
    """A hyphen between spaces is a pause, one after a number or level is a range; any other only joins a word."""
    before, after = text[at - 1 : at], text[at + 1 : at + 2]
    return (before.isspace() and after.isspace()) or (before.isdigit() and (after.isdigit() or after in "ctls"))


def sentences_of(text: str, tokens: list[Token]) -> list[Span]:
    """Sentences in order: split at full stops and at printed lines that start something new, never inside a number."""
    breaks = NEW_LINE_STARTS.finditer(text) if "\n" in text else ()
    lines = [bisect_left(tokens, match.end(), key=attrgetter("start")) for match in breaks]
    stops = [
        index + 1
        for index, token in enumerate(tokens)
        if token.text in CLOSERS and not (index and _is_unfinished(tokens[index - 1], text)) and not _asks_ahead(token, text)
    ]
    spans: list[Span] = []
    cuts = [*((line, False) for line in lines), *((stop, True) for stop in stops), (len(tokens), False)]
    first = 0
    for last, is_stop in sorted(cuts):
        if last > first and not (is_stop and _is_item_number(tokens, first, last)):
            _close(spans, tokens, first, last)
            first = last
    return spans


def _is_unfinished(token: Token, text: str) -> bool:
    """The stop behind `or` stands for a word that was masked; the one behind `OR` ends what was seen in the operating room."""
    return token.text in UNFINISHED and text[token.start : token.end] != "OR"


def _asks_ahead(token: Token, text: str) -> bool:
    """`?pneumonia` and `? pneumonia` doubt what follows; a question ends behind its last word."""
    if token.text != "?":
        return False
    before, after = text[token.start - 1 : token.start], text[token.end : token.end + 2].lstrip(" ")
    return (before.isspace() or before in "(/,") and after[:1].isalpha()


def _is_item_number(tokens: list[Token], first: int, last: int) -> bool:
    """`2.` at the start of a sentence numbers it and does not end it."""
    return last == first + 2 and tokens[first].text.isdigit() and len(tokens[first].text) <= 2


def _close(spans: list[Span], tokens: list[Token], first: int, last: int) -> None:
    for token in tokens[first:last]:
        if token.text[0].isalnum():
            break
    else:
        return  # marks alone say nothing
    if spans and last - first <= 2 and tokens[first].text.isdigit() and tokens[first].start == spans[-1].end:
        return
    spans.append(Span(first, last, tokens[first].start, tokens[last - 1].end))
