"""Text fit for training: what names a person, a day, a place or a number is taken out before dictation leaves for a trainer.

What stands in its place are plain words a radiologist could have said ("the prior examination"), never a bracketed mask: a model
repeats what it learnt. What was shown and signed is kept untouched elsewhere. Rules, not a model: a name without a title, a label or
a sentence that points to it is not recognised; docs/safety.md says so.
"""

from __future__ import annotations

import re
from dataclasses import replace

from engine.prompts import Dictation
from feedback.preference import Preference

MONTH = r"(?:Jan(?:uary)?|Feb(?:ruary)?|Mar(?:ch)?|Apr(?:il)?|May|June?|July?|Aug(?:ust)?|Sept?(?:ember)?|Oct(?:ober)?|Nov(?:ember)?|Dec(?:ember)?)\.?"
UNIT = r"(?!\s*(?:mm|cm|ml|cc|hu|ms|cubic|[x×]))"
DATE = (
    r"(?:(?<![\d./-])(?:"
    r"(?:19|20)\d\d[-/.](?:0?[1-9]|1[0-2])[-/.](?:[0-2]?\d|3[01])"
    r"|(?:0?[1-9]|[12]\d|3[01])([-/.])(?:0?[1-9]|[12]\d|3[01])\1(?:(?:19|20)\d\d|\d\d(?![.]\d))"
    r")(?![\d/-])" + UNIT + rf"|\b{MONTH}\s+\d{{1,2}}(?:st|nd|rd|th)?,?\s+(?:19|20)\d\d\b"
    rf"|\b\d{{1,2}}(?:st|nd|rd|th)?[\s-]+{MONTH},?[\s-]+(?:(?:19|20)\d\d|\d\d)\b"
    rf"|\b{MONTH},?\s+(?:of\s+)?(?:19|20)\d\d\b|\b{MONTH}\s+\d{{1,2}}(?:st|nd|rd|th)?\b)"
)
YEAR = r"\b(?:19|20)\d\d\b(?!\s*(?:guideline|criteria|classification|recommendation|atlas|version))" + UNIT
#: "12:00 position" is a place in the breast, not a time.
TIME = (
    r"\b(?:[01]?\d|2[0-3])[:.][0-5]\d(?::[0-5]\d)?\s*(?:[ap]\.?m\b\.?|hrs?\b|hours\b)"
    r"|\b(?:[01]?\d|2[0-3]):[0-5]\d(?::[0-5]\d)?\b(?!\s*(?:o'?clock|position|axis|radian|location))"
    r"|\b(?:[01]\d|2[0-3])[0-5]\d\s*(?:hrs?|hours)\b|\b(?:1[0-2]|0?[1-9])\s*[ap]\.?m\b\.?"
)
CALLED = r"(?:[A-Z]\.\s?)*[A-Z][\w'’-]*[a-zA-Z](?:\s+(?:[A-Z]\.\s?)*(?:(?:van|von|de|der|da|la|al|el|bin)\s+)*[A-Z][a-z'’][\w'’-]*){0,2}"
DEGREE = r"(?:M\.?D\.?|D\.?O\.?|R\.?N\.?|N\.?P\.?|P\.?A\.?(?:-C)?|MBBS|MBChB|FRCR|FRANZCR|Ph\.?D\.?)(?![\w])"
SAID_TO = (
    r"(?:discussed|communicated|reported|relayed|conveyed|called|telephoned|spoken|spoke|reviewed|shared|notified|informed|faxed|paged)"
)

#: What to look for -> what to say instead, in this order.
RULES: tuple[tuple[re.Pattern[str], str], ...] = (
    (re.compile(r"\bhttps?://\S+|\bwww\.\S+|\b[\w.+-]+@[\w-]+(?:\.[\w-]+)+", re.I), ""),
    (
        re.compile(
            r"\b(?:MRN|medical record(?:\s+(?:number|no\.?))?|accession(?:\s+(?:number|no\.?))?|acc\.?\s*(?:no\.?|#)|patient\s+id|DOB|"
            r"date of birth|SSN|NHS(?:\s+number)?|(?:order|account|encounter|visit|case|chart|hospital)\s+(?:number|no\.?|id))"
            r"\s*(?:is\b|[:#])?\s*#?\s*[A-Z]{0,4}-?\d[\w/.-]*(?:\s\d{3,4}\b)*",
            re.I,
        ),
        "",
    ),
    (re.compile(r"\b(?:pager|beeper|ext(?:ension)?\.?|phone|telephone|tel\.?|fax)\s*(?:number|no\.?)?\s*[:#]?\s*[\d(+][\d() .-]{2,}\d", re.I), ""),
    (re.compile(r"(?<![\w.])(?:\+?\d{1,3}[ .-])?\(?\d{3}\)?[ .-]\d{3}[ .-]\d{4}\b"), ""),
    (re.compile(r"(?<![\w])(?:\+\d{1,3}|0)\d{2,4}[ -]\d{3,4}[ -]?\d{3,4}\b"), ""),
    (
        re.compile(
            r"(?:^|(?<=[.;\n]))[ \t]*(?i:(?:electronically\s+)?(?:signed|dictated|transcribed|verified|interpreted|read|approved)\s+by"
            r"|patient(?:\s+name)?|name|attending|resident|fellow|radiologist|referring(?:\s+physician)?|requesting\s+physician|technologist)"
            r"\s*:[^\n.;]*(?:\b[A-Z]\.[^\n.;]*)*[.;]?",
        ),
        "",
    ),
    (re.compile(rf"\b(?:electronically\s+)?(?:signed|dictated|transcribed|verified|interpreted)\s+by\s+(?:Drs?\.?\s+)?{CALLED}(?:,?\s*{DEGREE})?"), ""),
    (re.compile(rf"\b(?:Drs?\b\.?|DRS?\.|Doctor|DOCTOR|Prof\b\.?|Professor)\s+{CALLED}(?:\s+and\s+(?:Dr\.?\s+)?{CALLED})?(?:,?\s*{DEGREE})?"), "the physician"),
    (re.compile(rf"\b(?:Mr|Mrs|Ms|Miss|Master|MRS)\b\.?\s+{CALLED}"), "the patient"),
    (re.compile(rf"\b[A-Z][\w'’-]+(?:\s+[A-Z]\.?)?\s+[A-Z][\w'’-]+,?\s+{DEGREE}"), "the physician"),
    (
        re.compile(
            r"\b(?:(?:St|Mt)\.?\s+)?(?:(?!The\b|At\b|From\b|In\b|Outside\b)[A-Z][\w'’.-]*\s+(?:of\s+)?){1,4}"
            r"(?:Hospitals?|Medical\s+Cent(?:er|re)|Health\s+(?:System|Cent(?:er|re))|Healthcare|Clinic|Infirmary|NHS\s+Trust)\b"
        ),
        "the hospital",
    ),
    (re.compile(rf"\b({SAID_TO}\s+(?:(?:with|to|by\s+telephone\s+(?:with|to))\s+)?)(?!The\b){CALLED}"), r"\1the clinical team"),
    (re.compile(rf"(?:\s*,)?\s+(?:at|@)\s+(?:approximately\s+)?(?:{TIME})"), ""),
    (re.compile(rf"(?:{TIME})"), ""),
    (re.compile(rf"[\(\[]\s*(?:dated\s+)?{DATE}\s*[\)\]]", re.I), ""),
    (re.compile(rf"\s*,?\s*\b(?:dated|from|of|on|performed(?:\s+on)?|obtained(?:\s+on)?)\s+{DATE}", re.I), ""),
    (re.compile(rf"\b(since|to|with|until|than|before|after|and)\s+(?P<date>{DATE})".replace(r"\1", r"\3"), re.I), r"\1 the prior examination"),
    (re.compile(DATE, re.I), ""),
    (re.compile(rf"\b(since)\s+(?:{YEAR})", re.I), r"\1 the prior examination"),
    (re.compile(rf"\s*\b(?:in|from|dated|of)\s+(?:{YEAR})", re.I), ""),
    (re.compile(r"\b(?:9\d|1[01]\d)([\s-]*(?:year|yr)s?[\s-]*old|[\s-]*y/?o)\b", re.I), r"90\1"),
    (re.compile(r"(?<![\w.])#?(?:[A-Z]{1,4}-?)?\d{6,}(?:-\d+)*\b|(?<![\w.])\d{2,4}-\d{2,}-\d{3,}\b"), ""),
)
TIDY: tuple[tuple[re.Pattern[str], str], ...] = (
    (re.compile(r"\(\s*[,;:]?\s*\)|\[\s*\]"), ""),
    (re.compile(r"[ \t]{2,}"), " "),
    (re.compile(r"[ \t]+([.,;:)])"), r"\1"),
    (re.compile(r"([,;:])(?:\s*[,;:])+"), r"\1"),
    (re.compile(r"[,;:]+(\.)"), r"\1"),
    (re.compile(r"(?<!\.)\.(?:\s*\.)+(?!\.)"), "."),
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
            comparison=deidentified(dictation.comparison),
        ),
        coarse=deidentified(preference.coarse),
        rejected=deidentified(preference.rejected),
        chosen=deidentified(preference.chosen),
    )


def deidentified(text: str) -> str:
    """`text` without names, dates, times, places and numbers that point to a person; unchanged when there are none."""
    plain = text
    for pattern, instead in RULES:
        plain = pattern.sub(instead, plain)
    if plain == text:
        return text
    for pattern, instead in TIDY:
        plain = pattern.sub(instead, plain)
    return plain.strip() or "Prior examination."
