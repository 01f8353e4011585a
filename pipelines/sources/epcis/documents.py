"""Documents: the bytes of an EPCIS file, JSON or XML, become its events as plain objects, each with its line.

What a document must have around its events, and where its events lie, belong here; XML's own ways are in xml_events.py,
what an event must have is in rules.py. Nothing that a document names is ever fetched.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from pipelines.sources.epcis.context import BUILT_IN, declared_prefixes
from pipelines.sources.epcis.plain import Delivered, Document, DocumentFault, MasterData, Number
from pipelines.sources.epcis.values import moment
from pipelines.sources.texts import NotUtf8, decoded

__all__ = ["read_json"]

DEEPEST = 60
"""Levels of lists and objects in one document; the standard's own examples have 12."""
_DOCUMENT_KEYS = {
    "EPCISDocument": frozenset(
        ["@context", "id", "type", "schemaVersion", "creationDate", "instanceIdentifier", "sender", "receiver", "epcisHeader", "epcisBody"]
    ),
    "EPCISQueryDocument": frozenset(["@context", "id", "type", "schemaVersion", "creationDate", "epcisBody"]),
}
_EVENT_LIST = re.compile(r'"eventList"\s*:\s*\[')
_BETWEEN = re.compile(r"[\s,]*")
_VERSION = re.compile(r"^\d+(\.\d+)*$")


def _no_constant(name: str) -> None:
    raise ValueError(f"{name} is no JSON value")


def read_json(path: Path) -> Document:
    """The events of a JSON document: an EPCISDocument, an EPCISQueryDocument, one event, or a list of events.

    Raises DocumentFault with the reason code, the sentence and the line for what is none of them.
    """
    try:
        text = decoded(path.read_bytes())
    except NotUtf8 as error:
        raise DocumentFault("wrong_encoding", str(error), line=error.line) from error
    try:
        # Numbers stay as they were written, so that no decimal is lost.
        found = json.loads(text, parse_float=Number, parse_int=Number, parse_constant=_no_constant)
    except RecursionError as error:
        raise _too_deep() from error
    except json.JSONDecodeError as error:
        raise DocumentFault("malformed_json", f"The file is no JSON: {error.msg}", line=error.lineno) from error
    except ValueError as error:
        raise DocumentFault("malformed_json", f"The file is no JSON: {error}") from error
    _check_depth(found)
    return _document(found, text)


def _check_depth(found: Any) -> None:
    level, depth = [found], 0
    while level:
        depth += 1
        if depth > DEEPEST:
            raise _too_deep()
        level = [
            inner for outer in level if isinstance(outer, dict | list) for inner in (outer.values() if isinstance(outer, dict) else outer)
        ]
        level = [inner for inner in level if isinstance(inner, dict | list)]


def _too_deep() -> DocumentFault:
    return DocumentFault("malformed_json", f"The file is nested deeper than {DEEPEST} levels")


def _document(found: Any, text: str) -> Document:
    if isinstance(found, list):
        return Document(tuple(Delivered(event, None, _own_prefixes(event)) for event in found))
    if not isinstance(found, dict):
        raise DocumentFault("no_epcis", "The file is JSON, but neither an EPCIS document nor an event")
    kind = found.get("type")
    if kind in _DOCUMENT_KEYS:
        return _of_document(found, str(kind), text)
    if kind is None and "eventType" in found:
        # A query asks for events and brings none.
        return Document()
    if kind is None:
        raise DocumentFault("no_epcis", "The file has no type, so it is neither an EPCIS document nor an event", field="type")
    if "@context" not in found:
        raise DocumentFault("epcis_context", "The event stands alone and has no @context; name GS1's context", field="@context")
    return Document((Delivered(found, 1, declared_prefixes(found["@context"])),))


def _own_prefixes(event: Any) -> dict[str, str]:
    return declared_prefixes(event.get("@context", []), is_document=False) if isinstance(event, dict) else dict(BUILT_IN)


def _of_document(found: dict[str, Any], kind: str, text: str) -> Document:
    required = ("@context", "epcisBody") if kind == "EPCISQueryDocument" else ("@context", "schemaVersion", "creationDate", "epcisBody")
    if missing := next((name for name in required if name not in found), None):
        raise DocumentFault("required_missing", f"The document has no {missing}, and every {kind} needs it", field=missing)
    prefixes = declared_prefixes(found["@context"])
    for name in found:
        if name not in _DOCUMENT_KEYS[kind] and name.partition(":")[0] not in prefixes and "://" not in name:
            raise DocumentFault("epcis_unknown_field", f"The document has {name[:60]!r}, which no {kind} has", field=name[:60])
    version = found.get("schemaVersion")
    if version is not None and not (isinstance(version, str) and not isinstance(version, Number) and _VERSION.match(version)):
        raise DocumentFault("epcis_version", 'The schemaVersion is no version written as a text, such as "2.0"', field="schemaVersion")
    created = found.get("creationDate")
    if created is not None and moment(created) is None:
        raise DocumentFault("bad_date", "The creationDate is no moment with a time zone (ISO 8601)", field="creationDate")
    events = _event_list(found["epcisBody"], kind)
    lines = _lines(text, len(events))
    delivered = (Delivered(event, line, {**prefixes, **_own_prefixes(event)}) for event, line in zip(events, lines, strict=True))
    sender = found.get("sender")
    header = found.get("epcisHeader")
    return Document(
        tuple(delivered), tuple(_master_data(header)), moment(created) if created else None, sender if isinstance(sender, str) else None
    )


def _event_list(body: Any, kind: str) -> list[Any]:
    place = "epcisBody"
    if kind == "EPCISQueryDocument":
        for inner in ("queryResults", "resultsBody"):
            body, place = (body.get(inner) if isinstance(body, dict) else None), f"{place}.{inner}"
    if not isinstance(body, dict):
        raise DocumentFault("required_missing", f"The document has no {place}", field=place)
    if "eventList" not in body and isinstance(body.get("event"), dict):
        return [body["event"]]
    if not isinstance(body.get("eventList"), list):
        raise DocumentFault("required_missing", f"The document's {place} has no eventList", field=f"{place}.eventList")
    return body["eventList"]


def _lines(text: str, count: int) -> list[int | None]:
    """The line of each event; None where the text cannot be followed."""
    match = _EVENT_LIST.search(text)
    lines: list[int | None] = []
    at, line, counted = (match.end() if match else len(text)), 1, 0
    decoder = json.JSONDecoder()
    try:
        while len(lines) < count:
            at = _BETWEEN.match(text, at).end()
            line, counted = line + text.count("\n", counted, at), at
            lines.append(line)
            _, at = decoder.scan_once(text, at)
    except (StopIteration, ValueError, RecursionError):
        return [None] * count
    return lines


def _master_data(header: Any) -> Iterator[MasterData]:
    vocabularies = header.get("epcisMasterData", {}) if isinstance(header, dict) else {}
    vocabularies = vocabularies.get("vocabularyList", []) if isinstance(vocabularies, dict) else []
    for vocabulary in vocabularies if isinstance(vocabularies, list) else []:
        elements = vocabulary.get("vocabularyElementList", []) if isinstance(vocabulary, dict) else []
        for element in elements if isinstance(elements, list) else []:
            if isinstance(element, dict) and isinstance(element.get("id"), str):
                attributes = [a for a in element.get("attributes") or [] if isinstance(a, dict) and "id" in a]
                yield MasterData(
                    str(vocabulary.get("type")),
                    element["id"],
                    {
                        str(a["id"]): a["attribute"] if isinstance(a.get("attribute"), str) else json.dumps(a.get("attribute"))
                        for a in attributes
                    },
                    tuple(str(child) for child in element.get("children") or []),
                )
