"""Plants one error of a known class into a correct impression. It knows nothing of the checker: words and regular expressions only.

Every injection changes what the impression says against its own findings; where a change could be read as true (the other side is
also affected, the new size is dictated elsewhere) it is not made. The classes are the contract's eleven.
"""

from __future__ import annotations

import random
import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass

SENTENCE = re.compile(r"[^.\n]*(?:\.(?=\d)[^.\n]*)*(?:\.|\n|$)")
ITEM = re.compile(r"^\s*(?:\d{1,2}[.)]|[-*•])\s*")


@dataclass(frozen=True, slots=True)
class Injection:
    """One planted error: its class, the impression that carries it, and what was done."""

    flag_class: str
    impression: str
    what: str
    is_critical: bool = False


def injections(findings: str, impression: str, rng: random.Random) -> Iterator[Injection]:
    """At most one injection of each class that this pair allows."""
    for flag_class, inject in INJECTORS.items():
        made = inject(findings, impression, rng)
        if made is not None and _bare(made[0]) != _bare(impression):
            yield Injection(flag_class, made[0], made[1], flag_class == "omission" and bool(CRITICAL.search(made[1])))


Made = tuple[str, str] | None


def _bare(text: str) -> str:
    return " ".join(text.lower().split())


def statements(text: str) -> list[tuple[int, int, str]]:
    """The sentences of an impression with their places; numbers of a list stay with the sentence that follows."""
    found: list[tuple[int, int, str]] = []
    start = 0
    for match in re.finditer(r"(?<!\b\d)\.(?=\s|$)|\n", text):
        piece = text[start : match.end()]
        if re.search(r"[A-Za-z]{3}", piece):
            found.append((start, match.end(), piece))
            start = match.end()
    if re.search(r"[A-Za-z]{3}", text[start:]):
        found.append((start, len(text), text[start:]))
    return found


def _swap(text: str, pairs: dict[str, str], rng: random.Random, keep: Callable[[re.Match[str], str], bool]) -> Made:
    """Replace one word by its partner, in the first sentence order that `keep` allows, keeping capitals."""
    pattern = re.compile(
        r"(?<![\w-])(" + "|".join(re.escape(word) for word in sorted(pairs, key=len, reverse=True)) + r")(?![\w])", re.IGNORECASE
    )
    options = [match for match in pattern.finditer(text) if keep(match, pairs[match.group(1).lower()])]
    if not options:
        return None
    match = rng.choice(options)
    old, new = match.group(1), pairs[match.group(1).lower()]
    new = new.upper() if old.isupper() else new.capitalize() if old[0].isupper() else new
    return text[: match.start()] + new + text[match.end() :], f"{old} -> {new}"


def _sentence_at(text: str, at: int) -> str:
    return next((piece for start, end, piece in statements(text) if start <= at < end), text)


def _is_negated(text: str, at: int) -> bool:
    return bool(NEGATIVE.search(_sentence_at(text, at)))


NEGATIVE = re.compile(
    r"\b(?:no|without|negative|not|free of|clear|unremarkable|normal|resolved|absent(?! (?:blood )?flow))\b", re.IGNORECASE
)
PLAN = re.compile(
    r"\b(?:recommend|suggest(?:ed)?\b(?! of)|advise|consider|follow|correlat|further|should|discussed|notified|called|if )",
    re.IGNORECASE,
)


def _add(impression: str, sentence: str) -> str:
    """One more sentence at the end, or one more item where the impression is a list."""
    text = impression.rstrip()
    return f"{text}{'' if text.endswith(('.', '!', ':')) else '.'} {sentence}"


# --- side ------------------------------------------------------------------------------------------------------------
SIDES = {
    "left": "right", "right": "left", "left-sided": "right-sided", "right-sided": "left-sided", "rul": "lul", "lul": "rul", "rll": "lll",
    "lll": "rll", "lt": "rt", "rt": "lt", "r": "l", "l": "r",
}  # fmt: skip


def swap_side(findings: str, impression: str, rng: random.Random) -> Made:
    has = {
        side: bool(re.search(rf"\b(?:{side}|{side[0]}|{side[0]}t|{side[0]}[ul]l)\b", findings, re.IGNORECASE))
        for side in ("left", "right")
    }
    both = bool(re.search(r"\bbilateral|\bboth\b|\bbi(?:basilar|apical|basal)", findings + impression, re.IGNORECASE))
    if both or has["left"] == has["right"]:
        return None

    def keep(match: re.Match[str], new: str) -> bool:
        word = match.group(1).lower()
        side = "left" if word.startswith("l") else "right"
        return has[side] and not (len(word) == 1 and not match.group(1).isupper()) and not _is_negated(impression, match.start())

    return _swap(impression, SIDES, rng, keep)


# --- negation --------------------------------------------------------------------------------------------------------
FLIPS = (
    (r"\bNo (?:evidence of |definite |radiographic evidence of )?(?=[a-z])", ""),
    (r"\bThere is no (?:evidence of )?", "There is "),
    (r"\bNegative for ", "Positive for "),
    (r"\bwithout (?:evidence of )?(?=[a-z])", "with "),
)
PLAIN = re.compile(
    r"^(?:(?:small|mild|moderate|large|severe|trace|minimal|stable|new|acute|left|right|bilateral|patchy|focal|tiny|marked|persistent|"
    r"[lr]|[lr][ul]l|unchanged) )*(?:"
    + "pneumothorax|ptx|pleural effusions?|pneumonia|consolidation|cardiomegaly|pulmonary edema|"
    "atelectasis|rib fracture|fracture|pulmonary nodule|nodule|mass|infiltrate|pulmonary embolism|hydronephrosis|appendicitis|"
    "subdural hematoma|infarct|emphysema|copd|hiatal hernia|scoliosis|opacity|cholelithiasis|disc herniation|lymphadenopathy)",
    re.IGNORECASE,
)


def flip_negation(findings: str, impression: str, rng: random.Random) -> Made:
    options: list[Made] = []
    for pattern, new in FLIPS:
        for match in re.finditer(pattern, impression, 0 if new == "" else re.IGNORECASE):
            sentence = _sentence_at(impression, match.start())
            if PLAN.search(sentence) or re.search(
                r"change|significant|new\b|interval|other than|except|priors?\b|large\b", sentence, re.IGNORECASE
            ):
                continue
            rest = impression[match.end() :]
            rest = (rest[:1].upper() + rest[1:]) if new == "" else rest
            options.append((impression[: match.start()] + new + rest, f"{match.group(0).strip()} taken away"))
    for start, end, piece in statements(impression):
        lead = ITEM.match(piece)
        at = start + (lead.end() if lead else len(piece) - len(piece.lstrip()))
        body = impression[at:end]
        said = PLAIN.match(body)
        if (
            said
            and not NEGATIVE.search(body)
            and not PLAN.search(body)
            and not re.search(r"\b(?:or|versus|may|could|possible|likely)\b", body)
        ):
            options.append(
                (impression[:at] + "No " + body[:1].lower() + body[1:] + impression[end:], f"No before {said.group(0)}")
            )
    return rng.choice(options) if options else None


# --- size ------------------------------------------------------------------------------------------------------------
SIZE = re.compile(r"(\d+(?:\.\d+)?)(\s?-?)(mm|cm)\b", re.IGNORECASE)


def change_size(findings: str, impression: str, rng: random.Random) -> Made:
    found = list(SIZE.finditer(impression))
    in_findings = {float(number) * (10 if unit.lower() == "cm" else 1) for number, _, unit in SIZE.findall(findings)}
    loose = {float(number) * factor for number in re.findall(r"\d+(?:\.\d+)?", findings) for factor in (1, 10)}
    options: list[Made] = []
    for match in found:
        value, unit = float(match.group(1)), match.group(3).lower()
        if value * (10 if unit == "cm" else 1) not in in_findings:
            continue
        other = "mm" if unit == "cm" else "cm"
        changes = [
            (match.group(1), other),
            (_number(value * 10), unit),
            (_number(value / 10), unit),
            (_number(round(value * 1.6 + 1, 1)), unit),
        ]
        for number, new_unit in changes:
            mm = float(number) * (10 if new_unit == "cm" else 1)
            if mm in in_findings or mm in loose or mm <= 0:
                continue
            new = f"{number}{match.group(2)}{new_unit}"
            options.append((impression[: match.start()] + new + impression[match.end() :], f"{match.group(0)} -> {new}"))
    return rng.choice(options) if options else None


def _number(value: float) -> str:
    return f"{value:.2f}".rstrip("0").rstrip(".")


# --- severity --------------------------------------------------------------------------------------------------------
SEVERITIES = {
    "mild": "severe", "mildly": "severely", "small": "large", "minimal": "severe", "tiny": "large", "trace": "large", "moderate": "mild",
    "severe": "mild", "large": "small", "marked": "mild", "markedly": "mildly", "severely": "mildly", "moderately": "mildly", "massive": "small",
    "slight": "marked", "minimally": "severely",
}  # fmt: skip


def change_severity(findings: str, impression: str, rng: random.Random) -> Made:
    text = findings.lower()

    def keep(match: re.Match[str], new: str) -> bool:
        stem = match.group(1).lower().removesuffix("ly")
        after = re.findall(r"[a-z]+", impression[match.end() :].lower())[:4]
        shared = any(len(word) > 5 and word[:6] in text for word in after)
        return stem in text and new.removesuffix("ly") not in text and shared and not _is_negated(impression, match.start())

    return _swap(impression, SEVERITIES, rng, keep)


# --- certainty -------------------------------------------------------------------------------------------------------
HEDGES = (
    (r"\b(?:possible|probable|questionable|suspected) (?=[a-z])", ""),
    (r"\b(?:may|could|might) represent\b", "represents"),
    (r"\b(?:may|could|might) be (?=[a-z])", "is definitely "),
    (r"\bcannot exclude\b", "definite"),
    (r"\bfindings may represent\b", "There is definite"),
)
DEFINITE = re.compile(
    r"(?<![\w-])(pneumothorax|pleural effusions?|pneumonia|consolidation|cardiomegaly|pulmonary edema|rib fracture|fracture|pulmonary nodule|"
    r"pulmonary embolism|hydronephrosis|appendicitis|subdural hematoma|infarct|hiatal hernia|cholelithiasis|mass)\b",
    re.IGNORECASE,
)


def change_certainty(findings: str, impression: str, rng: random.Random) -> Made:
    options: list[Made] = []
    for pattern, new in HEDGES:
        for match in re.finditer(pattern, impression, re.IGNORECASE):
            after = re.findall(r"[a-z]+", impression[match.end() :].lower())[:3]
            hedged = any(
                len(word) > 5 and re.search(rf"\b(?:may|could|might|possibl|probabl|question|suspect|cannot)[^.]{{0,60}}{word[:7]}", findings, re.IGNORECASE)
                for word in after
            )  # fmt: skip
            if hedged:
                options.append(
                    (impression[: match.start()] + new + impression[match.end() :], f"{match.group(0)} -> {new or 'nothing'}")
                )
    for match in DEFINITE.finditer(impression):
        sentence = _sentence_at(impression, match.start())
        stated = re.search(rf"(?:^|[.] )[^.]*\b{match.group(1)[:9]}[^.]*", findings, re.IGNORECASE)
        doubt = (
            r"\b(?:may|could|possibl|probabl|likely|question|suspect|suggest|consistent|cannot|or|versus|no|not|without|negative)"
        )
        if (
            stated
            and not re.search(doubt, stated.group(0), re.IGNORECASE)
            and not re.search(doubt, sentence, re.IGNORECASE)
            and not PLAN.search(sentence)
        ):
            start = _start_of_phrase(impression, match.start())
            new = "Possible " if start == 0 or impression[start - 2 : start] in (". ", ".\n") else "possible "
            options.append((impression[:start] + new + impression[start:], f"possible before {match.group(1)}"))
    return rng.choice(options) if options else None


def _start_of_phrase(text: str, at: int) -> int:
    """Back over the adjectives, so that the doubt stands where somebody would say it."""
    lead = re.search(
        r"(?:\b(?:small|mild|moderate|large|severe|left|right|bilateral|acute|stable|new|trace|tiny|displaced)\s+)+$",
        text[:at],
        re.IGNORECASE,
    )
    return lead.start() if lead else at


# --- place -----------------------------------------------------------------------------------------------------------
PLACES = {
    "upper lobe": "lower lobe", "lower lobe": "upper lobe", "middle lobe": "upper lobe", "rul": "rll", "rll": "rul", "lul": "lll", "lll": "lul",
    "rml": "rul", "apex": "base", "apical": "basilar", "base": "apex", "basilar": "apical", "bibasilar": "biapical", "lower lung": "upper lung",
    "upper lung": "lower lung", "frontal": "occipital", "occipital": "frontal", "parietal": "temporal", "temporal": "parietal", "cerebellar": "frontal",
    "l4-l5": "l1-l2", "l5-s1": "l2-l3", "l3-l4": "l5-s1", "l4-5": "l1-2", "l2-l3": "l5-s1", "l1-l2": "l4-l5", "t12": "t6", "l1": "l4", "c5-c6": "c2-c3",
    "upper pole": "lower pole", "lower pole": "upper pole", "proximal": "distal", "distal": "proximal", "pancreatic head": "pancreatic tail",
    "pancreatic tail": "pancreatic head", "medial meniscus": "lateral meniscus", "lateral meniscus": "medial meniscus", "sigmoid": "cecal", "popliteal": "femoral",
    "upper outer": "lower inner", "lower inner": "upper outer", "upper lobes": "lower lobes", "lower lobes": "upper lobes", "bases": "apices",
    "lingula": "left upper lobe apex", "basal": "apical",
}  # fmt: skip


def change_place(findings: str, impression: str, rng: random.Random) -> Made:
    text = _bare(findings)
    said = {
        "rul": "right upper lobe", "rll": "right lower lobe", "lul": "left upper lobe", "lll": "left lower lobe", "rml": "right middle lobe",
    }  # fmt: skip

    def keep(match: re.Match[str], new: str) -> bool:
        old = match.group(1).lower()
        inside = old in text or said.get(old, "\0") in text
        return inside and new not in text and said.get(new, "\0") not in text and not _is_negated(impression, match.start())

    return _swap(impression, PLACES, rng, keep)


# --- change over time ------------------------------------------------------------------------------------------------
CHANGES = {
    "new": "unchanged", "unchanged": "new", "stable": "new", "increased": "decreased", "decreased": "increased", "worsening": "improving",
    "improving": "worsening", "improved": "worsened", "worsened": "improved", "enlarging": "decreasing", "larger": "smaller", "smaller": "larger",
    "persistent": "new", "increasing": "decreasing", "decreasing": "increasing", "progressed": "regressed", "resolved": "new", "chronic": "new",
}  # fmt: skip
SAME_TIME = (
    ("new",), ("unchanged", "stable", "persistent", "again", "redemonstrat", "no change", "no significant change", "similar"),
    ("increas", "worsen", "enlarg", "larger", "progress"), ("decreas", "improv", "smaller", "regress"), ("resol",), ("chronic", "old"),
)  # fmt: skip


def change_course(findings: str, impression: str, rng: random.Random) -> Made:
    text = findings.lower()

    def keep(match: re.Match[str], new: str) -> bool:
        old = match.group(1).lower()
        own = next((words for words in SAME_TIME if any(old.startswith(word) or word.startswith(old) for word in words)), (old,))
        other = next(
            (words for words in SAME_TIME if any(new.startswith(word) or word.startswith(new) for word in words)), (new,)
        )
        after = re.findall(r"[a-z]+", _sentence_at(impression, match.start()).lower())
        near = any(
            len(word) > 6 and any(re.search(rf"{way}[^.]{{0,80}}{word[:8]}|{word[:8]}[^.]{{0,80}}{way}", text) for way in own)
            for word in after
        )  # fmt: skip
        return near and not any(word in text for word in other) and not _is_negated(impression, match.start())

    return _swap(impression, CHANGES, rng, keep)


# --- devices ---------------------------------------------------------------------------------------------------------
DEVICES = {
    "endotracheal tube": "nasogastric tube", "nasogastric tube": "endotracheal tube", "picc": "chest tube", "pacemaker": "chest tube",
    "port": "pacemaker", "chest tube": "endotracheal tube", "central venous catheter": "endotracheal tube", "central line": "chest tube",
    "svc": "right ventricle", "superior vena cava": "right ventricle", "cavoatrial junction": "left brachiocephalic vein", "carina": "larynx",
    "stomach": "right main bronchus", "defibrillator": "endotracheal tube", "ett": "chest tube", "ng tube": "picc", "catheter": "endotracheal tube",
    "ureteral stent": "nephrostomy tube", "ivc filter": "aortic stent graft", "nephrostomy tube": "ureteral stent",
}  # fmt: skip
NEW_DEVICES = (
    "Endotracheal tube tip is in the right main bronchus.", "Left chest tube in place.", "Right internal jugular catheter tip in the right atrium.",
    "Feeding tube tip is in the left lower lobe bronchus.", "Left-sided PICC with tip in the azygos vein.",
)  # fmt: skip
ANY_DEVICE = re.compile(
    r"tube|catheter|line\b|picc|port\b|xxxx tip|pacemaker|lead|device|stent|wire|clip|hardware", re.IGNORECASE
)


def change_device(findings: str, impression: str, rng: random.Random) -> Made:
    text = _bare(findings)
    made = _swap(impression, DEVICES, rng, lambda match, new: match.group(1).lower() in text and new not in text and bool(ANY_DEVICE.search(
        _sentence_at(impression, match.start()))))  # fmt: skip
    if made is not None or ANY_DEVICE.search(findings) or rng.random() > 0.35:
        return made
    new = rng.choice(NEW_DEVICES)
    return _add(impression, new), f"{new} added"


# --- inventions ------------------------------------------------------------------------------------------------------
INVENTED: dict[str, tuple[tuple[str, str], ...]] = {
    "chest": (
        ("Small left apical pneumothorax.", "pneumothora|lucency"), ("Moderate right pleural effusion.", "effusion|blunt|fluid"),
        ("8 mm right upper lobe pulmonary nodule.", "nodul|mass|granulom|densit|opaci|lesion"), ("Left lower lobe pneumonia.", "pneumoni|opaci|consolid|infiltr|airspace|air space|atelect|densit"),
        ("Acute left sixth rib fracture.", "fractur|deform|rib"), ("Pneumoperitoneum.", "free air|pneumoperit|diaphragm|subdiaphrag"),
        ("Moderate pulmonary edema.", "edema|congest|vascul|interstit|opaci|failure|marking"), ("Large hiatal hernia.", "hernia|retrocard|stomach"),
        ("3 cm left hilar mass.", "mass|hil|nodul|adenop|densit|opaci|lesion"), ("Severe cardiomegaly.", "heart|cardi|enlarg"),
        ("Mediastinal widening concerning for aortic dissection.", "mediast|aort|dissect"), ("T8 compression fracture.", "compress|wedg|fractur|height|deform|vertebr"),
        ("Cavitary lesion in the right apex.", "cavit|apex|apical|lesion|opaci|scar"),
    ),
    "head": (
        ("Acute left subdural hematoma.", "subdural|hemorrh|hematoma|extra-ax"), ("Acute right MCA infarct.", "infarct|ischem|diffusion|differenti"),
        ("2 cm enhancing left frontal mass.", "mass|tumor|lesion|metast|enhanc"), ("Obstructive hydrocephalus.", "hydroceph|ventric"),
        ("Nondisplaced occipital skull fracture.", "fractur"), ("Basilar tip aneurysm.", "aneurysm"),
    ),
    "abdomen": (
        ("Acute appendicitis.", "append"), ("Pneumoperitoneum.", "free air|pneumoperit"), ("2.5 cm pancreatic head mass.", "pancrea|mass"),
        ("Small bowel obstruction.", "obstruct|dilat|bowel"), ("4 mm left distal ureteral calculus.", "calcul|stone|lith|ureter|hydro"),
        ("Abdominal aortic aneurysm measuring 5.2 cm.", "aneurysm|aort"), ("Portal vein thrombosis.", "thromb|portal"), ("Large volume ascites.", "ascit|fluid"),
    ),
    "spine": (
        ("Acute L2 compression fracture.", "fractur|compress|height|vertebr"), ("Large L3-L4 disc extrusion.", "extrus|hernia|protrus|disc|disk"),
        ("Epidural abscess at L4.", "abscess|epidural|collection"), ("Cauda equina compression.", "cauda|canal"),
    ),
    "limb": (
        ("Displaced distal fibular fracture.", "fractur"), ("Complete anterior cruciate ligament tear.", "cruciate|acl|tear"),
        ("Acute deep vein thrombosis of the popliteal vein.", "thromb|dvt|clot"), ("Osteomyelitis of the calcaneus.", "osteomy|infect"),
    ),
    "breast": (("New 12 mm spiculated mass in the left breast.", "mass|spicul"), ("Suspicious pleomorphic calcifications in the right breast.", "calcif"),),
    "neck": (("3 cm solid left thyroid nodule.", "nodule|mass|thyroid"), ("Bulky right cervical lymphadenopathy.", "adenop|lymph|node"),),
}  # fmt: skip
REGION = (
    ("breast", r"breast|mammo|fibrogland|bi-?rads"), ("head", r"intracran|ventricles|brain|sulci|calvari|infarct|subdural"),
    ("spine", r"\bdisc\b|vertebral body heights|conus|canal stenosis|l[1-5]-[ls]?[1-5]|foramina"),
    ("limb", r"meniscus|cruciate|femoral vein|fracture of the (?:distal|proximal)|ankle|wrist|knee|popliteal|rotator|fibula|tibia"),
    ("abdomen", r"liver|gallbladder|pancrea|kidney|bowel|appendix|uterus|ovary|prostate|bladder"), ("neck", r"thyroid|parotid|larynx|neck"),
    ("chest", r"lung|pleura|heart|cardi|pneumothorax|mediastin|thora"),
)  # fmt: skip


def invent_finding(findings: str, impression: str, rng: random.Random) -> Made:
    text = findings.lower()
    region = max(REGION, key=lambda row: len(re.findall(row[1], text)))[0]
    options = [sentence for sentence, seen in INVENTED[region] if not _asserts(findings, seen)]
    if not options:
        return None
    new = rng.choice(options)
    return _add(impression, new), f"{new} added"


def _asserts(findings: str, seen: str) -> bool:
    """Is any of these words used in a sentence that denies nothing? Then the invention might be half true."""
    return any(
        re.search(seen, piece, re.IGNORECASE) and not NEGATIVE.search(piece) for piece in re.split(r"(?<=[.\n])\s*", findings)
    )


# --- omissions -------------------------------------------------------------------------------------------------------
CRITICAL = re.compile(
    r"pneumothora|\bptx\b|embol|\bpe\b|hemorrhage|hematoma|infarct|dissect|free (?:intraperitoneal )?air|pneumoperit|perforat|appendicitis|"
    r"\bmass\b|malignan|metasta|cancer|carcinoma|aneurysm|obstruct|torsion|ectopic|edema|abscess|cauda equina|cord compression|thrombosis|"
    r"tuberculosis|cavit|occlusion|hydrocephalus|cholecystitis|pancreatitis|ischemi|midline shift",
    re.IGNORECASE,
)
IMPORTANT = re.compile(
    CRITICAL.pattern
    + r"|pneumoni|consolidat|effusion|nodul|fractur|opaci|infiltrat|airspace|hydroneph|calcul|stone|adenopathy|stenosis|hernia[t]|"
    r"cardiomegaly|congest|collapse|tear|lesion|torsion|absent (?:blood )?flow|thicken|fibroid|calcif|osteomy|destruct|hypodens|hyperdens|thrombo|intussus|enlarged|dilat|cyst|ectopic|uptake|hypermetab|disloc|rupture|lacerat|sinusitis|arthritis|steatosis|diverticul|colitis|cirrhosis|ascites|atelecta",
    re.IGNORECASE,
)


#: What nobody would leave out of an impression; cysts, atelectasis, steatosis and the like may be.
WEIGHTY = re.compile(
    CRITICAL.pattern
    + r"|pneumoni|consolidat|effusion|nodul|fractur|opaci|infiltrat|airspace|hydroneph|calculus|stone|adenopathy|stenosis|"
    r"cardiomegaly|congest|collapse|tear|lesion|diverticulitis|colitis|cirrhosis|ascites|torsion|osteomyel|thrombo|dislocat|sinusitis",
    re.IGNORECASE,
)


def drop_finding(findings: str, impression: str, rng: random.Random) -> Made:
    options: list[Made] = []
    parts = statements(impression)
    text = findings.lower()
    for start, end, piece in parts:
        key = WEIGHTY.search(piece)
        if not key or NEGATIVE.search(piece) or PLAN.search(piece):
            continue
        stem = key.group(0).lower()[:7]
        others = " ".join(other for other_start, _, other in parts if other_start != start).lower()
        asserted = any(
            stem in part and not NEGATIVE.search(part) and not re.search(r"possib|may|could|question|versus| or |unchanged|stable|chronic", part)
            for part in re.split(r"(?<=[.\n])\s*", text)
        )  # fmt: skip
        if asserted and stem not in others:
            left = (impression[:start].rstrip() + " " + impression[end:].lstrip()).strip()
            left = re.sub(r"(?:^|\s)\d{1,2}[.)]\s*$", "", left).strip()
            options.append((left if re.search(r"[A-Za-z]{4}", left) else "No acute abnormality.", f"dropped: {piece.strip()}"))
    return rng.choice(options) if options else None


# --- recommendations -------------------------------------------------------------------------------------------------
INTERVALS = re.compile(r"\b(\d{1,2})(?:\s?-\s?\d{1,2})?[\s-](week|month|year)s?\b", re.IGNORECASE)
NEW_PLANS = (
    "Recommend CT-guided biopsy.", "Recommend MRI of the brain with contrast.", "Urgent surgical consultation is recommended.", "Recommend PET/CT.",
    "Recommend bronchoscopy.", "Recommend MRI of the pelvis with contrast.",
)  # fmt: skip


def change_plan(findings: str, impression: str, rng: random.Random) -> Made:
    """A plan that the findings state is changed; where nothing abnormal is dictated, one is invented."""
    options: list[Made] = []
    for match in INTERVALS.finditer(impression):
        if PLAN.search(_sentence_at(impression, match.start())) and _bare(match.group(0)) in _bare(findings):
            number = int(match.group(1))
            new = f"{number * 4 if number < 12 else number // 4} {match.group(2)}s"
            options.append((impression[: match.start()] + new + impression[match.end() :], f"{match.group(0)} -> {new}"))
    abnormal = any(IMPORTANT.search(piece) and not NEGATIVE.search(piece) for piece in re.split(r"(?<=[.\n])\s*", findings))
    if not abnormal and not PLAN.search(impression):
        new = rng.choice(NEW_PLANS)
        options.append((_add(impression, new), f"{new} added"))
    return rng.choice(options) if options else None


INJECTORS: dict[str, Callable[[str, str, random.Random], Made]] = {
    "omission": drop_finding,
    "false-finding": invent_finding,
    "negation": flip_negation,
    "laterality": swap_side,
    "location": change_place,
    "size": change_size,
    "severity": change_severity,
    "certainty": change_certainty,
    "temporal": change_course,
    "device": change_device,
    "recommendation": change_plan,
}
