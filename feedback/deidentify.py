"""Text fit for training: what names a person, a day, a place or a number is taken out before dictation leaves for a trainer.

What stands in its place are plain words a radiologist could have said ("the prior examination"), never a bracketed mask: a model
repeats what it learnt. What was shown and what was signed stay as they are. These are rules, not a model: a name without a title,
a label or a verb that points to it is not recognised, and docs/safety.md says so.
"""

from __future__ import annotations

import re
from dataclasses import replace

from engine.prompts import Dictation
from feedback.preference import Preference

# ── the parts of the patterns ───────────────────────────────────────────────────────────────────────────────────────────────────

MONTH = (
    r"(?:Jan(?:uary)?|Feb(?:ruary)?|Mar(?:ch)?|Apr(?:il)?|May|June?|July?"
    r"|Aug(?:ust)?|Sept?(?:ember)?|Oct(?:ober)?|Nov(?:ember)?|Dec(?:ember)?)\.?"
)
#: Behind a measure no date stands.
NO_UNIT = r"(?!\s*(?:mm|cm|ml|cc|hu|ms|cubic|[x×])\b)"
DAY, MONTH_NUMBER, YEAR = r"(?:0?[1-9]|[12]\d|3[01])", r"(?:0?[1-9]|1[0-2])", r"(?:19|20)\d\d"
#: Day before month or after it, or the year first; a written month with a year, a day or both.
DATE = (
    rf"(?:(?<![\d./-])(?:{YEAR}[-/.]{MONTH_NUMBER}[-/.]{DAY}|{DAY}[-/.]{DAY}[-/.](?:{YEAR}|\d\d))(?![\d/-]|\.\d){NO_UNIT}"
    rf"|\b{MONTH}\s+{DAY}(?:st|nd|rd|th)?,?\s+{YEAR}\b"
    rf"|\b{DAY}(?:st|nd|rd|th)?[\s-]+{MONTH},?[\s-]+(?:{YEAR}|\d\d)\b"
    rf"|\b{MONTH},?\s+(?:of\s+)?{YEAR}\b"
    rf"|\b(?-i:(?!May\s+\d+\s){MONTH})\s+{DAY}(?:st|nd|rd|th)?\b{NO_UNIT})"
)
#: A year by itself; guidelines carry theirs in their name.
BARE_YEAR = rf"\b{YEAR}\b(?!\s*(?:guideline|criteria|classification|recommendation|atlas|version|white)){NO_UNIT}"
#: "12:00 position" is a place in the breast, not a time.
TIME = (
    r"(?:\b(?:[01]?\d|2[0-3])[:.][0-5]\d(?::[0-5]\d)?\s*(?:[ap]m\b|[ap]\.m\.|hrs?\b|hours\b)"
    r"|\b(?:[01]?\d|2[0-3]):[0-5]\d(?::[0-5]\d)?\b(?!\s*(?:o'?clock|position|axis|radian|location))"
    r"|\b(?:[01]\d|2[0-3])[0-5]\d\s*(?:hrs?|hours)\b|\b(?:1[0-2]|0?[1-9])\s*(?:[ap]m\b|[ap]\.m\.))"
)
INITIALS = r"(?:[A-Z]\.\s?)*"
PARTICLES = r"(?:(?:van|von|de|der|den|da|la|al|el|bin)\s+)*"
#: One to three capitalised words, with initials and the small words of surnames.
CALLED = rf"{INITIALS}{PARTICLES}[A-Z][\w'’-]*[a-zA-Z](?:\s+{INITIALS}{PARTICLES}[A-Z][a-z'’][\w'’-]*){{0,2}}"
DEGREE = r"(?:M\.?D\.?|D\.?O\.?|R\.?N\.?|N\.?P\.?|P\.?A\.?(?:-C)?|MBBS|MBChB|FRCR|FRANZCR|Ph\.?D\.?)(?!\w)"
DOCTOR = r"(?:Drs?\b\.?|DRS?\.|D(?:octor|OCTOR)|Prof(?:essor\b|\b\.?))"
PHONE_LABEL = r"(?:pager|beeper|ext(?:ension)?\.?|(?:tele)?phone|tel\.?|fax)"
SIGNED_BY = r"(?:electronically\s+)?(?:signed|dictated|transcribed|verified|interpreted|approved)\s+by"
TOLD = (
    r"(?:(?:discussed|communicated|reported|relayed|conveyed|telephoned|called|spoken|spoke|reviewed|shared|faxed)"
    r"(?:\s+(?:by|via)\s+(?:tele)?phone)?\s+(?:with|to)|notified|informed|paged)"
)
NUMBER_LABEL = (
    r"(?:MRN|medical\s+record(?:\s+(?:number|no\.?))?|accession(?:\s+(?:number|no\.?))?|acc\.?\s*(?:no\.?|#)|patient\s+id|DOB"
    r"|date\s+of\s+birth|SSN|NHS(?:\s+number)?|(?:order|account|encounter|visit|case|chart|hospital)\s+(?:number|no\.?|id))"
)
NAME_LABEL = (
    rf"(?:{SIGNED_BY}|read\s+by|patient(?:\s+name)|name|attending|resident|fellow|radiologist"
    r"|referring(?:\s+physician)?|requesting\s+physician|technologist)"
)
NOT_A_PLACE = r"(?!(?i:the|at|from|in|to|of|with|and|outside|compared|during|this|our|ct|mri?|by)\b)"
PLACE = (
    r"(?:Hospitals?|HOSPITALS?|Medical\s+Cent(?:er|re)|MEDICAL\s+CENT(?:ER|RE)|Health\s+(?:System|Cent(?:er|re))|HEALTH\s+SYSTEM"
    r"|Healthcare|Clinic|CLINIC|Infirmary|NHS\s+Trust)"
)

# ── what to look for, and what to say instead; in this order ────────────────────────────────────────────────────────────────────

RULES: tuple[tuple[re.Pattern[str], str], ...] = (
    (re.compile(r"\bhttps?://\S+|\bwww\.\S+|\b[\w.+-]+@[\w-]+(?:\.[\w-]+)+", re.I), ""),
    (re.compile(rf"\b{NUMBER_LABEL}\s*(?:is\b|[:#])?\s*#?\s*[A-Z]{{0,4}}-?\d[\w/.-]*(?:\s\d{{3,4}}\b)*", re.I), ""),
    (re.compile(r"(?<![\w.])(?:\+?\d{1,3}[ .-])?\(?\d{3}\)?[ .-]\d{3}[ .-]\d{4}\b"), ""),
    (re.compile(r"(?<!\w)(?:\+\d{1,3}|0)\d{2,4}[ -]\d{3,4}[ -]?\d{3,4}\b"), ""),
    (re.compile(rf"(?:^|(?<=[.;\n]))[ \t]*(?i:{NAME_LABEL})\s*:(?:[^\n.;]|(?<=\b[A-Z])\.|(?<=\bDr)\.)*[.;]?", re.M), ""),
    (re.compile(rf"\b(?i:{SIGNED_BY})\s+(?:Drs?\.?\s+)?{CALLED}(?:,?\s*{DEGREE})?"), ""),
    (re.compile(rf"\b{DOCTOR}\s+{CALLED}(?:\s+and\s+{CALLED})?(?:,?\s*{DEGREE})?"), "the physician"),
    (re.compile(rf"\b(?:Mr|Mrs|Ms|Miss|Master|MRS)\b\.?\s+{CALLED}"), "the patient"),
    (re.compile(rf"\b[A-Z][\w'’-]+(?:\s+[A-Z]\.?)?\s+[A-Z][\w'’-]+,?\s+{DEGREE}"), "the physician"),
    (re.compile(rf"\b(?:(?:St|Mt|ST|MT)\.?\s+)?(?:{NOT_A_PLACE}[A-Z][\w'’.-]*\s+(?:of\s+)?){{1,4}}{PLACE}\b"), "the hospital"),
    (re.compile(rf"\b((?i:{TOLD})\s+)(?!(?i:the)\b){CALLED}"), r"\1the clinical team"),
    (re.compile(rf",?\s+(?:at|@)\s+(?:approximately\s+)?{TIME}", re.I), ""),
    (re.compile(TIME, re.I), ""),
    (re.compile(rf"\b{PHONE_LABEL}(?:\s+(?:number|at))?[:#\s]*[\d(+][\d() .-]{{2,}}\d", re.I), ""),
    (re.compile(rf"[\(\[]\s*(?:dated\s+)?{DATE}\s*[\)\]]", re.I), ""),
    (re.compile(rf",?\s*\b(?:dated|from|of|on|performed(?:\s+on)?|obtained(?:\s+on)?)\s+{DATE}", re.I), ""),
    (re.compile(rf"\b(since|to|with|until|than|before|after|and)\s+{DATE}", re.I), r"\1 the prior examination"),
    (re.compile(DATE, re.I), ""),
    (re.compile(rf"\bsince\s+{BARE_YEAR}", re.I), "since the prior examination"),
    (re.compile(rf"\s*\b(?:in|from|dated|of)\s+{BARE_YEAR}", re.I), ""),
    (re.compile(r"\b(?:9\d|1[01]\d)([\s-]*(?:year|yr)s?[\s-]*old|[\s-]*y/?o)\b", re.I), r"90\1"),
    (re.compile(r"(?<![\w.])#?(?:[A-Z]{1,4}-?)?\d{6,}(?:-\d+)*\b|(?<![\w.])\d{2,4}-\d{2,}-\d{3,}\b"), ""),
)
#: What a removal leaves behind: empty brackets, doubled stops, a preposition with nothing after it.
TIDY: tuple[tuple[re.Pattern[str], str], ...] = (
    (re.compile(r"\(\s*[,;:]?\s*\)|\[\s*\]"), ""),
    (re.compile(r"[ \t]+(?:by|at|on|via|from|of|dated|@)[ \t]*(?=[.,;)]|$)", re.I | re.M), ""),
    (re.compile(r"[ \t]{2,}"), " "),
    (re.compile(r"[ \t]+([.,;:)])"), r"\1"),
    (re.compile(r"([,;:])(?:\s*[,;:])+"), r"\1"),
    (re.compile(r"[,;:]+(\.)"), r"\1"),
    (re.compile(r"\.(?:\s*\.)+"), "."),
    (re.compile(r"^[ \t.,;:]+|[ \t]+$", re.M), ""),
)


def fit_for_training(preference: Preference) -> Preference:
    """The same lesson without the people in it."""
    dictation = preference.dictation
    return replace(
        preference,
        dictation=Dictation(
            exam=deidentified(dictation.exam),
            findings=deidentified(dictation.findings),
            indication=deidentified(dictation.indication),
            comparison=deidentified(dictation.comparison) or ("Prior examination." if dictation.comparison else ""),
        ),
        coarse=deidentified(preference.coarse),
        rejected=deidentified(preference.rejected),
        chosen=deidentified(preference.chosen),
    )


def deidentified(text: str) -> str:
    """`text` without names, days, times, places and numbers that point to a person; untouched when there are none."""
    plain = text
    for pattern, instead in RULES:
        plain = pattern.sub(instead, plain)
    if plain == text:
        return text
    for pattern, instead in TIDY:
        plain = pattern.sub(instead, plain)
    return plain.strip()
