"""What somebody has had: cancer or a weakened immunity, as the order, the indication and the findings tell it.

Both end most guidelines for incidental findings, so a word too few here is a recommendation too many.
"""

from __future__ import annotations

import re

from engine.guidelines.denial import negated_at
from engine.guidelines.patterns import opens, seen

_ORGANS = (
    r"(?:breast|lung|bronch(?:us|ial)|colon|colorectal|rect(?:um|al)|bowel|prostate|renal|kidney|pancrea(?:s|tic)|bladder|ovar(?:y|ian)"
    r"|gastric|stomach|thyroid|cervi(?:x|cal)|endometri(?:um|al)|uter(?:us|ine)|o?esophag(?:us|eal)|testic(?:le|ular)|laryn(?:x|geal)"
    r"|tongue|tonsil(?:lar)?|oral|liver|skin|vulval?|anal|penile)"
)
_CANCER = (
    r"(?:cancers?|\w*carcinoma(?:s|tosis)?|malignanc(?:y|ies)|\w*melanomas?|\w*lymphomas?|leuk(?:a)?emias?|myelomas?|\w*sarcomas?"
    r"|\w*blastomas?|gliomas?|mesotheliomas?|seminomas?|thymomas?|metasta(?:sis|ses|tic)|mets|adenoca"
    r"|(?:germ\s+cell|brain|wilms|neuroendocrine)\s+tumou?rs?|carcinoids?|ewing(?:'?s)?|kaposi(?:'?s)?|merkel\s+cell|hodgkin(?:'?s)?"
    r"|hcc|rcc|nsclc|sclc|crc|gist|nhl|cll|cml|dlbcl|hnscc|pca"
    # abbreviations that are words in lower case
    r"|(?-i:(?<!renal )(?<!kidney )AML|SCC|TCC|GBM|DCIS|NET|(?:ALL|MM)(?=\s+(?:in\s+remission|on\b|s/p|relaps)))"
    r"|oncolog\w+|onc|chemo\w*|re-?staging|staging(?!\s+(?:of\s+)?(?:\w+\s+)?fibrosis)"
    r"|dukes'?\s+[a-d]|[yc]?pt[1-4][a-d]?\s?n[0-3]\w*|t[1-4][a-d]?\s?n[0-3](?:\s?m[01])?"
    rf"|{_ORGANS}\s+(?:cell\s+)?ca\b(?!\s*-?\s*(?:125|15-3|19-9|27))|ca\s+(?:of\s+)?(?:the\s+)?{_ORGANS})"
)
CANCER = re.compile(rf"\b{_CANCER}\b", re.I)
_HISTORY = re.compile(
    r"\b(?:history|h/o|hx|known|prior|previous|personal|s/p|status[\s-]post|treated|diagnosed|remission|metastatic"
    r"|staging|restaging|surveillance|survivor|chemotherapy|chemo|stage\s+[ivIV\d]+|on\s+immunotherapy|underwent"
    r"|newly|recent(?:ly)?|with|active|widespread|advanced)\b",
    re.I,
)
_HEDGED = re.compile(
    r"\b(?:rule[\s-]*out|r/o|query|evaluat\w*\s+for|eval\s+for|assess\w*\s+for|concern(?:s|ed|ing)?(?:\s+for)?|suspect\w*"
    r"|suspici\w*|possible|possibly|probable|likely|question(?:\s+of|able)?|exclude|worr\w+|work-?up\s+(?:of"
    r"|for)|screen\w*|risk|family|familial|fh|fhx|mother|father|sister|brother|parent|aunt|uncle|sibling|relatives?"
    r"|grand\w+|fear|versus|vs|could|may|represent\w*|consistent|compatible|looking\s+for|cannot|\?)\b|\?",
    re.I,
)
FAMILY = re.compile(
    r"\b(?:family|familial|fhx?|mother|father|sister|brother|parents?|aunt|uncle|siblings?|relatives?|grand\w+)\b", re.I
)
_NO_CANCER = re.compile(
    rf"\b(?:no|without|denies|negative\s+for|absence\s+of|never\s+had)\s+(?:(?:any|known|prior|personal|previous|relevant|significant|other|underlying|active|oncologic|medical)\s+)*(?:(?:history|hx|h/o|evidence|diagnosis)\s+(?:of\s+)?(?:or\s+)?)?(?:(?:any|known|prior|a|extra\w*|primary)\s+)*(?:(?:\w+\s+(?:or|and)\s+)?{_CANCER}|oncologic\w*\s+history)|\bcancer[\s-]free\s+history|\bno\s+oncologic",
    re.I,
)
#: In the findings a word of cancer is a diagnosis of today unless one of these stands before it.
_TOLD = re.compile(
    r"history|h/o|hx|known|s/p|status|prior|treated|diagnosed|remission|\bpost\b|\bafter\b|ectomy|resect|radiation|chemo", re.I
)
_IMMUNE = re.compile(
    r"\bimmun(?:o-?\s?|e[\s-]+)(?:suppress\w+|compromis\w+|deficien\w+)|\bhiv\b|\baids\b|\b(?:cart|haart)\b|\banti-?retroviral\w*"
    r"|\bcd4\b|\b(?:cvid|a?(?:hypo)?gamma-?globulin(?:a)?emia)\b|\bneutropeni\w+|\banc\s*(?:of\s+)?\d{1,3}\b"
    r"|(?<!hair )(?<!cornea )(?<!corneal )(?<!stool )\btransplant(?:ed|ation)?\b|\ballografts?\b|\b(?:bmt|hsct|asct|olt|oht|gvhd)\b|\bgraft[\s-]versus"
    r"|\b(?:kidney|renal|liver|heart|lung|pancreas|marrow|stem[\s-]cell)\s+tx\b"
    r"|(?<!inhaled )(?<!nasal )(?<!topical )\b(?:cortico-?)?steroids?\b(?!\s+(?:inhal|spray|cream|inject))"
    r"|\b(?:methyl)?prednis(?:one|olone)\b|\bdexamethasone\b|\bhydrocortisone\b(?!\s+cream)"
    r"|\bchemo\w*|\b(?:anti-?)?tnf\b|\bbiologics?\b|\bjak\s+inhibitor\w*|\w+citinib\b|\b(?:ibrutinib|ciclosporin|mmf|mtx|cell-?cept|humira"
    r"|remicade|enbrel|stelara|leflunomide|cyclophosphamide|tacrolimus|cyclosporine?|sirolimus|everolimus|belatacept|mycophenolate|azathioprine"
    r"|methotrexate|infliximab|adalimumab|etanercept|golimumab|certolizumab|rituximab|tocilizumab|abatacept|ustekinumab|vedolizumab"
    r"|natalizumab|ocrelizumab)\b",
    re.I,
)


def cancer(indication: str, exam: str, findings: str) -> bool | None:
    """A personal history of cancer, past or present; None when nothing is said."""
    if seen(r"\b(?:mastectomy|lumpectomy)\b", f"{indication} . {exam} . {findings}", re.I):
        return True
    denied = False
    for text, is_history in ((indication, True), (exam, True), (findings, False)):
        for match in CANCER.finditer(text):
            said = _mention(text, match, is_history)
            if said:
                return True
            denied = denied or said is False
        denied = denied or _NO_CANCER.search(text) is not None
    return False if denied else None


def _mention(text: str, match: re.Match[str], is_history: bool) -> bool | None:
    """Whether one word of cancer says that there was one (True), that there was none (False), or neither."""
    start = max(text.rfind(".", 0, match.start()), text.rfind(";", 0, match.start()), text.rfind("\n", 0, match.start())) + 1
    lead, after = text[start : match.start()], text[match.end() :]
    up_to, word = text[start : match.end()], match[0].lower()
    sought = (
        r"\s*(?:screening|surveillance\b(?!\s+(?:of|for)))" if word in ("hcc", "hepatocellular carcinoma") else r"\s*screening"
    )
    if seen(r"\bno\s+oncologic|screen\w*\s*$", up_to, re.I) or opens(sought, after, re.I):
        return False if "oncologic" in word else None
    if _NO_CANCER.search(up_to) or negated_at(up_to, len(lead)):
        whole = seen(r"histor|known|hx|h/o|prior|denies|any|no\s+(?:cancer|malignan)|oncolog|without", lead, re.I)
        return False if whole else None
    hedge = [one.end() for one in _HEDGED.finditer(lead)]
    told = [one.end() for one in _HISTORY.finditer(lead)]
    outweighs = hedge and (not told or max(hedge) >= max(told) or FAMILY.search(lead))
    if outweighs and not seen(r"[,]\s*(?:known|history|h/o|s/p)", lead):
        return None
    if not (is_history or _TOLD.search(lead) or word == "metastatic"):
        return None
    return None if opens(r"\s*(?:risk|antigen|screen)", after, re.I) or "?" in after[:3] else True


def immunosuppressed(*texts: str) -> bool:
    """Immunosuppressed, or on what makes one so, in any of `texts`."""
    return any(
        not negated_at(text, match.start(), max(0, text.rfind(".", 0, match.start())))
        and not opens(r"\s*(?:negative|neg\b|evaluation|donor\s+evaluation)", text[match.end() :], re.I)
        and not seen(r"\b(?:not|no|denies)\s+(?:\w+\s+)?$", text[: match.start()], re.I)
        for text in texts
        for match in _IMMUNE.finditer(text)
    )
