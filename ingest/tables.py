"""What the codes of the standards and the words of the field mean. Every row says where it is from."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Literal

from ingest.report import Status

Priority = Literal["stat", "urgent", "routine"]

STATUS_BY_OBR25: Mapping[str, Status] = {  # HL7 v2.5.1 table 0123, result status; v2-to-FHIR "ResultStatus[Non-Queries]"
    "O": Status.REGISTERED,  # order received
    "I": Status.REGISTERED,  # no results, procedure incomplete
    "S": Status.REGISTERED,  # scheduled, not done
    "A": Status.PARTIAL,  # some results available. Open in v2-to-FHIR; "some" is what partial says
    "P": Status.PRELIMINARY,
    "R": Status.PARTIAL,  # stored, not yet verified: v2-to-FHIR says partial
    "C": Status.CORRECTED,
    "F": Status.FINAL,
    "X": Status.CANCELLED,
    "M": Status.PRELIMINARY,  # corrected, not final. Open in v2-to-FHIR; not signed is what counts
    "N": Status.REGISTERED,  # done, results pending. Open in v2-to-FHIR
    "Y": Status.UNKNOWN,  # no order on record: says nothing of the report. v2-to-FHIR: an error
    "Z": Status.UNKNOWN,  # no record of this patient. v2-to-FHIR: an error
}
STATUS_BY_OBX11: Mapping[str, Status | None] = {  # HL7 v2.5.1 and v2.9 table 0085; None says nothing of the report
    "A": Status.AMENDED,
    "B": Status.APPENDED,  # appended report. Open in v2-to-FHIR
    "C": Status.CORRECTED,
    "D": Status.ENTERED_IN_ERROR,
    "F": Status.FINAL,
    "I": Status.REGISTERED,  # results pending. Open in v2-to-FHIR
    "N": None,  # not asked. Open in v2-to-FHIR
    "O": None,  # order detail only. Open in v2-to-FHIR
    "P": Status.PRELIMINARY,
    "R": Status.PARTIAL,  # entered, not verified. Open in v2-to-FHIR; like OBR-25 R
    "S": Status.PARTIAL,  # partial results. Open in v2-to-FHIR
    "U": Status.FINAL,  # now final, text not sent again. Open in v2-to-FHIR
    "V": Status.FINAL,  # verified, unchanged. Open in v2-to-FHIR
    "W": Status.ENTERED_IN_ERROR,
    "X": Status.CANCELLED,
}
STATUS_BY_ORC5: Mapping[str, Status | None] = {  # HL7 v2.5.1 table 0038, order status; asked last
    "A": Status.PARTIAL,  # some results
    "CA": Status.CANCELLED,
    "CM": Status.FINAL,  # completed: the only word some feeds have
    "DC": Status.CANCELLED,
    "ER": None,
    "HD": Status.REGISTERED,
    "IP": Status.REGISTERED,
    "RP": None,
    "SC": Status.REGISTERED,
}
STATUS_BY_TXA17: Mapping[str, Status] = {  # HL7 v2.5.1 table 0271, document completion status
    "DI": Status.PRELIMINARY,  # dictated
    "DO": Status.PRELIMINARY,  # documented (transcribed)
    "IN": Status.PARTIAL,  # incomplete
    "IP": Status.PARTIAL,  # in progress
    "PA": Status.PRELIMINARY,  # pre-authenticated
    "AU": Status.FINAL,  # authenticated
    "LA": Status.FINAL,  # legally authenticated
}
STATUS_BY_TXA19: Mapping[str, Status | None] = {  # HL7 v2.5.1 table 0273, document availability status
    "AV": None,
    "CA": Status.ENTERED_IN_ERROR,  # deleted
    "OB": None,  # obsolete: its replacement is a version of its own (T10)
    "UN": None,
}
#: What a signed document becomes by the event that carries it. HL7 v2.5.1 chapter 9.6, MDM^T01–T11.
SIGNED_BY_TRIGGER: Mapping[str, Status] = {
    "T05": Status.APPENDED, "T06": Status.APPENDED, "T07": Status.AMENDED, "T08": Status.AMENDED,
    "T09": Status.CORRECTED, "T10": Status.CORRECTED,
}  # fmt: skip
STATUS_BY_FHIR: Mapping[str, Status] = {  # DiagnosticReport.status in DSTU2–R6, Composition.status, DocumentReference.docStatus
    **{str(status): status for status in Status},
    "modified": Status.AMENDED,  # R5
    "canceled": Status.CANCELLED,
    "deprecated": Status.ENTERED_IN_ERROR,
}
#: Words seen where a code should stand; compared in capitals, runs of anything but letters as one blank.
STATUS_BY_WORD: Mapping[str, Status] = {
    **dict.fromkeys(("FINAL", "FINAL REPORT", "FINAL RESULT", "FINAL RESULTS", "FINALIZED", "FINALISED", "SIGNED", "FINAL SIGNED", "VERIFIED", "APPROVED", "AUTHENTICATED", "COMPLETE", "COMPLETED", "VALIDATED", "REPORTED FINAL", "AUTH VERIFIED", "AUTH", "FINAL APPROVED", "FINAL VERIFIED", "FREIGEGEBEN", "VIDIERT", "ENDBEFUND", "DEFINITIF", "VALIDE", "DEFINITIVO", "VALIDADO", "FIRMADO", "DEFINITIEF", "GEAUTORISEERD", "ASSINADO", "LIBERADO", "FIRMATO", "VALIDATO", "REFERTATO", "SIGNE", "LA", "AU", "FIN", "SIGNED FINAL", "FNL", "SIGNERAD", "SIGNERAT", "GODKAND", "GODKENDT", "GODKJENT", "HYVAKSYTTY", "ABGESCHLOSSEN", "ENDGULTIG", "AUTORISIERT", "SIGNIERT", "VALIDIERT", "UNTERSCHRIEBEN", "GEFIATTEERD", "GEVALIDEERD", "GETEKEND", "ONDERTEKEND", "AUTHORISED", "AUTHORIZED", "SIGNED OFF", "LAUDADO", "FINALIZADO", "CONCLUIDO", "RELEASED", "VALIDAR", "VALIDER", "VALIDARE", "FIRMAR", "FIRMARE", "REFERTO DEFINITIVO", "DEFINITIF SIGNE"), Status.FINAL),
    **dict.fromkeys(("PRELIM", "PRELIMINARY", "PRELIMINARY REPORT", "PRELIMINARY RESULT", "WET READ", "WETREAD", "DRAFT", "UNSIGNED", "DICTATED", "TRANSCRIBED", "PENDING REVIEW", "PENDING APPROVAL", "PENDING SIGNATURE", "TENTATIVE", "PROVISIONAL", "UNVERIFIED", "NOT VERIFIED", "RESIDENT READ", "CORRECTED NOT FINAL", "PRE FINAL", "VORLAUFIG", "VORBEFUND", "PROVISOIRE", "PRELIMINAIRE", "PROVISIONAL REPORT", "PRELIMINAR", "VOORLOPIG", "CONCEPT", "PRELIMINARE", "PROVVISORIO", "BOZZA", "BORRADOR", "BROUILLON", "ENTWURF", "PRE", "PRELIMIN", "INTERIM", "DIKTIERT", "GESCHRIEBEN", "BEFUNDET", "DICTE", "REDIGE", "RELU", "DICTADO", "TRANSCRITO", "REDACTADO", "DITADO", "DIGITADO", "EM REVISAO", "RASCUNHO", "GEDICTEERD", "DETTATO", "PRELIMINART", "FORELOBIG", "UNAUTHORISED", "UNAUTHORIZED", "UNREAD", "VIDIERUNG AUSSTEHEND", "IN BEARBEITUNG"), Status.PRELIMINARY),
    **dict.fromkeys(("PARTIAL", "IN PROGRESS", "INCOMPLETE", "STORED", "PARTIAL RESULTS"), Status.PARTIAL),
    **dict.fromkeys((
        "REGISTERED", "SCHEDULED", "ORDERED", "PENDING", "ARRIVED", "EXAMINED", "EXAM COMPLETED", "BEGUN", "EXAM ENDED", "NOT DICTATED",
        "VAQ",  # VistA RA*5*144: a study released from the teleradiology queue, not a report
    ), Status.REGISTERED),
    **dict.fromkeys(("CORRECTED", "CORRECTION", "CORRECTED FINAL", "CORRECTED REPORT", "CORRECTED RESULT", "KORRIGIERT", "CORRIGE", "CORREGIDO", "CORRETTO", "CORRIGIDO", "GECORRIGEERD", "CORR", "RECTIFICADO", "RETIFICADO", "RETTIFICATO", "RECTIFIE", "KORRIGERAD", "BERICHTIGT"), Status.CORRECTED),
    **dict.fromkeys(("AMENDED", "REVISED", "MODIFIED", "EDITED", "EDITED RESULT FINAL", "EDITED RESULT", "CHANGED", "MODIFIE", "MODIFICADO", "MODIFICATO", "GEANDERT", "GEWIJZIGD", "ALTERADO", "ANDRAD"), Status.AMENDED),
    **dict.fromkeys(("ADDENDUM", "ADDENDED", "APPENDED", "ADDENDUM FINAL", "FINAL ADDENDUM", "FINAL WITH ADDENDUM", "NACHTRAG", "ADDENDA", "ADDENDUM SIGNED", "FINAL ADDENDED", "SUPPLEMENTARY", "SUPPLEMENTAL", "ADENDA", "ADENDO", "ERGANZT", "AANVULLING"), Status.APPENDED),
    **dict.fromkeys(("CANCELLED", "CANCELED", "CANCEL", "DISCONTINUED", "STORNIERT", "ANNULE", "ANULADO", "CANCELADO", "ANNULLATO", "GEANNULEERD", "STORNO", "STORNIERUNG", "ANNULERAD", "AVBRUTEN", "SUSPENDIDO"), Status.CANCELLED),
    **dict.fromkeys(("ENTERED IN ERROR", "ERROR", "DELETED", "RETRACTED", "WITHDRAWN", "VOID", "RESCINDED", "NULLIFIED", "INVALIDATED"), Status.ENTERED_IN_ERROR),
}  # fmt: skip

#: Before a word of the first row they say that it has not happened yet: Nicht freigegeben, Da validare, Pendiente de firmar.
NOT_YET = frozenset(
    "NOT NON NO NICHT NIET NAO DA TO PENDING PENDIENTE PENDENTE ATTENTE AWAITING WARTET ZU NOCH NOG EJ IKKE".split()
)

PRIORITY_BY_CODE: Mapping[str, Priority] = {  # HL7 v2.5.1 tables 0485 and 0027 (S A R P C T), FHIR request-priority, words
    "S": "stat", "STAT": "stat", "1": "stat", "EMERGENCY": "stat", "EMERGENT": "stat", "NOTFALL": "stat", "EM": "stat", "CRITICAL": "stat",
    "IMMEDIATE": "stat", "TRAUMA": "stat", "STROKE": "stat", "ER": "stat", "E": "stat", "SPOED": "stat", "ST": "stat",
    "A": "urgent", "ASAP": "urgent", "U": "urgent", "URGENT": "urgent", "UR": "urgent", "C": "urgent", "T": "urgent", "HIGH": "urgent",
    "DRINGEND": "urgent", "DRINGLICH": "urgent", "EILIG": "urgent", "URGENTE": "urgent", "H": "urgent", "CITO": "urgent", "URG": "urgent",
    "R": "routine", "ROUTINE": "routine", "RTN": "routine", "NORMAL": "routine", "N": "routine", "P": "routine", "ELECTIVE": "routine",
    "L": "routine", "LOW": "routine", "RO": "routine", "SCHEDULED": "routine", "RT": "routine",
}  # fmt: skip

SEX_BY_CODE: Mapping[str, str] = {  # HL7 table 0001 -> FHIR administrative-gender
    "M": "male", "F": "female", "O": "other", "A": "other", "N": "other", "U": "unknown",
    "MALE": "male", "FEMALE": "female", "W": "female", "D": "other", "X": "other", "V": "female",
}  # fmt: skip

#: OBR-24 and DICOM (0008,0060) -> the DICOM modality we speak of. HL7 v2.5.1 table 0074 where it is about imaging.
MODALITY_BY_CODE: Mapping[str, str] = {
    **{code: code for code in ("CT", "MR", "US", "CR", "DX", "MG", "NM", "PT", "XA", "RF", "BMD", "ECHO", "IVUS", "OPT")},
    "NMR": "MR", "MRI": "MR", "RUS": "US", "CUS": "US", "VUS": "US", "OUS": "US", "XRC": "XA", "NMS": "NM", "PET": "PT", "PETCT": "PT",
    "XR": "CR", "XRAY": "CR", "DR": "DX", "DEXA": "BMD", "DXA": "BMD", "MAM": "MG", "MAMMO": "MG", "IR": "XA", "ANGIO": "XA", "FL": "RF",
    "FLUORO": "RF", "RG": "DX", "UL": "US", "RX": "CR", "RTG": "CR", "PX": "DX", "IO": "DX", "CTA": "CT", "DT": "CT", "MRA": "MR", "CAT": "CT",
}  # fmt: skip
