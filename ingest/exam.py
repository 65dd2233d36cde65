"""What was examined, guessed from the name of the exam where no code says it: modality as DICOM writes it, body part in plain English."""

from __future__ import annotations

import re
from functools import lru_cache

from ingest.headings import folded
from ingest.report import Exam
from ingest.tables import MODALITY_BY_CODE

_MODALITY_WORDS = (
    ("PT", r"PET|PETCT|POSITRON|TEP|PET CT"),
    ("MG", r"MAMMO\w*|MAM|MAMOGRA\w*|TOMOSYNTHESIS|MG|SENOLOG\w*"),
    ("BMD", r"DEXA|DXA|BONE DENSI\w*|DENSITOMETR\w*|OSTEODENSITOMETRIE"),
    ("MR", r"MRI|MR|MRA|MRCP|MRV|IRM|RM|RMN|MAGNETIC RESONANCE|KERNSPIN\w*|MRT|RESONANCIA|RESSONANCIA|RISONANZA|MAGNETRESONANZ\w*"),
    ("CT", r"CT|CTA|CAT|DT|DATORTOMOGRAFI|COMPUTED TOMOGRAPHY|COMPUTERTOMOGRA\w*|TDM|TAC|TC|SCANNER|TOMODENSITOMETRIE|CTPA|ANGIOCT|TOMOGRAFIA"),
    ("US", r"US|ULTRASOUND|SONO\w*|ECHO\w*|DOPPLER|DUPLEX|ULTRASCHALL|ECOGRAF\w*|ULTRASSOM|ULTRASONOGRA\w*|USG"),
    ("XA", r"ANGIO\w*|ANGIOGRAM|ARTERIOGRA\w*|DSA|XA|INTERVENTIONAL|EMBOLI[SZ]ATION|VENOGRA\w*|CATHETER"),
    ("RF", r"FLUORO\w*|BARIUM|UPPER GI|ESOPHAGRAM|SWALLOW|DURCHLEUCHTUNG|RF|VCUG|ENEMA"),
    ("NM", r"NM|SPECT|SCINTI\w*|SZINTI\w*|NUCLEAR|BONE SCAN|MPI|HIDA|GAMMAGRA\w*|CINTILOGRA\w*|DATSCAN"),
    ("CR", r"[1-9] VIEWS?|XR|X RAY|XRAY|RADIOGRAPH\w*|\w*RONTGEN\w*|ROENTGEN\w*|RADIOGRAPHIE|RX|RADIOGRAFIA|DX|DR|CXR|KUB|THORAXAUFNAHME|RADIOGRAFIAS"),
    ("CR", r"X (?:THORAX|BEKKEN|ABDOMEN|BUIK|BOZ|KNIE|HEUP|HAND|POLS|VOET|ENKEL|SCHOUDER|ELLEBOOG|LWK|CWK|TWK)"),
)  # fmt: skip
#: Examinations whose reports are no radiologist's.
_OTHER_DIAGNOSTICS = re.compile(
    r"\b(?:ECG|EKG|ELE[CK]TRO[CK]ARDIO\w*|HOLTER|EEG|EMG|ELE[CK]TROEN[CZ]EPHALO\w*|ELECTROENCEFALO\w*|NERVE CONDUCTION|POL[YI]SOMNO\w*|"
    r"E?SPIROMETR\w*|PULMONARY FUNCTION|LUNGENFUNKTION\w*|LONGFUNCTIE|RADIOTHERAP\w*|RADIATION (?:THERAPY|ONCOLOGY)|"
    r"STRAHLENTHERAPIE|CULTURES?|GRAM STAIN|BLOOD COUNT|CBC|(?:METABOLIC|LIPID) PANEL|URINALYSIS|DISCHARGE SUMMARY|PROGRESS NOTE|"
    r"AUDIO(?:GRAM|METR)\w*|EGD|AUTOPSY|PATHOLOG(?:Y|IE)|PATOLOG\w*|"
    r"(?:COLONO|COLO|KOLO|GASTRO|ENDO|BRONCHO|BRONCO|CYSTO|ZYSTO|CISTO)S[CK]OP\w*|(?:HISTO|CYTO|CITO|ZYTO|ISTO)LOG\w*)\b"
)
_PART_WORDS = (
    ("cervical spine", r"CERVICAL|C SPINE|CERVICALE|HWS|CERVICAL SPINE"),
    ("thoracic spine", r"THORACIC SPINE|T SPINE|BWS|DORSAL SPINE|RACHIS DORSAL"),
    ("lumbar spine", r"LUMBAR\w*|L SPINE|LWS|LUMBOSACRAL|LOMBAIRE|LUMBALE|LOMBAR\w*"),
    ("spine", r"SPINE|SPINAL|WIRBELSAULE|RACHIS|COLUMNA|COLONNA|COLUNA|WERVELKOLOM"),
    ("abdomen and pelvis", r"ABDOMEN (?:AND )?PELVIS|ABD PEL\w*|ABDOMINO PELV\w*|ABDOMEN BECKEN|ABDOMINOPELV\w*"),
    ("head", r"HEAD|CAPUT|BRAIN|SKULL|CRANI\w*|SCHADEL|KOPF|HIRN|CEREBR\w*|CEREBRAL\w*|CRANEO|ENCEF\w*|HERSENEN|TESTA|CEREBRO|ORBIT\w*|NEURO"),
    ("face", r"FACE|FACIAL|SINUS\w*|MAXILLO\w*|MANDIBLE"),
    ("neck", r"NECK|HALS|COU|CUELLO|COLLO|CAROTID\w*|SOFT TISSUE NECK"),
    ("thyroid", r"THYROID|SCHILDDRUSE|TIROID\w*"),
    ("heart", r"HEART|CARDIAC|CORONARY|MYOCARD\w*|MPI|HERZ|COEUR|CORAZON|CARDIO\w*|ECHOCARDIO\w*"),
    ("breast", r"BREAST|MAMM\w*|BRUST|SEIN|SEINS|MAMA|SENO|TOMOSYNTHESIS"),
    ("chest", r"CHEST|THORA\w*|LUNG\w*|PULMON\w*|CXR|RIBS?|TORAX|TORACE|TORACIC\w*|LUNGE\w*"),
    ("abdomen", r"ABDOM\w*|ABD|LIVER|KUB|RENAL|KIDNEY\w*|GALLBLADDER|PANCREA\w*|OBERBAUCH|BAUCH|BUIK|ADDOME|HEPAT\w*|BILIARY|RUQ|AORTA"),
    ("pelvis", r"PELVI\w*|BECKEN|PROSTAT\w*|UTERUS|TRANSVAGINAL|BASSIN|BACINO|BEKKEN|OB|OBSTETRIC\w*|SCROT\w*"),
    ("shoulder", r"SHOULDER|SCHULTER\w*|EPAULE|HOMBRO|SPALLA|SCHOUDER|OMBRO|CLAVICLE"), ("elbow", r"ELBOW|ELLENBOGEN|COUDE|CODO|GOMITO"),
    ("wrist", r"WRIST|HANDGELENK|POIGNET|MUNECA|POLSO"), ("hand", r"HAND|FINGER|MAIN|MANO|THUMB"), ("hip", r"HIPS?|COXAE?|HUFT\w*|HANCHE|CADERA|ANCA|HEUP"),
    ("knee", r"KNEE|GENU|KNIE\w*|GENOU|RODILLA|GINOCCHIO|JOELHO"), ("ankle", r"ANKLE|\w*SPRUNGGELENK|CHEVILLE|TOBILLO|CAVIGLIA|ENKEL"),
    ("foot", r"FOOT|FUSS|PIED|PIE|PIEDE|VOET|TOE|HEEL|CALCANEUS"), ("leg", r"LEG|TIBIA|FEMUR|LOWER EXTREMITY|THIGH|BEIN|JAMBE"),
    ("arm", r"ARM|HUMERUS|FOREARM|UPPER EXTREMITY"),
)  # fmt: skip


def _pattern(words: tuple[tuple[str, str], ...]) -> re.Pattern[str]:
    return re.compile("|".join(rf"(?P<g{number}>\b(?:{pattern})\b)" for number, (_, pattern) in enumerate(words)))


_MODALITY, _PART = _pattern(_MODALITY_WORDS), _pattern(_PART_WORDS)


@lru_cache(maxsize=4096)
def exam(code: str | None, system: str | None, text: str | None, service: str, site: str, names: str) -> Exam:
    """The exam by its code and text; what the service code and the site do not say is guessed from its names."""
    return Exam(code, system, text, modality_of(service, names), body_part_of(site, names))


@lru_cache(maxsize=4096)
def modality_of(code: str, text: str) -> str | None:
    """DICOM modality from a service code, else from the exam's name."""
    known = MODALITY_BY_CODE.get(code.upper())
    if known:
        return known
    return _best(_MODALITY, _MODALITY_WORDS, text)


@lru_cache(maxsize=4096)
def is_other_diagnostics(names: str) -> bool:
    """Whether the exam's name is that of an ECG, an endoscopy, a pathology …, and of no imaging."""
    return _OTHER_DIAGNOSTICS.search(folded(names[:200])) is not None and modality_of("", names) is None


@lru_cache(maxsize=4096)
def body_part_of(site: str, text: str) -> str | None:
    """Body part from a site field, else from the exam's name."""
    return _best(_PART, _PART_WORDS, site) or _best(_PART, _PART_WORDS, text)


def _best(pattern: re.Pattern[str], words: tuple[tuple[str, str], ...], text: str) -> str | None:
    """The row that stands first in the table among all that occur: PET before CT, lumbar spine before spine."""
    rows = [int(match.lastgroup[1:]) for match in pattern.finditer(folded(text[:200])) if match.lastgroup]
    return words[min(rows)][0] if rows else None
