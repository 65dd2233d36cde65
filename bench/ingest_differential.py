"""Our ER7 against python-hl7 and the raw split, on mutated well-formed messages: every field, repetition, component, subcomponent, unescape.

    python bench/ingest_differential.py [MESSAGES] [SEED]      # default 2000, seed 7; the full measure is 10000

Prints how many are equal field by field, and every kind of difference with the rule of the standard that explains it.
"""

from __future__ import annotations

import collections
import os
import random
import sys
from pathlib import Path

import hl7

from ingest import er7
from ingest.report import Unreadable

PIECES = (
    "",
    "a",
    "Normal.",
    "12^34",
    "x~y",
    "p&q",
    "1^2&3~4",
    "\\T\\",
    "\\S\\b",
    "c\\F\\d",
    "\\R\\",
    "\\E\\",
    "\\X41\\",
    "Größe",
    "5.2",
    '""',
    "a^^b",
    "~",
    "^",
    "&",
    "20260102",
    "\\H\\hi\\N\\",
)
#: What differs and why we keep our way.
EXPLAINED = {
    "formatting": "2.7.6: \\.br\\, \\H\\ and \\N\\ are commands, not text; python-hl7 leaves or maps them its own way",
    "hex": "2.7.7: \\Xhh\\ is bytes of the message's charset; python-hl7 takes each as one character",
    "blank": "python-hl7 strips blanks around the message",
}


def main() -> None:
    count = int(sys.argv[1]) if len(sys.argv) > 1 else 2000
    seed = int(sys.argv[2]) if len(sys.argv) > 2 else 7
    rng = random.Random(seed)
    base = wellformed(Path(os.environ.get("IMPRESARIO_SHARED_DATA", "../shared/data")))
    seen: collections.Counter[str] = collections.Counter()
    for _ in range(count):
        raw = mutated(rng, rng.choice(base))
        seen[compared(raw)] += 1
    print(f"seed {seed}, {count} mutated messages from {len(base)} well-formed ones against python-hl7 {hl7.__version__}")
    for kind, number in seen.most_common():
        print(f"{number:7} {kind}", f"({EXPLAINED[kind.split(': ')[-1]]})" if kind.split(": ")[-1] in EXPLAINED else "")
    raise SystemExit(any(kind.startswith("DIFFERENT") for kind in seen))


def wellformed(folder: Path) -> list[str]:
    """Real messages where they are, and always one of our own."""
    found = ["MSH|^~\\&|A|B|C|D|20260102||ORU^R01|1|P|2.5\rPID|1||4711^^^H^MR\rOBR|1||A1|X^Y\rOBX|1|TX|&IMP||Normal.||||||F\r"]
    for path in sorted(folder.glob("hl7v2/*/*.hl7"))[::7]:
        raw = path.read_bytes()
        if len(raw) > 12_000:  # python-hl7 needs seconds for the large ones
            continue
        try:
            message = er7.parse(next(iter(er7.messages(raw))))
        except (Unreadable, StopIteration):
            continue
        if (message.field, message.component, message.repetition, message.escape, message.subcomponent) == tuple(
            "|^~\\&"
        ) and "\\\\" not in raw[:12].decode("latin-1"):
            segments = [s for s in message.segments if "\n" not in s and "\r" not in s and s[:3] not in ("FHS", "BHS")]
            found.append("\r".join(s.strip() for s in segments) + "\r")
    return found


def mutated(rng: random.Random, text: str) -> str:
    """Fields replaced, added, dropped; segments doubled. Still well-formed."""
    segments = text.rstrip("\r").split("\r")
    for _ in range(rng.randrange(1, 9)):
        at = rng.randrange(1, len(segments)) if len(segments) > 1 else 0
        if at == 0:
            break
        fields = segments[at].split("|")
        harm = rng.randrange(4)
        if harm == 0 and len(fields) > 1:
            fields[rng.randrange(1, len(fields))] = rng.choice(PIECES)
        elif harm == 1:
            fields.append(rng.choice(PIECES))
        elif harm == 2 and len(fields) > 2:
            fields.pop()
        segments[at] = "|".join(fields)
        if harm == 3 and len(segments) < 60:
            segments.insert(at, segments[at])
    return "\r".join(segments) + "\r"


def compared(text: str) -> str:
    """ "equal", or the first difference by kind."""
    message = er7.parse(text.encode())
    if er7.unparse(message) != text.encode():
        return "DIFFERENT: round trip"
    theirs = hl7.parse(text)
    ours = er7.tree(message)
    raw = [segment.split("|") for segment in text.rstrip("\r").split("\r")]
    if len(ours) != len(theirs):
        return "DIFFERENT: number of segments"
    for mine, their, split in zip(ours, theirs, raw, strict=True):
        if split[0] != "MSH" and ["~".join("^".join("&".join(c) for c in r) for r in field) for field in mine] != split:
            return "DIFFERENT: raw split"
        if len(mine) != len(their):
            return "DIFFERENT: number of fields"
        for number, field in enumerate(mine):
            if split[0] == "MSH" and number < 3:
                continue
            if shape(their[number]) != field:
                return "equal but for: blank" if flat(shape(their[number])) == flat(field) else "DIFFERENT: components"
    return unescaped(message, theirs, ours)


def shape(field: object) -> list[list[list[str]]]:
    """python-hl7's mixed nesting as repetitions of components of subcomponents."""
    repetitions = field if isinstance(field, hl7.Field) else [field]
    grown = []
    for repetition in repetitions:
        components = repetition if isinstance(repetition, hl7.Repetition) else [repetition]
        grown.append([[str(s) for s in c] if isinstance(c, hl7.Component) else [str(c)] for c in components])
    return grown


def flat(field: list[list[list[str]]]) -> list[str]:
    return [s.strip() for r in field for c in r for s in c]


def unescaped(message: er7.Message, theirs: hl7.Message, ours: list[list[list[list[list[str]]]]]) -> str:
    for segment in (s for s in ours if s[0] != [[["MSH"]]]):
        for field in segment[1:]:
            for text in (s for r in field for c in r for s in c if "\\" in s):
                if message.plain(text) != theirs.unescape(text):
                    if "\\X" in text:
                        return "equal but for: hex"
                    if any(mark in text for mark in ("\\.", "\\H", "\\N")):
                        return "equal but for: formatting"
                    return f"DIFFERENT: unescape of {text[:30]!r}"
    return "equal"


if __name__ == "__main__":
    main()
