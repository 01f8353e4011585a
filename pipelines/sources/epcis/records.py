"""Records: an event becomes a row of data_contracts/sources/epcis/events.odcs.yaml, in a form that does not depend on its file's.

Which columns a row has, and the hashes that tell events apart, belong here. Whether the event is right does not (rules.py).
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterator, Mapping
from datetime import datetime
from decimal import Decimal, InvalidOperation
from typing import Any

from pipelines.sources.epcis.identifiers import Identifier, identifier
from pipelines.sources.epcis.plain import Delivered, Document, MasterData, Number
from pipelines.sources.epcis.values import moment
from pipelines.sources.epcis.vocabulary import BUSINESS_STEP, DISPOSITION, ERROR_REASON, PARTY, TRANSACTION, word

__all__ = ["event_row", "master_data_row"]

_UNITS = {"epcList": "object", "childEPCs": "child", "inputEPCList": "input", "outputEPCList": "output"}
_QUANTITIES = {
    "quantityList": "object",
    "childQuantityList": "child",
    "inputQuantityList": "input",
    "outputQuantityList": "output",
}
_MOMENTS = frozenset(("eventTime", "recordTime", "declarationTime", "time", "startTime", "endTime"))
_WORDS = {"bizStep": BUSINESS_STEP, "disposition": DISPOSITION, "reason": ERROR_REASON}
_IDENTIFIED = frozenset(("parentID", "transformationID", "epcClass", "id", "bizTransaction", "source", "destination"))
_LISTS_OF_WORDS = {"bizTransactionList": TRANSACTION, "sourceList": PARTY, "destinationList": PARTY}
_NOT_CONTENT = frozenset(("@context", "eventID", "eventTimeZoneOffset", "recordTime", "errorDeclaration"))
"""Fields that do not say what happened: the same event may be told again with others."""


def event_row(delivered: Delivered, document: Document) -> dict[str, Any]:
    """One row for an event that breaks no rule."""
    event = delivered.event
    plain = _named_in_full(_canonical(event), delivered.prefixes)
    content = {name: value for name, value in plain.items() if name not in _NOT_CONTENT}
    declaration = plain.get("errorDeclaration") or {}
    read_point, location = _place(event, "readPoint"), _place(event, "bizLocation")
    return {
        "record_hash": _hash({name: value for name, value in plain.items() if name != "recordTime"}),
        "content_hash": _hash(content),
        "event_id": event.get("eventID"),
        "event_type": event["type"],
        "event_time": moment(event["eventTime"]),
        "event_time_zone_offset": event["eventTimeZoneOffset"],
        "record_time": _moment(event.get("recordTime")),
        "action": event.get("action"),
        "biz_step": plain.get("bizStep"),
        "disposition": plain.get("disposition"),
        "read_point": read_point and read_point.canonical,
        "read_point_gln": read_point and read_point.gln,
        "biz_location": location and location.canonical,
        "biz_location_gln": location and location.gln,
        "parent_id": plain.get("parentID"),
        "transformation_id": plain.get("transformationID"),
        "error_declared_at": _moment((event.get("errorDeclaration") or {}).get("declarationTime")),
        "error_reason": declaration.get("reason"),
        "corrective_event_ids": _json(declaration["correctiveEventIDs"]) if declaration.get("correctiveEventIDs") else None,
        "units": _json([{"number": number, **unit} for number, unit in enumerate(_units(event), 1)]),
        "source_gln": _party(event, "sourceList", "source"),
        "destination_gln": _party(event, "destinationList", "destination"),
        "business_transactions": _transactions(plain.get("bizTransactionList") or []),
        "event_json": _json(_written(event)),
        "document_created_at": document.created_at,
        "sender": document.sender,
        "_line": delivered.line,
    }


def master_data_row(element: MasterData, document: Document) -> dict[str, Any]:
    """One row for an element of a vocabulary."""
    found = identifier(element.element_id)
    return {
        "vocabulary_type": element.vocabulary,
        "element_id": element.element_id,
        "canonical_id": found.canonical,
        "gln": found.gln,
        "gtin": found.gtin,
        "attributes": _json(dict(element.attributes)),
        "children": _json(list(element.children)) if element.children else None,
        "document_created_at": document.created_at,
        "_line": element.line,
    }


def _moment(value: Any) -> datetime | None:
    return moment(value) if value else None


def _place(event: Mapping[str, Any], name: str) -> Identifier | None:
    return identifier(event[name]["id"]) if name in event else None


def _party(event: Mapping[str, Any], field: str, name: str) -> str | None:
    """GLN of where goods come from or go to: the place, else who has them, else who owns them."""
    found = {word(PARTY, element["type"]): identifier(element[name]).gln for element in event.get(field) or []}
    return next((gln for kind in ("location", "possessing_party", "owning_party") if (gln := found.get(kind))), None)


def _transactions(elements: list[dict[str, Any]]) -> str | None:
    return _json([{"type": element.get("type"), "id": element["bizTransaction"]} for element in elements]) if elements else None


def _named_in_full(value: Any, prefixes: Mapping[str, str]) -> Any:
    """The value with what prefixes stand for in their place: which prefix a sender chose says nothing."""
    if isinstance(value, dict):
        return {_in_full(name, prefixes): _named_in_full(inner, prefixes) for name, inner in value.items()}
    return [_named_in_full(inner, prefixes) for inner in value] if isinstance(value, list) else value


def _in_full(name: str, prefixes: Mapping[str, str]) -> str:
    prefix, colon, rest = name.partition(":")
    return prefixes[prefix].rstrip("/") + "/" + rest if colon and prefix in prefixes else name


def _units(event: Mapping[str, Any]) -> Iterator[dict[str, Any]]:
    """Every identifier of goods with its role, and what can be read out of it."""
    if "parentID" in event:
        yield _unit("parent", event["parentID"])
    for name, role in _UNITS.items():
        for text in event.get(name) or []:
            yield _unit(role, text)
    for name, role in _QUANTITIES.items():
        for element in event.get(name) or []:
            amount = {"quantity": element.get("quantity"), "uom": element.get("uom")}
            yield _unit(role, element["epcClass"]) | {key: str(value) for key, value in amount.items() if value is not None}


def _unit(role: str, text: str) -> dict[str, Any]:
    found = identifier(text)
    parts = {"gtin": found.gtin, "serial": found.serial, "lot": found.lot, "sscc": found.sscc}
    return {"role": role, "id": found.canonical, "key": found.key} | {name: value for name, value in parts.items() if value}


def _canonical(value: Any, name: str = "", kind: str | None = None) -> Any:
    """The value in one form: words bare, identifiers as Digital Links, moments in UTC, what has no order in order."""
    if isinstance(value, dict):
        of_type = {"type": word(kind, value["type"])} if kind and isinstance(value.get("type"), str) else {}
        return {key: _canonical(inner, key) for key, inner in sorted(value.items()) if inner is not None} | of_type
    if isinstance(value, list):
        parts = [_canonical(inner, name, _LISTS_OF_WORDS.get(name)) for inner in value]
        return sorted(parts, key=_json)
    if isinstance(value, bool):
        return str(value).lower()
    if isinstance(value, Number):
        return _number(value)
    return _canonical_text(value, name) if isinstance(value, str) else value


def _canonical_text(value: str, name: str) -> str:
    if name in _MOMENTS and (found := moment(value)):
        return found.isoformat(timespec="milliseconds") + "Z"
    if name in _WORDS or name in ("set", "unset"):
        return word(_WORDS.get(name, DISPOSITION), value) or value
    if name in _IDENTIFIED or name in _UNITS:
        try:
            return identifier(value).canonical
        except ValueError:
            return value
    return value


def _number(value: str) -> str:
    try:
        return format(Decimal(value).normalize(), "f")
    except InvalidOperation:
        return str(value)


def _written(value: Any) -> Any:
    """The event as it was delivered, with its numbers as numbers again."""
    if isinstance(value, dict):
        return {key: _written(inner) for key, inner in value.items()}
    if isinstance(value, list):
        return [_written(inner) for inner in value]
    if isinstance(value, Number):
        return int(value) if value.lstrip("+-").isdigit() and len(value) < 16 else float(value)
    return value


def _json(value: Any) -> str:
    return json.dumps(value, ensure_ascii=False, sort_keys=True, separators=(",", ":"))


def _hash(value: Any) -> str:
    return hashlib.sha256(_json(value).encode("utf-8", "surrogatepass")).hexdigest()
