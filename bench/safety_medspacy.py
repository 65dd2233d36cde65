"""medspaCy as a checker: `impresario bench safety --checker "PYTHON bench/safety_medspacy.py"`, where PYTHON has medspacy installed.

It stands alone and imports nothing of ours but the answer's form: target words are those of the keyword baseline, ConText is medspaCy's
own with its shipped rules, and the two sections are compared as the baselines compare them.
"""

from __future__ import annotations

import json
import os
import sys
from typing import Any

os.environ.setdefault("LOGURU_LEVEL", "ERROR")  # its sentence splitter tells every step

import medspacy  # type: ignore[import-not-found, unused-ignore]
from medspacy.ner import TargetRule  # type: ignore[import-not-found, unused-ignore]

WORDS = """pneumothorax effusion consolidation pneumonia edema cardiomegaly fracture nodule mass atelectasis embolism emboli hemorrhage hematoma
infarct appendicitis obstruction hydronephrosis calculus calculi stenosis herniation protrusion tear lymphadenopathy aneurysm thrombosis abscess
opacity opacities""".split()


def main() -> None:
    reader = medspacy.load(enable=["medspacy_pyrush", "medspacy_target_matcher", "medspacy_context"])
    matcher = reader.get_pipe("medspacy_target_matcher")
    matcher.add([TargetRule(form, "FINDING") for word in WORDS for form in (word, word + "s", word + "es")])
    for line in sys.stdin:
        row = json.loads(line)
        print(json.dumps(compared(read(reader, row["impression"]), read(reader, row["findings"]))), flush=True)


def read(reader: Any, text: str) -> dict[str, str]:
    found: dict[str, str] = {}
    for mention in reader(text).ents:
        said = mention._
        how = (
            "absent"
            if said.is_negated
            else "possible"
            if said.is_uncertain or said.is_hypothetical or said.is_historical
            else "present"
        )
        stem = mention.text.lower()[:7]
        if found.get(stem) != "present":
            found[stem] = how
    return found


def compared(said: dict[str, str], seen: dict[str, str]) -> dict[str, Any]:
    classes = [
        "negation" if word in seen else "false-finding" for word, how in said.items() if how == "present" != seen.get(word)
    ]
    classes += ["negation" for word, how in said.items() if how == "absent" and seen.get(word) == "present"]
    classes += ["certainty" for word, how in said.items() if how == "possible" and seen.get(word) == "present"]
    classes += ["omission" for word, how in seen.items() if how == "present" and word not in said]
    return {"verdict": "review" if classes else "clean", "flags": [{"class": name, "severity": "major"} for name in classes]}


if __name__ == "__main__":
    main()
