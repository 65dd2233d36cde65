"""What was shown, what was signed, and what the one teaches about the other.

Gather, decide, apply: functions that take a session do the first and the last, `overtaken` and `prefer` decide and touch no
database. Every `record_…` is all or nothing with the caller's transaction and may be repeated: the second time changes nothing.
"""

from __future__ import annotations

import hashlib
import uuid
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import asdict, dataclass, field
from datetime import UTC, datetime
from typing import Any, TypeVar

from sqlalchemy import BindParameter, bindparam, func, select, text
from sqlmodel import Session, col

from engine.impression import Evidence, Flag, FlagClass, Impression, Kind, Sentence
from engine.prompts import Dictation
from feedback.database import connection_of, is_postgresql, is_reading, looking, note
from feedback.deidentify import fit_for_training
from feedback.edits import change_of, edit_distance, tokens_of
from feedback.outbox import Outgoing, send
from feedback.preference import Change, Preference
from feedback.prepared import Prepared, among, once, replacing
from feedback.tables import Draft, PreferenceRow, ReportAccession, ReportVersion, Row, Signature
from ingest.report import RANK_BY_STATUS, REPORT_NAMESPACE, Report, Status

TABLES = Row.metadata.tables
VERSION = TABLES[ReportVersion.__tablename__].c
DRAFTED = TABLES[Draft.__tablename__].c
SIGNED = TABLES[Signature.__tablename__].c
TAUGHT = TABLES[PreferenceRow.__tablename__].c
R = TypeVar("R", bound=Row)
THIS_REPORT: BindParameter[str] = bindparam("report_id")
VERSIONS_OF = Prepared(
    lambda database: select(
        VERSION.report_id, VERSION.id, VERSION.content_hash, VERSION.rank, VERSION.is_addendum_only, VERSION.issued
    ).where(among(VERSION.report_id, "report_ids", database))
)
DRAFTS_OF = Prepared(
    lambda database: select(DRAFTED.report_id, DRAFTED.version).where(among(DRAFTED.report_id, "report_ids", database))
)
NEW_VERSION = once(TABLES[ReportVersion.__tablename__], "report_id", "content_hash")
NEW_ACCESSION = once(TABLES[ReportAccession.__tablename__], "accession", "report_id")
NEW_DRAFT = once(TABLES[Draft.__tablename__], "report_id", "version")
DRAFT_OF = Prepared(lambda _: select(*DRAFTED).where(DRAFTED.report_id == THIS_REPORT, DRAFTED.version == bindparam("version")))
DRAFTS_OF_ONE = Prepared(lambda _: select(*DRAFTED).where(DRAFTED.report_id == THIS_REPORT).order_by(DRAFTED.number.desc()))
SIGNATURE = Prepared(lambda _: select(*SIGNED).where(SIGNED.id == bindparam("id")))
NEW_SIGNATURE = once(TABLES[Signature.__tablename__], "id")
LOCKING = text("SELECT pg_advisory_xact_lock(one) FROM unnest(CAST(:locks AS bigint[])) AS one")
TEACHING = replacing(TABLES[PreferenceRow.__tablename__], "id")
TAUGHT_BY = Prepared(lambda _: select(*TAUGHT).where(TAUGHT.report_id == THIS_REPORT))

WITHDRAWN_RANK = RANK_BY_STATUS[Status.CANCELLED]


@dataclass(frozen=True, slots=True)
class Version:
    """As much of a recorded version as the order of versions needs; `number` counts arrivals."""

    number: int
    content_hash: str
    rank: int
    is_addendum_only: bool
    issued: datetime | None


@dataclass(slots=True)
class Standing:
    """What is recorded of one report: its versions, and which dictations were drafted."""

    versions: list[Version] = field(default_factory=list)
    drafted: set[str] = field(default_factory=set)


# ── versions ────────────────────────────────────────────────────────────────────────────────────────────────────────────────────


def hold(session: Session, report_ids: Iterable[str]) -> None:
    """Keeps others from these reports until the transaction ends, and looks up what stands of them, all in one go."""
    held: dict[str, Standing] = session.info.setdefault("reports held", {})
    wanted = sorted(set(report_ids) - held.keys())
    if not wanted:
        return
    _lock(session, wanted)
    held |= {report_id: Standing() for report_id in wanted}
    for report_id, *version in VERSIONS_OF.rows(looking(session), {"report_ids": wanted}):
        held[report_id].versions.append(Version(*version))
    for report_id, dictation in DRAFTS_OF.rows(connection_of(session), {"report_ids": wanted}):
        held[report_id].drafted.add(dictation)


def moves_forward(session: Session, report: Report) -> bool:
    """Whether `report` is news: not recorded before, and not older than what is. Holds the report."""
    recorded = _standing(session, report.id).versions
    return all(version.content_hash != report.content_hash for version in recorded) and not overtaken(report, recorded)


def record_version(session: Session, report: Report, *, arrival_id: int | None, at: datetime) -> bool:
    """Records `report` as a version if it moves its report forward, and its accessions; the answer says whether it did."""
    if not moves_forward(session, report):
        return False
    row: dict[str, Any] = {
        "report_id": report.id,
        "content_hash": report.content_hash,
        "status": report.status.value,
        "rank": report.rank,
        "is_addendum_only": is_addendum_only(report),
        "issued": _aware(report.issued),
        "impression": report.impression,
        "findings": report.findings,
        "inbox_id": arrival_id,
        "received_at": at,
    }
    note(session, NEW_VERSION, [row])
    recorded = _standing(session, report.id).versions
    number = max((version.number for version in recorded), default=0) + 1
    recorded.append(Version(number, report.content_hash, report.rank, row["is_addendum_only"], row["issued"]))
    group = _hashed(report.report_group) if report.report_group else None
    names = sorted({_hashed(accession) for accession in report.accessions})
    accessions = [{"accession": name, "report_id": report.id, "report_group": group} for name in names]
    note(session, NEW_ACCESSION, accessions)
    return True


def overtaken(report: Report, recorded: Iterable[Version]) -> bool:
    """Whether another version already stands above this one: of a higher rank, or of the same rank and issued later.

    Without times the later arrival wins. An addendum sent alone neither overtakes the body of its report nor is overtaken by it;
    a withdrawal overtakes everything.
    """
    others = [version for version in recorded if version.content_hash != report.content_hash]
    if is_addendum_only(report):
        return any(version.rank >= WITHDRAWN_RANK for version in others)
    mine = next((version.number for version in recorded if version.content_hash == report.content_hash), None)
    return any(
        version.rank > report.rank or (version.rank == report.rank and _is_later(version, report, mine))
        for version in others
        if not version.is_addendum_only or version.rank >= WITHDRAWN_RANK
    )


def is_addendum_only(report: Report) -> bool:
    """An addendum sent without the report it adds to."""
    return report.is_addendum and not report.findings.strip() and not report.impression.strip()


# ── drafts ──────────────────────────────────────────────────────────────────────────────────────────────────────────────────────


def record_draft(
    session: Session, report: Report, impression: Impression, outgoing: Sequence[Outgoing], at: datetime
) -> Impression | None:
    """Stores what will be shown, with the messages that show it, and hands back what is to be shown.

    That is the stored draft when this dictation has one already (another agent or an earlier try wrote it; `outgoing` is
    dropped), and None when the report was signed, cancelled or dictated anew while this was being written: then nothing is shown.
    """
    standing, dictation = _standing(session, report.id), Dictation.of(report)
    if dictation.version in standing.drafted:
        return draft_of(session, report)
    if overtaken(report, standing.versions):
        return None
    standing.drafted.add(dictation.version)
    row = {
        "id": impression.draft_id,
        "report_id": report.id,
        "version": dictation.version,
        "number": len(standing.drafted),
        "radiologist": report.radiologist.id if report.radiologist else None,
        "exam": dictation.exam,
        "findings": dictation.findings,
        "indication": dictation.indication,
        "comparison": dictation.comparison,
        "kind": impression.kind.value,
        "text": impression.text,
        "coarse": impression.coarse,
        "sentences": [asdict(sentence) for sentence in impression.sentences],
        "flags": [asdict(flag) for flag in impression.flags],
        "adapter": impression.adapter,
        "base_model": impression.base_model,
        "prompt_version": impression.prompt_version,
        "fell_back": impression.fell_back,
        "seconds": impression.seconds,
        "created_at": at,
    }
    note(session, NEW_DRAFT, [row])
    send(session, outgoing, at)
    return impression


def draft_of(session: Session, report: Report) -> Impression | None:
    """What was shown for exactly this dictation of this report."""
    version = Dictation.of(report).version
    if version not in _standing(session, report.id).drafted:
        return None
    return next(map(_as_impression, _found(session, Draft, DRAFT_OF, report_id=report.id, version=version)), None)


def drafts_of(session: Session, report: Report) -> list[Draft]:
    """All that was shown for this report, the newest first."""
    return list(_found(session, Draft, DRAFTS_OF_ONE, report_id=report.id))


# ── signatures ──────────────────────────────────────────────────────────────────────────────────────────────────────────────────


def record_signature(session: Session, report: Report, at: datetime) -> Preference | None:
    """Stores a signed version and what it teaches; None when it teaches nothing new.

    It teaches against the newest draft of the report, found by its id or by any accession. A later signature (a correction) takes
    the place of an earlier one, never the other way round. Kept without teaching: an addendum alone, a report nobody was shown a
    draft of, a final without text whose text never came.
    """
    hold(session, [report.id])
    signature = _stored_signature(session, report, at)
    if is_addendum_only(report) or not signature.impression.strip():
        return None
    shown = _newest_draft(session, report)
    if shown is None or not (signature.radiologist or shown.radiologist):
        return None
    taught = next(_found(session, PreferenceRow, TAUGHT_BY, report_id=shown.report_id), None)
    if taught is not None:
        earlier = session.get_one(Signature, taught.signature_id)
        if earlier.id == signature.id:
            return _kept(taught, session.get_one(Draft, taught.draft_id), earlier)
        if (earlier.rank, earlier.signed_at) > (signature.rank, signature.signed_at):
            return None
    preference = prefer(shown, signature)
    _record_preference(session, preference, shown, signature, at)
    return preference


def prefer(draft: Draft, signature: Signature) -> Preference:
    """What one signature says about one draft, in the words as they stand; both sides rest on the findings that were signed."""
    dictation = _dictation(draft, signature)
    return _lesson(
        draft,
        signature,
        radiologist=signature.radiologist or draft.radiologist or "",
        change=change_of(dictation, draft.text, signature.impression),
        distance=edit_distance(draft.text, signature.impression),
    )


def preference_id(report_id: str) -> str:
    """One report teaches one preference, however often it is signed."""
    return str(uuid.uuid5(REPORT_NAMESPACE, f"preference\x1f{report_id}"))


# ── preferences ─────────────────────────────────────────────────────────────────────────────────────────────────────────────────


def preferences_of(session: Session, radiologist: str | None, limit: int, *, before: datetime | None = None) -> list[Preference]:
    """The most recent `limit` preferences of a radiologist (None: of all), oldest first, in text fit for training."""
    wanted = (
        select(PreferenceRow, Draft, Signature)
        .join(Draft, col(Draft.id) == PreferenceRow.draft_id)
        .join(Signature, col(Signature.id) == PreferenceRow.signature_id)
        .order_by(col(PreferenceRow.signed_at).desc(), col(PreferenceRow.id).desc())
        .limit(limit)
    )
    if radiologist is not None:
        wanted = wanted.where(col(PreferenceRow.radiologist) == radiologist)
    if before is not None:
        wanted = wanted.where(col(PreferenceRow.signed_at) < before)
    found = session.execute(wanted).all()
    return [fit_for_training(_kept(row, draft, signature)) for row, draft, signature in reversed(found)]


def radiologists_with_enough(session: Session, minimum: int, *, before: datetime | None = None) -> list[str]:
    """Who has signed at least `minimum` drafted reports, in the order of their ids."""
    who = col(PreferenceRow.radiologist)
    enough = select(who).group_by(who).having(func.count() >= minimum).order_by(who)
    if before is not None:
        enough = enough.where(col(PreferenceRow.signed_at) < before)
    return list(session.scalars(enough))


# ── helpers, in the order of their first use ────────────────────────────────────────────────────────────────────────────────────


def _standing(session: Session, report_id: str) -> Standing:
    hold(session, [report_id])
    standing: Standing = session.info["reports held"][report_id]
    return standing


def _lock(session: Session, report_ids: Sequence[str]) -> None:
    """In the order given. SQLite has one writer anyway, and who only looks keeps nobody waiting."""
    if not is_postgresql(session) or is_reading(session):
        return
    locks = [int.from_bytes(hashlib.sha256(name.encode()).digest()[:8], "big", signed=True) for name in report_ids]
    connection_of(session).execute(LOCKING, {"locks": sorted(locks)})


def _is_later(version: Version, report: Report, mine: int | None) -> bool:
    issued = _aware(report.issued)
    if version.issued is not None and issued is not None and version.issued != issued:
        return version.issued > issued
    return mine is not None and version.number > mine


def _aware(moment: datetime | None) -> datetime | None:
    """A time without an offset is taken as UTC: only its order counts."""
    return moment.replace(tzinfo=UTC) if moment is not None and moment.utcoffset() is None else moment


def _hashed(name: str) -> str:
    return hashlib.sha256(name.encode()).hexdigest()


def _found(session: Session, kind: type[R], statement: Prepared, **values: Any) -> Iterator[R]:
    """Rows to look at, not to change."""
    columns = TABLES[str(kind.__tablename__)].c.keys()
    for row in statement.rows(looking(session), values):
        yield kind(**dict(zip(columns, row, strict=True)))


def _as_impression(row: Draft) -> Impression:
    return Impression(
        report_id=row.report_id,
        draft_id=row.id,
        kind=Kind(row.kind),
        text=row.text,
        coarse=row.coarse,
        sentences=tuple(
            Sentence(kept["text"], kept["status"], tuple(Evidence(**place) for place in kept["evidence"]), kept["rule"])
            for kept in row.sentences
        ),
        flags=tuple(
            Flag(
                FlagClass(kept["flag_class"]),
                kept["severity"],
                kept["message"],
                _span(kept["impression_span"]),
                _span(kept["findings_span"]),
            )
            for kept in row.flags
        ),
        adapter=row.adapter,
        base_model=row.base_model,
        prompt_version=row.prompt_version,
        seconds=row.seconds,
        fell_back=row.fell_back,
    )


def _span(kept: list[int] | None) -> tuple[int, int] | None:
    return None if kept is None else (kept[0], kept[1])


def _stored_signature(session: Session, report: Report, at: datetime) -> Signature:
    """The row as it was stored the first time."""
    signature_id = str(uuid.uuid5(REPORT_NAMESPACE, f"signature\x1f{report.id}\x1f{report.content_hash}"))
    stored = next(_found(session, Signature, SIGNATURE, id=signature_id), None)
    if stored is None:
        stored = _signature(session, signature_id, report, at)
        note(session, NEW_SIGNATURE, [stored.model_dump()])
    return stored


def _signature(session: Session, signature_id: str, report: Report, at: datetime) -> Signature:
    """A new row; a version sent without its text signs the text that came before it."""
    findings, impression = report.findings, report.impression
    if not report.text.strip() and not report.sections:
        before = (
            select(ReportVersion)
            .where(col(ReportVersion.report_id) == report.id, col(ReportVersion.impression) != "")
            .order_by(col(ReportVersion.rank).desc(), col(ReportVersion.id).desc())
        )
        last = session.scalars(before).first()
        findings, impression = (last.findings, last.impression) if last else ("", "")
    return Signature(
        id=signature_id,
        report_id=report.id,
        content_hash=report.content_hash,
        radiologist=report.radiologist.id if report.radiologist else None,
        impression=impression,
        findings=findings,
        status=report.status.value,
        rank=report.rank,
        signed_at=min(_aware(report.issued) or at, at),  # a sender's clock may be ahead; nobody signs tomorrow
        received_at=at,
    )


def _newest_draft(session: Session, report: Report) -> Draft | None:
    """By the report's id, else by an accession that leads to exactly one other report (and not to another group's)."""
    shown = drafts_of(session, report)
    if shown or not report.accessions:
        return shown[0] if shown else None
    kin = select(ReportAccession).where(col(ReportAccession.accession).in_([_hashed(name) for name in report.accessions]))
    group = _hashed(report.report_group) if report.report_group else None
    ids = {row.report_id for row in session.scalars(kin) if row.report_id != report.id and None in (row.report_group, group)}
    drafted = session.scalars(select(Draft).where(col(Draft.report_id).in_(ids)).order_by(col(Draft.number).desc())).all()
    return drafted[0] if len({draft.report_id for draft in drafted}) == 1 else None


def _record_preference(session: Session, preference: Preference, draft: Draft, signature: Signature, at: datetime) -> None:
    row = PreferenceRow(
        id=preference.id,
        report_id=preference.report_id,
        draft_id=draft.id,
        signature_id=signature.id,
        radiologist=preference.radiologist,
        change=preference.change,
        edit_distance=preference.edit_distance,
        signed_at=preference.signed_at,
        updated_at=at,
    )
    note(session, TEACHING, [row.model_dump()])


def _lesson(draft: Draft, signature: Signature, *, radiologist: str, change: Change, distance: float) -> Preference:
    return Preference(
        id=preference_id(draft.report_id),
        report_id=draft.report_id,
        radiologist=radiologist,
        dictation=_dictation(draft, signature),
        coarse=draft.coarse,
        rejected=draft.text,
        chosen=signature.impression,
        kind=Kind(draft.kind),
        adapter=draft.adapter,
        change=change,
        edit_distance=distance,
        signed_at=signature.signed_at,
    )


def _dictation(draft: Draft, signature: Signature) -> Dictation:
    """What the signed text rests on: the findings may have been mended when signing."""
    same = not signature.findings.strip() or tokens_of(signature.findings) == tokens_of(draft.findings)
    return Dictation(draft.exam, draft.findings if same else signature.findings, draft.indication, draft.comparison)


def _kept(row: PreferenceRow, draft: Draft, signature: Signature) -> Preference:
    """A stored preference as a value."""
    change: Change = row.change  # type: ignore[assignment]  # only prefer() names it
    return _lesson(draft, signature, radiologist=row.radiologist, change=change, distance=row.edit_distance)
