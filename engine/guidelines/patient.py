"""Who was examined, how and why: what guidelines ask before they look at a lesion. Read from the order, the indication and the text."""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from functools import cached_property, lru_cache

from engine.guidelines import history, words
from engine.guidelines.denial import negated_at
from engine.guidelines.patterns import compiled, opens, seen
from engine.guidelines.reading import Document, Lesion

_AGE = re.compile(
    r"\b(\d{1,3})[\s-]*(?:(?:years?|yrs?|y)[\s-]*(?:old|o\b|/o)|yo\b|y/?o\b|y\.o\.|year-old|(?<=\d\d)\s?(?=[mf]\b)"
    r"|(?:years?|yrs?)\s+of\s+age)",
    re.I,
)
_AGE_BEFORE = re.compile(r"\bage[ds]?\s*(?:of|:|is|=)?\s*(\d{1,3})\b", re.I)
_DECADE = re.compile(r"\bin\s+(?:his|her|their)\s+(twenties|thirties|forties|fifties|sixties|seventies|eighties)", re.I)
_MONTHS_OLD = re.compile(r"\b\d{1,2}[\s-]*(?:month|week|day)s?[\s-]*old\b|\bneonate|\binfant|\bnewborn", re.I)
_CHILD = re.compile(r"\b(?:child|pa?ediatric|adolescent|teenage\w*|toddler)\b", re.I)
_FEMALE = re.compile(
    r"\b(?:female|woman|lady|she|her|girl|postmenopausal|premenopausal|pregnan\w+)\b|\b\d{2,3}\s*(?:y\.?/?o\.?\s*)?f\b", re.I
)
_MALE = re.compile(r"\b(?:male|man|gentleman|he|his|boy)\b|\b\d{2,3}\s*(?:y\.?/?o\.?\s*)?m\b", re.I)

_SMOKER = re.compile(r"\bsmok(?:er|es|ing|ed)\b|\bpack[\s-]*(?:years?|yrs?)\b|\bpk-?yrs?\b|\btobacco\b|\bcigarettes?\b", re.I)
_NEVER = re.compile(
    r"\b(?:never|non|not\s+an?|no)[\s-]*(?:a\s+)?(?:smok\w+|tobacco)|\bnon-?smok\w+|\blife(?:long|time)\s+non-?\s?smok\w+"
    r"|\bnever\s+smoked|\bno\s+(?:history\s+of\s+)?(?:smoking|tobacco)|\bdenies\s+(?:smoking|tobacco)|\bno\s+smoking\s+history",
    re.I,
)
_HIGH = re.compile(
    r"\bemphysem\w+|\b(?:pulmonary|lung|interstitial)\s+fibrosis\b|\bipf\b|\basbestos\w*|\bradon\b|\buranium\b"
    r"|\bspiculat\w+|\bhigh[\s-]+risk(?:\s+patient)?\b",
    re.I,
)
_FAMILY_LUNG = re.compile(
    r"\bfamily\s+history\s+of\s+(?:lung|bronchogenic)\s+(?:cancer|carcinoma)|\b(?:mother|father|sister|brother"
    r"|parent|sibling)\w*\s+(?:\w+\s+){0,3}lung\s+cancer",
    re.I,
)
_LOW = re.compile(
    r"\blow[\s-]+risk\b|\bno\s+(?:known\s+|significant\s+|other\s+|additional\s+)?risk\s+factors?\b|\bwithout\s+(?:known\s+)?risk\s+factors?\b",
    re.I,
)

_PET = re.compile(r"\bPET\b|positron|\bFDG\b", re.I)
_CT = re.compile(r"\bCTA?\b|\bLDCT\b|\bCTPA\b|\bHRCT\b|comput(?:ed|er)\s+tomogra\w+|\bCAT\s+scan\b", re.I)
_MR = re.compile(r"\bMRI?\b|\bMRA\b|\bMRCP\b|\bmpMRI\b|magnetic\s+resonance", re.I)
_US = re.compile(r"\bUS\b|\bU/S\b|ultraso(?:und|nogra\w+)|sonogra\w+|\bdoppler\b", re.I)
_MG = re.compile(r"mammo\w*|tomosynthesis|\bDBT\b|\bMG\b", re.I)
_XR = re.compile(r"x-?\s?ray|radiogra\w+|\bXR\b|\bCXR\b|\bDX\b|\bCR\b|plain\s+film", re.I)
_MODALITIES = (("PET", _PET), ("MG", _MG), ("CT", _CT), ("MR", _MR), ("US", _US), ("XR", _XR))
#: "nodule seen on ultrasound": why the examination was ordered, not the examination
_SEEN_BEFORE = r"\b(?:seen|noted|found|on|prior|previous|recent)\W+(?:\w+\W+){0,4}$"
_US_WORDS = re.compile(
    r"\bhypoecho\w+|\bhyperecho\w+|\bisoecho\w+|\banechoic|\bechogenic\w*|\bsonograph\w+|\bultraso\w+|taller[\s-]+than"
    r"|acoustic|\bTI-?RADS\b|\bdoppler\b",
    re.I,
)
_CT_WORDS = re.compile(
    r"\bHU\b|hounsfield|hypo-?attenuat\w+|hyper-?attenuat\w+|\battenuation\b|hypo-?dens\w+|\bCT\b|portal\s+venous\s+phase", re.I
)
_MR_WORDS = re.compile(
    r"\bT[12][\s-]?(?:w|weighted|hyper|hypo|bright|dark|signal)|\bDWI\b|\bADC\b|signal\s+(?:intensity|loss"
    r"|drop)|opposed[\s-]phase|out[\s-]of[\s-]phase|\bMRI?\b|restricted\s+diffusion",
    re.I,
)
_WITHOUT_AND_WITH = re.compile(
    r"with(?:out)?\s*(?:and|&|/|\+)\s*with(?:out)?|w/?\s*(?:and|&)\s*w/?o|w/?wo\b|wwo\b|multi-?phas\w+|triphasic"
    r"|dynamic|without\s+and\s+with|pre-?\s*and\s+post-?\s*(?:iv\s+|intravenous\s+)?(?:contrast|gadolinium)",
    re.I,
)
_WITHOUT = re.compile(
    r"\b(?:without|w/o|wo|no|non)[\s-]*(?:(?:the\s+)?(?:use\s+of\s+)?(?:iv|i\.v\.|intravenous|oral\s+or\s+iv)[\s-]*)?(?:contrast"
    r"|gadolinium|iv\b|enhancement)|\bnon-?\s?contrast|\bun-?enhanced|\bnon-?enhanced\s+(?:ct|mri?|scan|images"
    r"|exam\w*|study)|\bplain\s+(?:ct|mri?)\b|\blow[\s-]dose|\bstone\s+protocol|\bCT\s+KUB\b|\bwo\s+contrast",
    re.I,
)
_WITH = re.compile(
    r"\b(?:with|w/|w)\s*(?:iv\s+|i\.v\.\s+|intravenous\s+|the\s+administration\s+of\s+)*(?:contrast|gadolinium"
    r"|iv\b)|\bpost-?\s?contrast|\bcontrast[\s-]*enhanced|\bcect\b|\b(?<!un)(?<!non-)(?<!non)enhanced\s+(?:ct"
    r"|mri?|scan|images)|\b(?:portal\s+venous|venous|arterial|nephrographic|corticomedullary|parenchymal|delayed)\s+phase"
    r"|\bafter\s+(?:iv\s+|intravenous\s+)?contrast|\bangiogra\w+|\bCTA\b|\bCTPA\b|gadolinium|gadavist|eovist"
    r"|omnipaque|isovue|adrenal\s+protocol|renal\s+(?:mass\s+)?protocol|liver\s+protocol|pancrea\w+\s+protocol",
    re.I,
)
_SCREENING = re.compile(
    r"\b(?:lung|ldct|low[\s-]?dose|chest)\b.{0,40}\bscreen\w*|\bscreen\w*\b.{0,40}\b(?:lung|ldct|low[\s-]?dose"
    r"|chest\s+ct)\b|\bLDCT\b|lung-?\s?rads|\bLCS\b",
    re.I,
)
#: One of them stands in whatever that matches, and is found in a tenth of the time.
_SCREENING_WORDS = ("screen", "ldct", "rads", "lcs")
_NOT_SCREENING = re.compile(
    r"\b(?:not|non)[\s-]*(?:a\s+)?(?:lung\s+cancer\s+)?screening|\bdiagnostic\s+(?:chest\s+|low[\s-]dose\s+)?CT\b"
    r"|screening\s+for\s+metasta\w+",
    re.I,
)

REGION_ORGAN: tuple[tuple[str, str], ...] = (
    (r"thyroid|\bneck\b.*(?:US\b|ultraso|sono)|(?:US\b|ultraso\w+|sono\w+).*\bneck\b", "thyroid"),
    (r"prostat", "prostate"),
    (r"adrenal", "adrenal"),
    (r"\brenal\b|kidney|\bKUB\b", "kidney"),
    (r"pancrea|MRCP", "pancreas"),
    (r"liver|hepat|\bHCC\b|LI-?RADS", "liver"),
    (r"gall\s?bladder|right\s+upper\s+quadrant|\bRUQ\b", "gallbladder"),
    (r"spleen|splenic", "spleen"),
    (r"mammo|breast|tomosynthesis", "breast"),
    (
        r"(?:transvaginal|pelvic|pelvis|endovaginal).*(?:US\b|ultraso|sono)|(?:US\b|ultraso\w+|sono\w+).*(?:transvaginal"
        r"|pelvic|pelvis|endovaginal)|adnex|ovar",
        "adnexa",
    ),
    (r"aort(?:a|ic).*(?:US\b|ultraso|screen|duplex)|(?:US\b|ultraso\w+|duplex|screen).*aort|\bAAA\b", "aorta"),
    (r"chest|thora(?:x|cic)(?!\s+(?:spine|outlet))|\blung|CTPA|\bLDCT\b|pulmonary", "lung"),
)


@dataclass(frozen=True)
class Patient:
    """One request: the texts around the findings and what the caller already knows."""

    findings: str = field(repr=False)
    indication: str = field(default="", repr=False)
    exam: str = field(default="", repr=False)
    given_age: int | None = None
    given_sex: str | None = None
    given_risk: str | None = None

    @cached_property
    def around(self) -> str:
        return f"{self.indication} . {self.exam}"

    @cached_property
    def everything(self) -> str:
        return f"{self.indication} . {self.exam} . {self.findings}"

    @cached_property
    def document(self) -> Document:
        return Document(self.findings, self.exam_organ)

    def lesions(self, organ: str) -> list[Lesion]:
        """The lesions of one organ that are there. Most findings name none, or not that organ, and are not read for it."""
        if not self._names_a_lesion or not (organ == self.exam_organ or words.names(organ, self.lowered)):
            return []
        return self.document.of(organ)

    @cached_property
    def lowered(self) -> str:
        return self.findings.lower()

    @cached_property
    def _names_a_lesion(self) -> bool:
        return words.LESION.search(self.lowered) is not None

    # --- the person ---------------------------------------------------------------------------------------------------------

    @cached_property
    def age(self) -> float | None:
        if self.given_age is not None:
            return float(self.given_age)
        for text in (self.around, self.findings):
            if _MONTHS_OLD.search(text):
                return 0.0
            match = _AGE.search(text) or _AGE_BEFORE.search(text)
            if match and int(match[1]) < 120 and not history.FAMILY.search(text[max(0, match.start() - 30) : match.start()]):
                return float(match[1])
            decade = _DECADE.search(text)
            if decade:
                return (
                    10.0 * (2 + "twenties thirties forties fifties sixties seventies eighties".split().index(decade[1].lower()))
                    + 5
                )
        return None

    @cached_property
    def is_child(self) -> bool:
        return (self.age is not None and self.age < 18) or (self.age is None and _CHILD.search(self.around) is not None)

    @cached_property
    def sex(self) -> str | None:
        given = (self.given_sex or "").strip().lower()[:1]
        if given in ("f", "w"):
            return "female"
        if given == "m":
            return "male"
        for text in (self.around, self.findings):
            female, male = _FEMALE.search(text), _MALE.search(text)
            if female and not male:
                return "female"
            if male and not female:
                return "male"
            if male and female:
                return "female" if female.start() < male.start() else "male"
        return None

    @cached_property
    def cancer(self) -> bool | None:
        """A personal history of cancer, past or present; None when nothing is said."""
        return history.cancer(self.indication, self.exam, self.findings)

    @cached_property
    def immunosuppressed(self) -> bool:
        return history.immunosuppressed(self.indication, self.exam, self.findings)

    @cached_property
    def lung_risk(self) -> str | None:
        """Fleischner's two groups: as given, else as the text tells. Never smoked counts as low only where nothing speaks against it."""
        if self.given_risk in ("low", "high"):
            return self.given_risk
        text = self.everything
        for match in (*_HIGH.finditer(text), *_FAMILY_LUNG.finditer(text)):
            if not negated_at(text, match.start(), max(0, text.rfind(".", 0, match.start()))):
                return "high"
        never = _NEVER.search(text)
        if _SMOKER.search(text) and not never and not seen(r"(?:passive|second-?hand)\s+smok", text, re.I):
            return "high"
        if _LOW.search(text):
            return "low"
        upper = seen(r"upper[\s-]+lobe|\b[rl]ul\b|\bapex\b|\bapical\b", self.findings, re.I)
        return "low" if never and not upper else None

    # --- the examination ----------------------------------------------------------------------------------------------------

    @cached_property
    def modality(self) -> str | None:
        """`CT`, `MR`, `US`, `MG`, `PET` or `XR`: from the order, else from words only one of them uses."""
        if self.exam.strip():
            return _modality_of(self.exam)
        for name, pattern in _MODALITIES:
            match = pattern.search(self.indication)
            if match and not seen(_SEEN_BEFORE, self.indication[: match.start()], re.I):
                return name
        return next(
            (
                name
                for name, pattern in (("US", _US_WORDS), ("MR", _MR_WORDS), ("CT", _CT_WORDS))
                if pattern.search(self.findings)
            ),
            None,
        )

    @cached_property
    def contrast(self) -> str | None:
        """`with`, `without`, `both`; None when nothing says."""
        for text in (self.exam, self.indication, self.findings):
            if _WITHOUT_AND_WITH.search(text):
                return "both"
            without, given = _WITHOUT.search(text), _WITH.search(_WITHOUT.sub(" ", text))
            if without and given:
                return "both"
            if without:
                return "without"
            if given:
                return "with"
        return None

    @cached_property
    def exam_organ(self) -> str | None:
        return _organ_of(self.exam)

    @cached_property
    def is_lung_screening(self) -> bool:
        text = self.everything
        named = any(word in text.lower() for word in _SCREENING_WORDS)
        return named and bool(_SCREENING.search(text)) and not _NOT_SCREENING.search(text)

    @cached_property
    def is_partial_chest(self) -> bool:
        """Lung seen only in part: an abdomen, neck, spine or heart examination."""
        named = seen(
            r"chest|thora(?:x|cic)(?!\s+spine)|\blungs?\b|CTPA|\bLDCT\b|\bPE\b|pulmonary|whole[\s-]body|\bCAP\b|\bTAP\b",
            self.exam,
            re.I,
        )
        part = seen(
            r"abd\w*|pelvis|neck|c-?spine|spine|cardiac|heart|coronary|calcium\s+scor\w*|head|shoulder|kidney|KUB|urogra\w*"
            r"|enterogra\w*|soft\s+tissue",
            self.exam,
            re.I,
        )
        return bool(part) and not named

    def mentions(self, pattern: str, *, even_sought: bool = False) -> bool:
        """`pattern` stands somewhere in the request and is not denied there."""
        return self.said(pattern, even_sought=even_sought) is True

    def said(self, pattern: str, *, even_sought: bool = False) -> bool | None:
        """True, False (denied) or None (not mentioned), over indication, exam and findings; a family history is nobody's own.

        What an examination looks for ("rule out pheochromocytoma") is said of nobody yet, unless `even_sought`.
        """
        if (pattern, even_sought) not in self._said:
            self._said[pattern, even_sought] = self._find(pattern, even_sought)
        return self._said[pattern, even_sought]

    @cached_property
    def _said(self) -> dict[tuple[str, bool], bool | None]:
        return {}

    def _find(self, pattern: str, even_sought: bool) -> bool | None:
        verdict: bool | None = None
        for text in (self.indication, self.exam, self.findings):
            for match in compiled(pattern, re.I).finditer(text):
                start = max(text.rfind(".", 0, match.start()), text.rfind(";", 0, match.start()), 0)
                lead = text[start : match.start()]
                if history.FAMILY.search(lead):
                    continue
                after = text[match.end() : match.end() + 30]
                if negated_at(text, match.start(), start) or opens(
                    r"\s*(?:[:=]\s*)?(?:negative|no\b|none|absent|is\s+not)", after, re.I
                ):
                    verdict = verdict or False
                elif not even_sought and seen(
                    r"\b(?:rule[\s-]*out|r/o|eval\w*\s+for|assess\w*\s+for|exclude|screen\w*\s+for|risk\s+of)\s+(?:\w+\s+){0,2}$",
                    lead,
                    re.I,
                ):
                    continue
                else:
                    return True
        return verdict


@lru_cache(maxsize=1024)  # a department knows its examinations by fewer names
def _modality_of(exam: str) -> str | None:
    return next((name for name, pattern in _MODALITIES if pattern.search(exam)), None)


@lru_cache(maxsize=1024)
def _organ_of(exam: str) -> str | None:
    return next((organ for pattern, organ in REGION_ORGAN if seen(pattern, exam, re.I)), None)
