"""The words of the reading room that guidelines turn on: organs, lesions, their parts, negation and change. Patterns only, no logic."""

from __future__ import annotations

import re
from typing import Literal

#: organ -> how it is named; the first alternative that matches at a place wins, so longer names stand before shorter ones
_ORGANS: tuple[tuple[str, str], ...] = (
    (
        "node",
        r"lymph\s*nod(?:es?|al)|(?:lymph)?adenopathy|nodal\s+(?:mass|station)|(?:hilar|mediastinal|subcarinal|paratracheal"
        r"|axillary|inguinal|cervical|retroperitoneal|prevascular|precarinal)\s+nodes?",
    ),
    ("parathyroid", r"parathyroids?"),
    ("thyroid", r"thyroid(?:al)?|isthmus|(?:multi-?nodular\s+)?goit(?:re|er)s?"),
    ("adrenal", r"adrenals?|suprarenal|(?:medial|lateral)\s+limbs?"),
    (
        "pararenal",
        r"parapelvic|peripelvic|perirenal|perinephric|renal\s+(?:arter(?:y|ies)|veins?|pelvi[sc]|hil\w+|calcul\w+"
        r"|ston\w+|transplants?)",
    ),
    ("kidney", r"kidneys?|renal|interpolar|bosniak|nephro(?:genic|sis)"),
    ("gallbladder", r"gall\s?bladder|gb"),
    ("bile duct", r"(?:common\s+)?(?:bile|hepatic)\s+ducts?|cbd|biliary"),
    ("pancreas", r"pancrea(?:s|tic)|uncinate|ipmns?|wirsung"),
    ("spleen", r"spleen|splenic(?!\s+(?:arter|vein|flexure|hil))|splenules?"),
    ("aorta", r"(?:abdominal|infra-?renal|juxta-?renal|supra-?renal|para-?renal)\s+aort(?:a|ic)|aaa\b"),
    (
        "thoracic aorta",
        r"(?:ascending|descending|thoracic|thoraco-?abdominal)\s+(?:thoracic\s+)?aort(?:a|ic)|aortic\s+(?:arch"
        r"|root|annulus)|sinus(?:es)?\s+of\s+valsalva|aneurysmal\s+ascending",
    ),
    ("iliac artery", r"(?:common|internal|external)?\s*iliac\s+(?:arter(?:y|ies)|aneurysms?)|iliacs\b"),
    (
        "vessel",
        r"(?:carotid|cerebral|basilar|popliteal|femoral|splenic|hepatic|celiac|mesenteric|visceral|coronary|pulmonary"
        r"|subclavian|vertebral|communicating)\s+arter(?:y|ies)|(?:portal|splenic|hepatic|renal|mesenteric|jugular)\s+veins?"
        r"|vena\s+cava|ivc\b",
    ),
    ("aorta", r"aort(?:a|ic)(?!\s+(?:valv|steno|regurg|calcif))"),
    ("adnexa", r"adnex(?:a|al|ae)|ovar(?:y|ies|ian)|(?:para|tubo)-?ovarian|fallopian|paratubal"),
    ("uterus", r"uter(?:us|ine)|endometri\w+|myometri\w+|cervix|nabothian|vagina\w*|fibroids?"),
    ("prostate", r"prostat(?:e|ic)|peripheral\s+zone|transition(?:al)?\s+zone|seminal\s+vesicles?"),
    ("breast", r"breasts?|retroareolar|areola\w*"),
    (
        "pleura",
        r"pleura(?!l[- ]based)(?:l)?(?=\s+(?:space|effusion|thicken|plaque|fluid|nodul|mass|lesion|metast|deposit|tumou?r))",
    ),
    (
        "lung",
        r"lungs?|pulmonary|(?:upper|middle|lower)[- ]lobes?|lingula\w*|[rl][uml]l\b|intrapulmonary|subpleural|juxtapleural"
        r"|perifissural|(?<!sylvian )(?<!interhemispheric )(?<!orbital )(?<!choroidal )(?<!anal )fissur(?:e|al)"
        r"|(?:endo|peri)?bronch(?:us|ial|i)|endotracheal|trache(?:a|al)|costophrenic"
        r"|pleural[- ]based|lung\s+base|apex\b|apices|bibasilar|parenchymal\s+nodules?",
    ),
    (
        "liver",
        r"liver|hepatic(?!\s+(?:arter|vein|flexure|duct|cyst\s+of\s+kidney))|hepat(?:ocellular|oma)|caudate|segments?\s+(?:[iv]{1,4}"
        r"|[1-8])(?:\s?[ab])?\b|subcapsular\s+liver",
    ),
    ("mediastinum", r"mediastin\w+|thym(?:us|ic)|hil(?:um|ar|a)\b|pericardi\w+"),
    ("heart", r"heart|cardiac|coronar\w+|ventric(?:le|ular)|atri(?:um|al)|mitral|epicardi\w+|cardiophrenic|valv(?:e|ular)"),
    (
        "bone",
        r"vertebra\w*|\b[ctl]-?\d{1,2}\b|ribs?\b|sternum|manubri\w+|(?:sclerotic|lytic)(?=\s+(?:\w+\s+)?(?:foc|lesion|nodul|mass|metast))|sacr(?:um|al)|femor\w+|humer\w+|scapula|clavicle|osseous"
        r"|bon(?:e|es|y)\b|skelet\w+|iliac\s+(?:bone|crest|wing)|acetabul\w+|spine|marrow",
    ),
    (
        "bowel",
        r"bowel|colon(?:ic)?|cec(?:um|al)|sigmoid|rect(?:um|al)|duoden\w+|jejun\w+|ile(?:um|al)|append(?:ix|iceal"
        r"|iceal)|stomach|gastric|o?esophag\w+|diverticul\w+|hernia\w*",
    ),
    ("bladder", r"(?:urinary\s+)?bladder|ureter\w*|urethra\w*"),
    ("peritoneum", r"peritone\w+|mesenter(?:y|ic)|oment\w+|retroperitone\w+|psoas"),
    (
        "soft tissue",
        r"subcutaneous|(?:intra|epi)?derm(?:al|is)|cutaneous|chest\s+wall|skin\b|trapezius|pector\w+|serratus|subscapul\w+|(?:the|upper|lower|mid)\s+back\b"
        r"|nerve\s+sheath|plexus|popliteal|synovi\w+|ganglion|elastofibromas?|soft\s+tissues?|musc(?:le|ular)|axill(?:a|ary)|abdominal\s+wall|gluteal|sebaceous",
    ),
    (
        "head and neck",
        r"parotid|submandibular|submental|jaw|salivary|tonsil\w*|laryn\w+|vocal|brain|pineal|pituitary|sell(?:a|ar)|arachnoid"
        r"|maxillary|sinus(?:es)?\b|orbit\w*|cerebell\w+|intracranial",
    ),
    ("scrotum", r"test(?:is|es|icular|icle)|epididym\w+|scrot\w+"),
)
#: One pattern, a group for each organ. All on lower-cased text.
_ANY_ORGAN = re.compile(r"\b(?:" + "|".join(f"({pattern})" for _, pattern in _ORGANS) + ")")
_ORGAN_ANYWHERE = {
    name: re.compile(r"\b(?:" + "|".join(pattern for other, pattern in _ORGANS if other == name) + ")") for name, _ in _ORGANS
}


def names(organ: str, text: str) -> bool:
    """Whether lower-cased `text` may name `organ`; `organs` says where."""
    return _ORGAN_ANYWHERE[organ].search(text) is not None


def organs(text: str) -> list[tuple[str, int, int]]:
    """Every organ named in lower-cased `text`: name, start, end."""
    return [(_ORGANS[(place.lastindex or 0) - 1][0], place.start(), place.end()) for place in _ANY_ORGAN.finditer(text)]


NounKind = Literal["lesion", "part", "structure"]
_NOUNS: tuple[tuple[NounKind, str], ...] = (
    (
        "part",
        r"(?:mural|wall|enhancing\s+mural|internal|enhancing\s+internal|intracystic|peripheral\s+enhancing|soft[\s-]tissue|enhancing\s+soft[\s-]tissue)\s+nodul(?:es?"
        r"|arity)|solid[\s-]+(?:\w+\s+)?(?:component|portion|part|core|element)s?|component|papillary\s+(?:projection"
        r"|excrescence|nodule)s?"
        r"|(?:echogenic|punctate|hyperechoic)\s+foc(?:i|us)|(?<=\bno )foci"
        r"|(?:septal|wall|mural)\s+thickening|walls?|sept(?:um|a|ations?)|stalks?|pedicle|protrusions?"
        r"|projections?|nodularity|excrescences?|locules?|calcifications?|duct(?:al)?s?|lumen|daughter\s+cysts?",
    ),
    (
        "structure",
        r"lymph\s*nodes?|nodes?|lobes?|isthmus|gland|spleen|kidneys?|liver|uterus|endometri(?:um|al)|ovar(?:y|ies)"
        r"|prostate|aorta|stones?|calcul(?:us|i)|gallstones?|effusions?|catheters?|tubes?|thromb(?:us|i)|embol(?:us"
        r"|i)|hernias?|diverticul(?:um|a)"
        r"|collections?|abscess(?:es)?|canal|appendix|veins?|arter(?:y|ies)|follicles?|fractures?|hear?t|bladder"
        r"|stents?|hematomas?|h(?:a)?emorrhages?|fibroids?|leiomyomas?|leads?|port|plaques?|pancreas|adrenals?"
        r"|bowel|colon|cbd|disc|bulge|protrusion|spondylolisthesis|shift|pneumothorax",
    ),
    (
        "lesion",
        r"(?:micro)?nodul(?:es?|arity)|mass(?:es)?|lesions?|cyst(?:s|ic\s+(?:focus|foci|structures?))?|opacit(?:y"
        r"|ies)|foc(?:us|i)|polyps?|aneurysms?|aaa|ectasia|(?:ang|my)\w*lip\w*mas?|lipomas?|amls?|adenomas?|h(?:a)?emangiomas?"
        r"|metastas[ie]s|granulomas?"
        r"|tumou?rs?|neoplasms?|incidentalomas?|observations?|ipmns?|ggns?|ggos?|hamartomas?|cystadenomas?|carcinomas?"
        r"|malignanc(?:y|ies)|fnh|teratomas?|dermoids?|endometriomas?|densit(?:y|ies)|bosniak|pseudocysts?|hypodensit(?:y"
        r"|ies)|micronodules?|ground[- ]glass(?!\s+(?:\w+\s+){0,2}(?:nodul|opac|foc|lesion|attenuation|density"
        r"|component))|pheochromocytomas?|filling\s+defects?|protuberances?",
    ),
)
_ANY_NOUN = re.compile(r"\b(?:" + "|".join(f"({pattern})" for _, pattern in _NOUNS) + r")\b")
#: The nouns a guideline starts from.
LESION = re.compile(r"\b(?:" + "|".join(pattern for kind, pattern in _NOUNS if kind == "lesion") + r")\b")


def nouns(text: str) -> list[tuple[NounKind, int, int]]:
    """Everything in lower-cased `text` that can be measured: kind, start, end."""
    return [(_NOUNS[(place.lastindex or 0) - 1][0], place.start(), place.end()) for place in _ANY_NOUN.finditer(text)]


NEGATION = re.compile(
    r"\b(?:no(?!\s+(?:(?:significant|interval|definite|appreciable|substantial|suspicious|relevant|further"
    r"|real|major|meaningful)\s+)*(?:changes?|growth\s+of\s+the|longer|follow|imaging|evaluation)\b)"
    r"|not(?!\s+(?:significantly\s+|appreciably\s+|substantially\s+)?(?:changed|only|excluded|yet))|without(?!\s+(?:significant\s+"
    r"|interval\s+)*changes?\b)|absen(?:t|ce\s+of)|negative\s+for|(?:free|clear)\s+(?:of|from)|lack(?:s|ing)?|never|nor"
    r"|neither|den(?:y|ies|ied)|non(?=\s)"
    r"|rather\s+than|resolution\s+of|unlikely\s+to\s+represent|low\s+suspicion\s+for|(?:is|are|was|were|does|do)n't|ruled\s+out|exclud(?:es|ed|ing))\b",
    re.IGNORECASE,
)
#: what ends the reach of a negation on its way to a word
NEGATION_ENDS = re.compile(
    r"[.;:]|\b(?:but|however|except|although|though|other\s+than|apart\s+from|aside\s+from|besides|which|there\s+(?:is"
    r"|are)|with(?!\s+or\b)|only|yet|beyond|(?:concerning|suspicious|worrisome)\s+for)\b"
    r"|,\s*(?:and\s+)?(?:an?|the|\d|measur|is|are|now|stable|unchanged|likely|probably|consistent|compatible"
    r"|more|most|while|this|these|it|positive|yes)\b"
    r"|\band\s+(?:an?|the|is|are|shows?|demonstrates?|has|have|measures?|there|it|this|smooth|well|ill|irregular|lobulated|\d)\b",
    re.IGNORECASE,
)
NEGATED_AFTER = re.compile(
    r"^\s*(?:[:=]\s*|\()?(?:(?:(?:is|are|was|were|has|have)\s+)?(?:not|never)\b(?!\s+(?:changed|significantly\s+changed"
    r"|only))|(?:is|are|was|were)\s+(?:absent|negative|no\s+longer)|(?:is|are|was|were|(?:has|have)\s+been)\s+(?:excluded|ruled\s+out)"
    r"|absent\b|none\b|negative\b|no\b(?!\s+change)|\(-\)|-\))"
    # "torsion of the left ovary is not seen": a few words on, only what cannot mean anything else
    r"|^(?:\s+(?!which|that|but|and|with|is|are)\w+){1,4}\s+(?:is|are|was|were)\s+(?:not\s+(?:seen|identified|visuali[sz]ed|present|evident"
    r"|demonstrated|detected)|absent|no\s+longer|excluded)\b",
    re.IGNORECASE,
)
HEDGE = re.compile(
    r"\b(?:possibl[ey]|questionabl[ey]|equivocal|may\s+(?:be|represent|have)|might|uncertain|unclear|cannot\s+(?:be\s+)?exclude\w*"
    r"|indeterminate|suggest\w*\s+but|doubtful|\?)\s*(?:\w+\s+){0,2}$",
    re.IGNORECASE,
)

ADJACENT = re.compile(
    r"\b(?:adjacent|abut\w*|near(?:by)?|next\s+to|beside|close\s+to|contiguous|displac\w+|along\s?side|(?:superior"
    r"|inferior|lateral|medial|anterior|posterior)(?:ly)?\s+to|separate\s+from|similar\s+(?:in\s+\w+\s+)?to"
    r"|distinct\s+from"
    r"|above|below|behind|beneath|surrounding|compress\w+|in\s+(?:the\s+)?(?:setting|background)\s+of|at\s+the\s+level\s+of"
    r"|compared\s+(?:to|with)|in\s+addition\s+to|along\s+with|together\s+with|\bincidental\w*\s+note)\b",
    re.IGNORECASE,
)
_NEW_PHRASE = (
    r"(?:an?|another|the|one|two|three|four|several|multiple|numerous|few|no|separate|additional|second|third"
    r"|smaller|larger|bilateral|right|left|tiny|small|large|scattered|stable|unchanged|incidental|simple|new"
    r"|solid|part-solid|subsolid|ground-glass|calcified|noncalcified|spiculated"
    r"|(?:less|more|greater)\s+than|\d[\d.]*|~|<|>)"
)
BOUNDARY = re.compile(
    rf"(?:,|\band\b|\bas\s+well\s+as\b|\bplus\b|\bwhile\b|\bwhereas\b|\bbut\b|\balong\s+with\b|\bin\s+addition(?:\s+to)?,?|\s[-–]\s)\s*(?:and\s+|with\s+|also\s+|there\s+(?:is|are)\s+)*{_NEW_PHRASE}(?=[\s-])",
    re.IGNORECASE,
)
JOIN = re.compile(r",|\band\b|\bas\s+well\s+as\b|\bplus\b|\bwhile\b|\bwhereas\b|\bbut\b", re.IGNORECASE)
#: links that make the second noun a name for the first
NAMING = re.compile(
    r"\b(?:consistent|compatible|in\s+keeping)\s+with\b|\blikely\b|\bprobabl[ey]\b|\brepresent\w*|\bsuggest\w*"
    r"|\bfavor\w*|\bmost\b|\bsuspicious\b|\bconcern\w*|\bversus\b|\bvs\b|\bor\b|\btypical\b|\bcharacteristic\b"
    r"|\bmay\b|\bas\b|\bis\s+an?\b|\bthought\b|\bpresumed\b|\bcategory\b",
    re.IGNORECASE,
)

GROWING = re.compile(
    r"\benlarg(?:ed|ing|ement)|\bgrown\b|\bgrew\b|\bgrowing\b|\bgrowth\b|\bincreas(?:ed|ing|es)?\b(?=\s*(?:in\s+(?:overall\s+)?(?:size"
    r"|diameter|volume|solid)|from|by|since|compared|slightly|slowly|over|,|\.|\s*$|\())|interval\s+(?:\w+\s+)?increase"
    r"|\bincrease\s+in\s+(?:size|diameter)|\b(?:larger|bigger)\b(?!\s+than\s+(?:or\s+equal|approximately|about|\d))|\bdoubled|\bprogress(?:ed|ion)|\bexpan(?:ded"
    r"|sion|ding)\b",
    re.IGNORECASE,
)
STABLE = re.compile(
    r"\bstable\b|\bunchanged\b|\bstability\b|\bno\s+(?:significant\s+|interval\s+|appreciable\s+|definite\s+)*(?:change"
    r"|growth|enlargement|increase)\b|\bnot\s+(?:significantly\s+|appreciably\s+)?(?:changed|grown|enlarged"
    r"|increased)|\bsimilar\s+(?:in\s+(?:size|appearance)|to\s+(?:the\s+)?prior)|\bwithout\s+(?:significant\s+"
    r"|interval\s+)*(?:change|growth|enlargement)|\bsame\s+size|\bpersistent\b|\bpersists\b|\bsize\s+is\s+the\s+same",
    re.IGNORECASE,
)
NEW = re.compile(
    r"\b(?:new(?:ly)?|not\s+(?:seen|present|identified|visible)\s+(?:on|at|in)\s+(?:the\s+)?(?:prior|previous"
    r"|comparison|earlier|baseline|last)|interval\s+development|de\s+novo)\b(?!\s+from)",
    re.IGNORECASE,
)
SMALLER = re.compile(r"\b(?:decreas(?:ed|ing|e)|smaller|shrunk(?:en)?|regress\w+|diminish\w+|reduced)\b", re.IGNORECASE)
RESOLVED = re.compile(
    r"\bresolved\b|\bresolution\s+of\b|\bno\s+longer\s+(?:\w+\s+)?(?:seen|visuali[sz]ed|present|identified"
    r"|evident|visible|apparent|demonstrated)|\bdisappear\w*|\bnot\s+(?:seen|visuali[sz]ed|identified)\s+(?:today"
    r"|on\s+(?:today|the\s+current|this))",
    re.IGNORECASE,
)
REMOVED = re.compile(
    r"\b(?:(?:has|have|had)\s+(?:since\s+|now\s+)?been|was|were)\s+(?:surgically\s+|previously\s+|completely\s+)*(?:resected"
    r"|excised|ablated|removed|embolized)\b"
    r"|\b(?:treated|ablated|irradiated|resected)\s+(?:\w+\s+){0,3}(?:lesion|nodule|mass|tumou?r|cyst|observation)s?\b",
    re.IGNORECASE,
)
PLURAL_COUNT = re.compile(
    r"\b(?:two|three|four|five|six|seven|several|multiple|numerous|few|many|scattered|bilateral|innumerable"
    r"|some|couple\s+of|both)\b",
    re.IGNORECASE,
)
DETERMINER = re.compile(
    r"\b(an?|another|the|this|these|that|those|it|no|two|three|four|several|multiple|numerous|few|second|third|additional|one)\b",
    re.IGNORECASE,
)
ANAPHOR = re.compile(
    r"^\W*(?:it|its|this|these|they|the\s+(?:\w+\s+)?(?:nodule|nodules|mass|lesion|cyst|polyp|aneurysm|observation"
    r"|largest|dominant)|measur\w+|margins?|there\s+is\s+no|no\b|largest|composition|echogenicity|shape|size"
    r"|internal|enhanc\w+|wall|on\s+(?:delayed|unenhanced|arterial|portal))\b",
    re.IGNORECASE,
)
#: How a sentence without a lesion begins whose size is still that of the last one.
GOES_ON = re.compile(
    rf"{ANAPHOR.pattern}|^\W*(?:[\d.<>~≤≥]|(?:approximate|about|around|up\s+to|largest|great|maxim|mean|average|long|short|axial|sagittal"
    r"|coronal|diameter|dimension|now|current|today|previous|prior|was|were|on\b|in\b|at\b|compar|stable|unchanged|new|increas|decreas|gr[oe]wn?"
    r"|enlarg|ap\b|transverse|volume|solid|cystic|hypo|iso|hyper|an?echoic|spongiform|smooth|lobulat|irregular|spiculat|wider|taller|location"
    r"|echogenic|margin|walls?|sept|internal|interval|total|combined|overall))",
    re.IGNORECASE,
)
HEADING = re.compile(r"^\W*([A-Za-z][A-Za-z0-9 /,&()'-]{1,45}?)\s*:(?!\d)")
IMAGE_REFERENCE = re.compile(
    r"\(\s*(?:axial\s+|sagittal\s+|coronal\s+)?(?:series|ser|se|image|im|img|slice|sequence)[\s#.:]*\d[^)]*\)"
    r"|\b(?:series|ser\.?|se)\s*#?\s*\d+\s*[,;/]?\s*(?:and\s+)?(?:images?|im\.?|img\.?|slice)?\s*#?\s*\d+(?:\s*[-/,]\s*\d+)*"
    r"|\bimages?\s*#?\s*\d+(?:\s*(?:[-/,]|and|of)\s*\d+)*|\(\s*\d+\s*[/:]\s*\d+\s*\)",
    re.IGNORECASE,
)
