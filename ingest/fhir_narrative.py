"""The narrative of a DiagnosticReport: which of the many places FHIR offers holds the text, best first.

Result Observations and Composition sections, then presentedForm (plain, RTF, HTML, CDA), then text.div, then conclusion, then PDF.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from typing import TYPE_CHECKING, Any

from ingest.documents import SECTION_BY_LOINC, Pieces, from_base64, html_text, read_document, sniffed, text_of
from ingest.exam import modality_of
from ingest.report import SECTIONS, Attachment, Section
from ingest.sections import section_named, sections_of

if TYPE_CHECKING:
    from ingest.fhir_fields import Resource, Shelf

MOST_RESULTS = 2000
_COMPOSED = ("composition", "extension", "contained")
#: Character sets of text other than UTF-8 that a contentType may name.
_CHARSET = re.compile(
    r"\s*text/[^;]*;.{0,80}?\bcharset\s?=\s?\"?((?:utf-?16|utf-?32|iso-8859-|windows-|cp|gb|big5|shift_jis|euc-|koi8-)[\w\-]{0,10})",
    re.IGNORECASE,
)
#: LOINC codes of a document that is a report of imaging, and of its category.
_OF_IMAGING = frozenset({"18748-4", "68604-8", "11528-7", "LP29684-5", "RAD"})
#: ... of documents of other kinds that may have headings of ours: discharge, episode, consultation, history, progress, operation, referral, ward, emergency,
#: patient summary, laboratory, pathology, procedure.
_OF_OTHERS = frozenset(
    "18842-5 34133-9 11488-4 34117-2 11506-3 11504-8 57133-1 34112-3 34111-5 60591-5 11502-2 11526-1 28570-0 34109-9 34746-8 51855-5".split()
)
_SAID_OF_IMAGING = re.compile(
    r"radiolog|imaging|r[oö]ntgen|bildgebung|imagerie|diagn[oó]stico por im|beeldvorming|immagini", re.IGNORECASE
)
_THREE_WORDS = re.compile(r"\s*\S+\s+\S+\s+\S")


class Told:
    """The narrative and what came beside it."""

    __slots__ = ("attachments", "author", "conclusion", "sections", "text")

    def __init__(self, conclusion: str | None) -> None:
        self.text = ""
        self.sections: dict[Section, str] = {}
        self.conclusion = conclusion
        self.attachments: list[Attachment] = []
        self.author: str | None = None


def narrative_of(resource: Resource, shelf: Shelf, notes: list[str]) -> Told:
    """The text of a report, each piece with the section its code or title names."""
    told = Told(_conclusion(resource))
    structured = _observations(resource, shelf) + _composition(resource, shelf)
    forms, papers = _presented(resource, shelf, told, notes)
    best: Pieces = []
    for pieces in _best_first(resource, shelf, structured, forms, papers, notes):
        if pieces and _is_narrative(pieces):
            best = pieces
            break
        best = best or pieces
    if best:
        told.sections = sections_of(best)
    if told.conclusion and Section.IMPRESSION not in told.sections:
        whole = not best and (":" in told.conclusion or "\n" in told.conclusion)  # it may hold the whole report under headings
        own = sections_of([("", told.conclusion)]) if whole else {}
        if len(own) < 2:
            best = [*best, ("impression", told.conclusion)]
            told.sections = _with(told.sections, sections_of(best[-1:]))
        else:
            best, told.sections = [("", told.conclusion)], own
    told.text = "\n".join([text for _, text in best]).strip()
    return told


def _best_first(
    resource: Resource, shelf: Shelf, structured: Pieces, forms: Pieces, papers: list[bytes], notes: list[str]
) -> Iterator[Pieces]:
    """One place after the other: HTML and PDF take long to read and are seldom needed."""
    named = any(name for name, _ in structured)
    if named:
        yield structured
    yield forms
    yield _div(resource)
    yield _printed(papers, notes)
    if shelf.compositions:
        yield _documented(resource, shelf)
    if not named:  # measurements in words: only where nothing else is told
        yield structured


def _with(sections: dict[Section, str], more: dict[Section, str]) -> dict[Section, str]:
    both = {**more, **sections}
    return {section: both[section] for section in SECTIONS if section in both}


def _is_narrative(pieces: Pieces) -> bool:
    return any(_THREE_WORDS.match(text) or (name not in ("", "body") and text.strip()) for name, text in pieces)


def _conclusion(resource: Resource) -> str | None:
    """`conclusion`; where it is empty, what an extension on `_conclusion` carries."""
    said = resource.get("conclusion")
    if isinstance(said, str) and said.strip():
        return _plain(said)
    shadow = resource.get("_conclusion")
    for extension in _list(shadow.get("extension")) if isinstance(shadow, dict) else ():
        if isinstance(extension, dict):
            for key in ("valueString", "valueMarkdown"):
                if isinstance(extension.get(key), str) and extension[key].strip():
                    return _plain(extension[key])
    return None


def _plain(text: str) -> str:
    if "\r" in text:
        text = text.replace("\r\n", "\n").replace("\r", "\n")
    return html_text(text) if "</" in text or "<br" in text else text.strip()


def _observations(resource: Resource, shelf: Shelf) -> Pieces:
    """Observations with words: by their code, in the order of `result`; members and components below them."""
    if "result" not in resource:
        return []
    pieces: Pieces = []
    seen: set[int] = set()
    queue = [reference for reference in _list(resource.get("result")) if isinstance(reference, dict)]
    while queue and len(seen) < MOST_RESULTS:
        observation = shelf.find(queue.pop(0), resource)
        if observation is None or id(observation) in seen or observation.get("resourceType") != "Observation":
            continue
        seen.add(id(observation))
        for holder in (observation, *(c for c in _list(observation.get("component")) if isinstance(c, dict))):
            text = _words(holder)
            if text:
                pieces.append((_section_of(holder.get("code")), text))
        members = _list(observation.get("hasMember")) + [
            r.get("target") for r in _list(observation.get("related")) if isinstance(r, dict)
        ]
        queue[:0] = [member for member in members if isinstance(member, dict)]
    named = [piece for piece in pieces if piece[0]]
    return named if named else [(name, text) for name, text in pieces if len(text.split()) >= 4]


def _words(holder: Mapping[str, Any]) -> str:
    """What an Observation says in words: valueString, else a note, else the text of a coded value under a section's code."""
    for key in ("valueString", "valueMarkdown"):
        if isinstance(holder.get(key), str) and holder[key].strip():
            return _plain(holder[key])
    notes = [n.get("text") for n in _list(holder.get("note")) if isinstance(n, dict)] + [
        holder.get("comments"),
        holder.get("comment"),
    ]
    said = "\n".join(note for note in notes if isinstance(note, str) and note.strip())
    if said:
        return _plain(said)
    concept = holder.get("valueCodeableConcept")
    if isinstance(concept, dict) and _section_of(holder.get("code")):
        text = concept.get("text") or next((c.get("display") for c in _list(concept.get("coding")) if isinstance(c, dict)), None)
        return text if isinstance(text, str) else ""
    attached = holder.get("valueAttachment")
    if isinstance(attached, dict) and isinstance(attached.get("data"), str):
        content = from_base64(attached["data"])
        if content:
            return "\n".join(text for _, text in read_document(content, str(attached.get("contentType", ""))).pieces)
    return ""


def _section_of(concept: object) -> str:
    """The section a code, its display or a title stands for; "" when for none."""
    if not isinstance(concept, dict):
        return ""
    codings = [c for c in _list(concept.get("coding")) if isinstance(c, dict)]
    for coding in codings:
        code = coding.get("code")
        if isinstance(code, str) and code in SECTION_BY_LOINC:
            return SECTION_BY_LOINC[code]
    for name in [concept.get("text"), *(c.get("display") for c in codings), *(c.get("code") for c in codings)]:
        if isinstance(name, str) and name.strip():
            named = section_named(name)
            if named and named not in ("other", "trailer"):
                return "impression" if named == "weak impression" else named
    return ""


def _composition(resource: Resource, shelf: Shelf) -> Pieces:
    """Sections of a Composition: the resource itself, R5 `composition`, an extension that points to one, or a contained one."""
    if resource.get("resourceType") != "Composition" and not any(key in resource for key in _COMPOSED):
        return []
    composition: Resource | None = resource if resource.get("resourceType") == "Composition" else None
    if composition is None:
        composition = shelf.find(resource.get("composition"), resource)
    for extension in _list(resource.get("extension")):
        if composition is None and isinstance(extension, dict) and isinstance(extension.get("valueReference"), dict):
            composition = shelf.find(extension["valueReference"], resource)
    if composition is None:
        composition = next(
            (r for r in _list(resource.get("contained")) if isinstance(r, dict) and r.get("resourceType") == "Composition"), None
        )
    if composition is None or composition.get("resourceType") != "Composition":
        return []
    return _sections(composition, shelf)


def is_imaging_document(document: Resource) -> bool:
    """Whether a Composition or DocumentReference is a report of imaging: by its type or category, else by headings only a dictation has."""
    said = [
        str(word)
        for concept in (*_list(document.get("type")), *_list(document.get("category")))
        if isinstance(concept, dict)
        for holder in (concept, *_list(concept.get("coding")))
        if isinstance(holder, dict)
        for word in (holder.get("code"), holder.get("display"), holder.get("text"))
        if word
    ]
    if not _OF_IMAGING.isdisjoint(said):
        return True
    if not _OF_OTHERS.isdisjoint(said):
        return False
    names = " ".join([*said, str(document.get("title") or document.get("description") or "")])
    if _SAID_OF_IMAGING.search(names) or modality_of("", names):
        return True
    headed = {_heading(section) for section in _list(document.get("section")) if isinstance(section, dict)}
    return {"findings", "impression"} <= headed


def _documented(resource: Resource, shelf: Shelf) -> Pieces:
    """The sections of a document's Composition: one of imaging that is this report's and no other's."""
    if shelf.documented is None:
        shelf.documented = dict(_reports_documented(shelf))
    composition = shelf.document_of(resource)
    return _sections(composition, shelf) if composition is not None else []


def _reports_documented(shelf: Shelf) -> Iterator[tuple[int, Resource]]:
    """Which report (by its `id()`) each Composition of imaging is the document of: the one its entries name, else the only one there is."""
    compositions = [composition for composition in shelf.compositions if is_imaging_document(composition)]
    for composition in compositions:
        named = [shelf.find(entry, composition) for entry in _entries(composition, 0)]
        reports = {id(one) for one in named if one is not None and one.get("resourceType") == "DiagnosticReport"}
        if not reports and len(compositions) == len(shelf.reports) == 1:
            reports = {id(shelf.reports[0])}
        if len(reports) == 1:
            yield reports.pop(), composition


def _entries(holder: Mapping[str, Any], depth: int) -> list[Any]:
    """What the sections of a Composition name, and theirs."""
    sections = [section for section in _list(holder.get("section")) if isinstance(section, dict)] if depth <= 8 else []
    return [entry for section in sections for entry in (*_list(section.get("entry")), *_entries(section, depth + 1))]


def _sections(composition: Resource, shelf: Shelf) -> Pieces:
    pieces: Pieces = []
    _add_sections(composition, composition, shelf, pieces, 0)
    return pieces


def _add_sections(holder: Mapping[str, Any], composition: Resource, shelf: Shelf, pieces: Pieces, depth: int) -> None:
    """The text of each section; where it has none, what the Observations among its entries say."""
    for section in _list(holder.get("section")):
        if not isinstance(section, dict) or depth > 8:
            continue
        text = section.get("text")
        spoken = html_text(text["div"]).strip() if isinstance(text, dict) and isinstance(text.get("div"), str) else ""
        title = section.get("title") if isinstance(section.get("title"), str) else ""
        means = _heading(section)
        if spoken:
            pieces.append((means, spoken if means or not title else f"{title}:\n{spoken}"))
        else:
            entries = [shelf.find(entry, composition) or {} for entry in _list(section.get("entry"))]
            observed = [one for one in entries if one.get("resourceType") == "Observation"]
            pieces.extend((means or _section_of(one.get("code")), said) for one in observed if (said := _words(one)))
        _add_sections(section, composition, shelf, pieces, depth + 1)


def _heading(section: Mapping[str, Any]) -> str:
    """What a Composition's section is, by its code, else by its title."""
    return _section_of(section.get("code")) or _section_of({"text": section.get("title")})


def _presented(resource: Resource, shelf: Shelf, told: Told, notes: list[str]) -> tuple[Pieces, list[bytes]]:
    """presentedForm as (text of the best form, PDFs unread). Each form is an attachment too, except plain text."""
    texts: dict[int, Pieces] = {}
    papers: list[bytes] = []
    for form in _forms(resource, shelf):
        declared = str(form.get("contentType") or "application/octet-stream").split(";", 1)[0].strip().lower()
        content = _in_utf8(_content(form.get("data"), declared, notes), form)
        if not content:
            if content == b"" and isinstance(form.get("url"), str):
                told.attachments.append(Attachment(declared, form["size"] if isinstance(form.get("size"), int) else 0))
            continue
        media = sniffed(content, declared)
        if media == "text/plain":
            _add_form(texts.setdefault(0, []), form, [("", text_of(content))])
            continue
        told.attachments.append(Attachment(media, len(content)))
        if media == "application/pdf":
            papers.append(content)
            continue
        read = read_document(content, media)
        if read.note:
            notes.append(read.note)
        told.author = told.author or read.author
        _add_form(texts.setdefault(1 if "cda" in media else 2, []), form, read.pieces)
    return next((texts[rank] for rank in sorted(texts) if texts[rank]), []), papers


def _content(data: object, declared: str, notes: list[str]) -> bytes | None:
    """The bytes of a form: b"" when it has none, None when they are damaged. Validation may have decoded them on its way."""
    if isinstance(data, bytes):
        return data
    if not isinstance(data, str) or not data.strip():
        return b""
    content = from_base64(data)
    if content is None and declared.startswith("text/") and " " in data.strip():
        notes.append("presentedForm.data is not base64: read as the text it is")
        return data.encode("utf-8", "replace")
    if content is None:
        notes.append("presentedForm.data is not base64: kept out")
    return content


def _in_utf8(content: bytes | None, form: Resource) -> bytes | None:
    """A text in the character set its contentType names; what is none, or is not in it, stays as it came."""
    declared = form.get("contentType")
    if content and isinstance(declared, str) and ";" in declared and (named := _CHARSET.match(declared)) is not None:
        try:
            return content.decode(named[1]).encode()
        except (LookupError, ValueError):
            return content
    return content


def _add_form(told: Pieces, form: Resource, pieces: Pieces) -> None:
    """A server may send narrative and impression as a form each; one that says nothing new is another rendering."""
    if told and _squeezed(pieces) in _squeezed(told):
        return
    means = _section_of({"text": form["title"]}) if "title" in form else ""
    told.extend((means if means and not name else name, text) for name, text in pieces if text.strip())


def _squeezed(pieces: Pieces) -> str:
    return "".join("".join(text for _, text in pieces).split())


def _printed(papers: list[bytes], notes: list[str]) -> Pieces:
    """The text of the first PDF that has any."""
    for paper in papers:
        read = read_document(paper, "application/pdf")
        if read.note:
            notes.append(read.note)
        if any(text.strip() for _, text in read.pieces):
            return read.pieces
    return []


def _forms(resource: Resource, shelf: Shelf) -> list[Resource]:
    """presentedForm, and `content.attachment` as DocumentReference has it; a Binary that came along lends its data."""
    forms = _list(resource.get("presentedForm"))
    if "content" in resource:
        forms = forms + [content.get("attachment") for content in _list(resource["content"]) if isinstance(content, dict)]
    forms = [form for form in forms if isinstance(form, dict)]
    return [_lent(form, shelf, resource) if "url" in form and "data" not in form else form for form in forms]


def _lent(form: Resource, shelf: Shelf, resource: Resource) -> Resource:
    """The form with what the Binary at its url holds, if that came along."""
    binary = shelf.find({"reference": form["url"]}, resource) or {}
    content = binary.get("data") or binary.get("content")
    return {**form, "data": content, "contentType": form.get("contentType") or binary.get("contentType")} if content else form


def _div(resource: Resource) -> Pieces:
    """text.div, unless a server generated it from the fields: then it is a table of contents, no dictation."""
    text = resource.get("text")
    if not isinstance(text, dict) or not isinstance(text.get("div"), str):
        return []
    if "Generated Narrative" in text["div"]:
        return []
    try:
        spoken = html_text(text["div"]).strip()
    except Exception:  # noqa: BLE001  lxml raises several kinds on markup it cannot mend
        return []
    return [("", spoken)] if len(spoken.split(None, 3)) > 3 else []


def _list(value: object) -> list[Any]:
    return value if isinstance(value, list) else [value] if isinstance(value, dict) else []
