"""Drafts to a FHIR R4 server over its REST interface: one DiagnosticReport per report, whatever is repeated, lost or late.

Created with `If-None-Exist` on our own identifier, changed with `If-Match`: a request that a broken line delivers twice, or hours
late, finds the resource there or its version gone on, and changes nothing. A resource names the drafts it showed before, so that which
is newer is no matter of clocks. No answer is believed for its status alone, and nothing is changed that is not this report's. Bodies
of answers are not logged: they may quote us.
"""

from __future__ import annotations

import http.client
import json
import urllib.parse
from collections import OrderedDict
from typing import Any

from connectors import topics
from connectors.deliver import ACCEPTED, MOST_REMEMBERED, Absences, Answer, NotThere
from connectors.deliver.fhir import DRAFT_ID, REPORT_ID
from connectors.deliver.web import Heard, Web
from connectors.tls import why_refused
from feedback.outbox import Waiting

#: What these mean to whoever has to mend them.
WHY = {
    401: "401: it does not accept our token",
    403: "403: our token may not write DiagnosticReports",
    404: "404: no FHIR server at this address",
    405: "405: it does not let us create or change DiagnosticReports",
    409: "409: somebody changed the resource meanwhile",
    412: "412: somebody changed the resource meanwhile",
    429: "429: it wants us to slow down",
}
#: The content is what it will not have; sending it again unchanged is no use.
REFUSED = frozenset({400, 413, 415, 422})
#: Said of us or of the server, not of this message: the others would fare no better.
NOBODYS = frozenset({401, 403, 405, 429, 502, 503, 504})


#: A server that does not know our search, or passes over what it does not know, answers with whatever it has.
NOT_OURS = Answer("later", "its search by identifier finds resources of other reports: have it support that")
#: A search that is still not told to its end after so many pages is no answer.
MOST_PAGES = 20


class FhirServer:
    """A line to one server."""

    def __init__(self, web: Web, absences: Absences | None = None) -> None:
        self._web = web
        self._absences = absences or Absences()
        self._created: OrderedDict[str, str] = OrderedDict()  #: report -> the resource we made: a search may not find it yet

    def say(self, message: Waiting) -> Answer:
        draft = json.loads(message.value)
        try:
            if topics.value(message.headers, topics.CE_TYPE) == topics.DRAFTED:
                self._show(draft, message.id)
            else:
                self._withdraw(draft, message.id)
        except _Said as said:
            return said.answer
        except NotThere as reason:
            return Answer("away", str(reason))
        except (OSError, http.client.HTTPException) as fault:
            self._web.hang_up()
            return Answer("later", why_refused(fault))
        return ACCEPTED

    def hang_up(self) -> None:
        self._web.hang_up()

    def greet(self) -> str:
        try:
            missing = what_it_cannot(resource_in(self._ask("GET", "metadata"), "CapabilityStatement"))
        except _Said as reason:
            raise NotThere(str(reason)) from None
        except (OSError, http.client.HTTPException) as fault:
            raise NotThere(why_refused(fault)) from None
        if missing:
            raise NotThere(f"it does not offer {missing} of DiagnosticReport, which drafts need")
        return "answers, and takes DiagnosticReports"

    def _show(self, draft: dict[str, Any], message: str) -> None:
        """Done when the search finds it: only then do the next draft, the withdrawal and other agents find it, too."""
        report = identifier(draft, REPORT_ID)
        is_new = report not in self._created
        if is_new:
            only_if_new = {"If-None-Exist": urllib.parse.urlencode({"identifier": f"{REPORT_ID}|{report}"}, safe=":")}
            heard = self._ask("POST", "DiagnosticReport", draft, only_if_new, good=(200, 201, 412))
            if heard.status == 200 and (there := id_in(heard)):
                self._change_all(draft, {there})
                return
            if heard.status == 201 and (made := id_in(heard)):
                self._remember(report, made)
        found = self._found(report)
        made = self._created.get(report, "")
        if not (is_new and found == {made}):
            self._change_all(draft, found | {made} - {""})
        if made and made not in found and not self._absences.is_sure(message):
            raise _Said(Answer("not-yet", "its search does not find the draft yet"))

    def _change_all(self, draft: dict[str, Any], names: set[str]) -> None:
        """Let the first of these resources that is still there show the draft, and no other show anything."""
        shows = False
        for name in sorted(names):
            shows = self._change(name, silenced(draft) if shows else draft) or shows
        if not shows:
            self._created.pop(identifier(draft, REPORT_ID), None)
            raise _Said(Answer("later", "it has the report's resource, and does not find it"))

    def _withdraw(self, draft: dict[str, Any], message: str) -> None:
        report = identifier(draft, REPORT_ID)
        names = self._found(report) | {self._created.get(report, "")} - {""}
        for name in sorted(names):
            self._change(name, draft)
        if not names and not self._absences.is_sure(message):
            raise _Said(Answer("not-yet", "it does not find the draft"))

    def _change(self, name: str, draft: dict[str, Any]) -> bool:
        """Have this resource say what the draft says, and see that it does; False when there is none any more."""
        standing = self._ask("GET", f"DiagnosticReport/{name}", good=(200, 404, 410))
        if standing.status != 200:
            return False
        there = resource_in(standing, "DiagnosticReport")
        if identifier(there, REPORT_ID) != identifier(draft, REPORT_ID):
            raise _Said(NOT_OURS)
        if is_settled(there, draft):
            return True
        known = there.get("meta", {}).get("versionId")
        version = standing.etag or (f'W/"{known}"' if known else None)
        unchanged = {"If-Match": version} if version else {}
        self._ask("PUT", f"DiagnosticReport/{name}", following(there, draft) | {"id": name}, unchanged, good=(200, 201, 204))
        if not is_settled(resource_in(self._ask("GET", f"DiagnosticReport/{name}"), "DiagnosticReport"), draft):
            raise _Said(Answer("later", "it took the change and does not show it"))
        return True

    def _found(self, report: str) -> set[str]:
        """The ids of the resources that are this report's, as far as a search finds them."""
        query = urllib.parse.urlencode({"identifier": f"{REPORT_ID}|{report}", "_count": "50"})
        found, path = set[str](), f"DiagnosticReport?{query}"
        for _ in range(MOST_PAGES):
            page = resource_in(self._ask("GET", path, headers={"Cache-Control": "no-cache"}), "Bundle")
            resources = [entry.get("resource", {}) for entry in page.get("entry", ())]
            reports = [one for one in resources if one.get("resourceType") == "DiagnosticReport"]
            if any(identifier(one, REPORT_ID) != report for one in reports):
                raise _Said(NOT_OURS)
            found |= {str(one["id"]) for one in reports}
            further = next((str(link["url"]) for link in page.get("link", ()) if link.get("relation") == "next"), None)
            if further is None:
                return found
            path = self._web.path_of(further)
        raise _Said(Answer("later", "its search comes to no end"))

    def _remember(self, report: str, name: str) -> None:
        self._created[report] = name
        while len(self._created) > MOST_REMEMBERED:
            self._created.popitem(last=False)

    def _ask(
        self,
        method: str,
        path: str,
        resource: dict[str, Any] | None = None,
        headers: dict[str, str] | None = None,
        *,
        good: tuple[int, ...] = (200,),
    ) -> Heard:
        body = None if resource is None else json.dumps(resource, ensure_ascii=False).encode()
        content = {} if body is None else {"Content-Type": topics.FHIR}
        heard = self._web.ask(method, f"/{path}", body, {**content, **(headers or {})})
        if heard.status not in good:
            raise _Said(verdict(heard, holds_draft=resource is not None))
        return heard


class _Said(Exception):
    """The server answered, and not what we hoped for."""

    def __init__(self, answer: Answer) -> None:
        super().__init__(answer.why)
        self.answer = answer


def resource_in(heard: Heard, kind: str) -> dict[str, Any]:
    """The resource that was asked for. What a proxy or half a server says in its stead must not pass for "nothing is there"."""
    said = heard.json()
    if said.get("resourceType") != kind:
        raise _Said(Answer("later", f"it answered {heard.status} without a {kind}"))
    return said


def verdict(heard: Heard, *, holds_draft: bool) -> Answer:
    """What an answer that is no success means for the message. A question that was refused says nothing of the draft."""
    why = WHY.get(heard.status, f"it answered {heard.status}")
    if heard.status in REFUSED and holds_draft:
        return Answer("refused", why)
    return Answer("away" if heard.status in NOBODYS else "later", why, heard.after)


def identifier(resource: dict[str, Any], system: str) -> str:
    """The value of the identifier of that system that is in use; empty when there is none."""
    ours = (one.get("value") for one in resource.get("identifier", ()) if one.get("system") == system and one.get("use") != "old")
    return next((str(value) for value in ours if value), "")


def former(resource: dict[str, Any]) -> set[str]:
    """The drafts it showed before the one it shows."""
    return {str(one.get("value")) for one in resource.get("identifier", ()) if one.get("system") == DRAFT_ID} - {
        identifier(resource, DRAFT_ID)
    }


def following(there: dict[str, Any], draft: dict[str, Any]) -> dict[str, Any]:
    """The draft, naming what it takes the place of."""
    before = sorted({*former(there), identifier(there, DRAFT_ID)} - {identifier(draft, DRAFT_ID), ""})
    return {**draft, "identifier": draft["identifier"] + [{"use": "old", "system": DRAFT_ID, "value": one} for one in before]}


def is_settled(there: dict[str, Any], draft: dict[str, Any]) -> bool:
    """Whether nothing is left to do: an earlier try arrived, this draft was withdrawn, or a newer one took its place."""
    if identifier(there, DRAFT_ID) == identifier(draft, DRAFT_ID):
        return there.get("status") in (draft["status"], "entered-in-error")
    return identifier(draft, DRAFT_ID) in former(there)


def silenced(draft: dict[str, Any]) -> dict[str, Any]:
    """The same resource, withdrawn."""
    kept = {key: value for key, value in draft.items() if key not in ("conclusion", "_conclusion", "text")}
    return {**kept, "status": "entered-in-error"}


def id_in(heard: Heard) -> str:
    """The id of the resource an answer is about, from its body or its Location."""
    if heard.json().get("resourceType") == "DiagnosticReport":
        return str(heard.json().get("id", ""))
    parts = urllib.parse.urlsplit(heard.location or "").path.split("/")
    return parts[parts.index("DiagnosticReport") + 1] if "DiagnosticReport" in parts[:-1] else ""


def what_it_cannot(capabilities: dict[str, Any]) -> str:
    """What a CapabilityStatement does not promise of what drafts need; empty when it promises all, or says nothing of it."""
    resources = [one for rest in capabilities.get("rest", ()) for one in rest.get("resource", ())]
    ours = next((one for one in resources if one.get("type") == "DiagnosticReport"), None)
    if ours is None:
        return "any interaction" if resources else ""
    offered = {one.get("code") for one in ours.get("interaction", ())}
    missing = [one for one in ("create", "read", "update", "search-type") if one not in offered]
    if ours.get("conditionalCreate") is False:
        missing.append("conditional create")
    return ", ".join(missing)
