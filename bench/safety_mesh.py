"""Our facts against the human MeSH coding of the OpenI reports; beside them the CheXpert phrase lists under the ConText rules of medspaCy.

A class is a group of headings that mean one thing and the concepts of ours that mean it. The coders code what is stated and leave out
what is only possible; so do both readers here. The lists are data of the place (`terms/` beside `openi/`), none of them is shipped.
"""

from __future__ import annotations

import json
import re
from collections import Counter
from collections.abc import Callable, Iterable
from pathlib import Path
from typing import Any

from bench.safety_baselines import ConText
from engine.facts import Fact, Reading, read
from engine.lexicon import lexicon

#: class -> (pattern of a MeSH entry, concepts of ours, whether kinds of them count, CheXpert lists)
CLASSES: dict[str, tuple[str, str, bool, str]] = {
    "large heart": (r"cardiomegaly|cardiac shadow/enlarged", "cardiomegaly borderline_cardiomegaly", False, "cardiomegaly"),
    "atelectasis": (r"pulmonary atelectasis", "atelectasis", True, "atelectasis"),
    "effusion": (r"pleural effusion", "pleural_effusion effusion loculated_effusion", False, "pleural_effusion"),
    "pneumothorax": (r"pneumothorax", "pneumothorax", True, "pneumothorax"),
    "pneumonia": (r"pneumonia(?:/|$)", "pneumonia", True, "pneumonia"),
    "edema": (r"pulmonary edema", "pulmonary_edema", False, "edema"),
    "opacity": (
        r"(?:opacity|density)/(?!.*\bround)|airspace disease|infiltrate|consolidation",
        "lung_opacity airspace_opacity consolidation infiltrate opacity density interstitial_opacity ground_glass_opacity",
        False, "lung_opacity consolidation",
    ),
    "nodule or mass": (r"nodule|mass(?:/|$)|(?:opacity|density)/.*\bround", "nodule mass", True, "lung_lesion"),
    "fracture or deformity of bone": (
        r"fractures, bone|deformity/.*(?:rib|vertebra|clavicle|humerus|bone)",
        "fracture old_fracture rib_deformity compression_fracture vertebral_fracture deformity", True, "fracture",
    ),
    "old granulomatous disease": (
        r"calcified granuloma|granuloma|calcinosis(?!.*(?:aort|arter|cartilag|heart|valve))|histoplasmosis",
        "granuloma lymph_node_calcified old_tuberculosis", True, "",
    ),
    "calcified aorta": (r"atherosclerosis|calcinosis/.*(?:aort|arter)", "atherosclerosis aortic_atherosclerosis coronary_calcification", True, ""),
    "degenerative spine": (
        r"(?:spine|.*vertebrae|bone and bones|arthritis)/?.*(?:degenerative|arthritis|spine)|spondylosis|osteophyte|hyperostosis",
        "degenerative_change", True, "",
    ),
    "scar": (r"cicatrix", "lung_scar scar", False, ""),
    "emphysema or COPD": (r"(?:.* )?emphysema(?!.*subcut)|pulmonary disease, chronic|lung/hyperdistention", "emphysema copd hyperinflation", True, ""),
    "low volumes": (r"lung/hypoinflation", "low_lung_volumes", True, ""),
    "scoliosis": (r"scoliosis", "scoliosis", True, ""),
    "kyphosis": (r"kyphosis", "kyphosis", True, ""),
    "hiatal hernia": (r"hernia, hiatal", "hiatal_hernia", True, ""),
    "congestion": (r"pulmonary congestion", "vascular_congestion", True, ""),
    "heart failure": (r"heart failure", "heart_failure", True, ""),
    "eventration": (r"diaphragmatic eventration", "diaphragmatic_eventration", True, ""),
    "bronchiectasis": (r"bronchiectasis", "bronchiectasis", True, ""),
}  # fmt: skip
#: The coders code what is probable, consistent with, or stated.
SURE = 3
DOUBT = re.compile(
    r"\b(?:may|might|could|possibl\w+|question\w*|cannot|not exclude\w*|differential|consider\w*)\b", re.IGNORECASE
)
Row = dict[str, Any]


def coded(row: Row) -> set[str]:
    entries = [entry.strip().lower() for entry in row["mesh"]]
    return {name for name, (pattern, _, _, _) in CLASSES.items() if any(re.match(pattern, entry) for entry in entries)}


def ours(text: str) -> set[str]:
    reading = read(text)
    exact = {
        fact.concept
        for fact in reading.facts
        if fact.certainty >= SURE or (fact.is_alternative and not _is_doubted(reading, fact))
    }
    kinds = {above for concept in exact for above in lexicon().above[concept]}
    return {name for name, (_, concepts, wide, _) in CLASSES.items() if set(concepts.split()) & (kinds if wide else exact)}


def _is_doubted(reading: Reading, fact: Fact) -> bool:
    """`Atelectasis or scar` is coded as both; `may represent atelectasis or scar` as neither."""
    span = reading.sentences[fact.sentence]
    return bool(DOUBT.search(reading.text[span.start : span.end])) or not fact.is_present


def phrase_lists(terms: Path) -> Callable[[str], set[str]]:
    """Mentions of the CheXpert lists that the medspaCy ConText rules leave affirmed."""
    context = ConText.of_rules(json.loads((terms / "medspacy_en" / "context_rules.json").read_text("utf-8")))
    folder = terms / "chexpert_labeler" / "phrases" / "mention"
    phrases = {
        name: [line.strip().lower() for file in files.split() for line in (folder / f"{file}.txt").read_text("utf-8").splitlines() if line.strip()]
        for name, (_, _, _, files) in CLASSES.items() if files
    }  # fmt: skip
    return lambda text: {name for name, words in phrases.items() if context.affirms(text, words)}


def score(rows: Iterable[Row], reader: Callable[[str], set[str]], classes: set[str]) -> Row:
    """Micro F1 over the classes given."""
    right, extra, missing = Counter[str](), Counter[str](), Counter[str]()
    for row in rows:
        told, read = coded(row) & classes, reader(f"{row['findings']} {row['impression']}") & classes
        right.update(told & read)
        extra.update(read - told)
        missing.update(told - read)
    hits = right.total()
    precision, recall = hits / max(1, hits + extra.total()), hits / max(1, hits + missing.total())
    return {
        "f1": round(2 * precision * recall / max(1e-9, precision + recall), 4),
        "precision": round(precision, 4),
        "recall": round(recall, 4),
        "classes": {name: [right[name], extra[name], missing[name]] for name in CLASSES if name in classes},
    }


def measure(rows: Iterable[Row], data: Path) -> Row:
    """Reports that were not coded are left out. The lists know only some classes: ours is given on all and on theirs."""
    rows = [row for row in rows if "No Indexing" not in row["mesh"]]
    shared = {name for name, (_, _, _, files) in CLASSES.items() if files}
    found = {"reports": len(rows), "ours": score(rows, ours, set(CLASSES)), "ours on theirs": score(rows, ours, shared)}
    if (data / "terms").exists():
        found["phrase lists"] = score(rows, phrase_lists(data / "terms"), shared)
    return found


def in_words(figures: Row) -> str:
    lines = [f"{figures['reports']} coded reports"]
    for name, found in figures.items():
        if isinstance(found, dict):
            lines.append(f"{name}: F1 {found['f1']:.3f} (precision {found['precision']:.3f}, recall {found['recall']:.3f})")
    lines.append("class: right, extra, missing (ours)")
    lines += [
        f"  {name:32} {right:4} {extra:4} {missing:4}" for name, (right, extra, missing) in figures["ours"]["classes"].items()
    ]
    return "\n".join(lines)
