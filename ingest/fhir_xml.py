"""FHIR as XML -> the same shape its JSON has, as far as reading needs it (http://hl7.org/fhir/xml.html).

What may repeat is a list even when it stands once; numbers and booleans stay text. Nothing outside the document is fetched, no entity
is expanded. A CDA document or any other XML is none of ours.
"""

from __future__ import annotations

from typing import Any

from lxml import etree

from ingest.report import Unreadable

_FHIR, _XHTML = "{http://hl7.org/fhir}", "{http://www.w3.org/1999/xhtml}"
#: Elements that repeat in every resource we look into. `category` and `performer` repeat or not by version: either way is understood.
_REPEATING = frozenset(
    "basedOn coding component conclusionCode contained content entry extension hasMember identifier imagingStudy link media modifierExtension "
    "note parameter presentedForm reason reasonCode related request result resultsInterpreter section series study".split()
)


class Unchecked(dict[str, Any]):
    """A resource whose types were lost on the way: its shape cannot be judged."""


def document(raw: bytes) -> Unchecked:
    """The resource in an XML document. Raises `Unreadable` for XML that is cut off, broken or not FHIR."""
    if b"<!DOCTYPE" in raw:
        raise Unreadable("bad-xml", "XML with a DOCTYPE, which FHIR does not allow: send it without.")
    raw = raw.removeprefix(b"\xef\xbb\xbf")
    parser = etree.XMLParser(
        resolve_entities=False, no_network=True, huge_tree=False, load_dtd=False, remove_comments=True, remove_pis=True
    )
    try:
        root = etree.fromstring(raw, parser=parser)
    except (etree.XMLSyntaxError, ValueError):
        raise Unreadable("bad-xml", "This is no well-formed XML, or it is cut off: send it again, whole.") from None
    if not root.tag.startswith(_FHIR):
        raise Unreadable(
            "xml", "Of XML only FHIR is read: send a CDA inside an MDM message or in a DiagnosticReport.presentedForm."
        )
    return _resource(root)


def _resource(node: Any) -> Unchecked:
    return Unchecked(resourceType=_name(node), **{key: value for key, value in _fields(node).items() if key != "resourceType"})


def _fields(node: Any) -> dict[str, Any]:
    fields: dict[str, Any] = dict(node.attrib)
    fields.pop("value", None)
    for child in node:
        name = _name(child)
        if not isinstance(child.tag, str):
            continue  # an entity that was not expanded
        if child.tag.startswith(_XHTML):
            _put(fields, name, etree.tostring(child, encoding="unicode", with_tail=False))
        elif len(child) == 1 and _name(child[0])[:1].isupper():
            _put(fields, name, _resource(child[0]))
        else:
            if "value" in child.attrib:
                _put(fields, name, child.attrib["value"])
            if len(child) or "value" not in child.attrib:
                _put(fields, f"_{name}" if "value" in child.attrib else name, _fields(child))
    return fields


def _put(fields: dict[str, Any], name: str, value: Any) -> None:
    """A first value stands alone unless its element repeats; a second makes a list."""
    before = fields.get(name)
    if before is None:
        fields[name] = [value] if name in _REPEATING and isinstance(value, dict) else value
    elif isinstance(before, list):
        before.append(value)
    else:
        fields[name] = [before, value]


def _name(node: Any) -> str:
    return str(etree.QName(node).localname) if isinstance(node.tag, str) else ""
