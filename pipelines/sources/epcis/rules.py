"""Rules: what an EPCIS event must be, beyond being an object.

Rules of the standard belong here, each with its reason code; identifiers and words have their own in identifiers.py and
vocabulary.py. Source: EPCIS 2.0, section 7 and its JSON Schema; CBV 2.0. The codes are explained in EPCIS.md.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from typing import Any
from uuid import UUID

from pipelines.sources.epcis.identifiers import Identifier, IdentifierError, identifier, is_uri
from pipelines.sources.epcis.plain import EventFault, Number
from pipelines.sources.epcis.sensors import check_sensors
from pipelines.sources.epcis.values import OFFSET, moment
from pipelines.sources.epcis.vocabulary import BUSINESS_STEP, DISPOSITION, ERROR_REASON, PARTY, TRANSACTION, word

__all__ = ["EVENT_TYPES", "check_event"]

_COMMON = "@context type eventTime recordTime eventTimeZoneOffset eventID certificationInfo errorDeclaration"
_WHERE = "bizStep disposition readPoint bizLocation bizTransactionList sourceList destinationList sensorElementList"
_FIELDS = {
    "ObjectEvent": "action epcList quantityList persistentDisposition ilmd",
    "AggregationEvent": "action parentID childEPCs childQuantityList persistentDisposition",
    "TransactionEvent": "action parentID epcList quantityList persistentDisposition",
    "TransformationEvent": "inputEPCList inputQuantityList outputEPCList outputQuantityList transformationID persistentDisposition ilmd",
    "AssociationEvent": "action parentID childEPCs childQuantityList persistentDisposition",
}
EVENT_TYPES = {name: frozenset(f"{_COMMON} {_WHERE} {fields}".split()) for name, fields in _FIELDS.items()}
"""Fields that an event of each type may have."""
UNIT_LISTS = ("epcList", "childEPCs", "inputEPCList", "outputEPCList")
QUANTITY_LISTS = ("quantityList", "childQuantityList", "inputQuantityList", "outputQuantityList")
_UNIT_OF_MEASURE = re.compile(r"^[A-Z0-9]{2,3}$")
_NUMBER = re.compile(r"^[+-]?(?:\d+\.?\d*|\.\d+)(?:[eE][+-]?\d+)?$")
_HASH_ID = re.compile(r"^ni:///sha-256;[0-9a-fA-F]{64}\?ver=CBV2\.\d+$")
_KEY = re.compile(r"^[A-Za-z][\w.-]*:\S+$")
_ACTIONS = ("ADD", "OBSERVE", "DELETE")


def check_event(event: Any, prefixes: Mapping[str, str]) -> None:
    """Raises EventFault for the first rule that the event breaks."""
    if not isinstance(event, dict):
        raise EventFault("epcis_type_unknown", "type", "is missing, since the event is no object")
    kind = event.get("type")
    if not isinstance(kind, str) or isinstance(kind, Number):
        raise EventFault("required_missing", "type", "is missing, and every event needs one")
    if kind not in EVENT_TYPES and not _is_own(kind, prefixes):
        raise EventFault("epcis_type_unknown", "type", f"is {_shown(kind)}, which is no type of event")
    _check_times(event)
    _check_event_id(event)
    _check_declaration(event, prefixes)
    _check_names(event, "", prefixes)
    if kind in EVENT_TYPES:
        _check_fields(event, EVENT_TYPES[kind], kind, prefixes)
        _check_action(event, kind)
        _check_words(event, prefixes)
        _check_places(event)
        _check_units(event)
        _check_parties(event, prefixes)
        check_sensors(event.get("sensorElementList"), prefixes)
        _CHECKS[kind](event)


def _shown(value: Any) -> str:
    return repr(value[:60]) if isinstance(value, str) else "no text"


def _is_own(name: str, prefixes: Mapping[str, str]) -> bool:
    """Whether a name is the sender's own: a URI, or a name with a prefix that is declared."""
    prefix, colon, rest = name.partition(":")
    return bool(colon and rest) and (prefix in prefixes or "://" in name or name.startswith("urn:"))


def _check_names(value: Any, path: str, prefixes: Mapping[str, str]) -> None:
    """Prefixes of names, at any depth, are declared; names without one are looked at where they stand."""
    if isinstance(value, list):
        for inner in value:
            _check_names(inner, path, prefixes)
    elif isinstance(value, dict):
        if path and "@context" in value and isinstance(value["@context"], dict):
            prefixes = {**prefixes, **value["@context"]}
        for name, inner in value.items():
            if name == "@context":
                continue
            if ":" in name and not _is_own(name, prefixes):
                raise EventFault("epcis_undeclared_prefix", f"{path}{name}"[:100], "has a prefix that no @context declares")
            _check_names(inner, f"{path}{name}.", prefixes)


def _check_fields(event: Mapping[str, Any], known: frozenset[str], kind: str, prefixes: Mapping[str, str]) -> None:
    for name in event:
        if name not in known and not _is_own(name, prefixes):
            problem = f"is no field of an {kind}; fields of your own need a prefix that the @context declares"
            raise EventFault("epcis_unknown_field", name[:100], problem)


def _check_times(event: Mapping[str, Any]) -> None:
    for name in ("eventTime", "eventTimeZoneOffset"):
        if name not in event:
            raise EventFault("required_missing", name, "is missing, and every event needs it")
    for name in ("eventTime", "recordTime"):
        if name in event and moment(event[name]) is None:
            raise EventFault("bad_date", name, f"is {_shown(event[name])}, which is no moment with a time zone (ISO 8601)")
    offset = event["eventTimeZoneOffset"]
    if not isinstance(offset, str) or not OFFSET.match(offset):
        raise EventFault("bad_time_zone", "eventTimeZoneOffset", f"is {_shown(offset)}, which is no offset such as +01:00")


def _check_event_id(event: Mapping[str, Any]) -> None:
    if "eventID" in event:
        _event_id(event["eventID"], "eventID")
    certificates = event.get("certificationInfo", [])
    for certificate in certificates if isinstance(certificates, list) else [certificates]:
        _uri(certificate, "certificationInfo")


def _event_id(value: Any, field: str) -> None:
    _uri(value, field)
    lower = value.lower()
    if lower.startswith("urn:uuid:"):
        try:
            is_right = str(UUID(value[9:])) == lower[9:]
        except ValueError:
            is_right = False
        if not is_right:
            raise EventFault("epcis_event_id", field, f"is {_shown(value)}, which is no UUID")
    elif lower.startswith("ni:") and not _HASH_ID.match(value):
        raise EventFault("epcis_event_id", field, f"is {_shown(value)}, which is no hash of an event (ni:///sha-256;...?ver=CBV2.0)")


def _uri(value: Any, field: str) -> None:
    if not isinstance(value, str) or isinstance(value, Number) or not is_uri(value):
        raise EventFault("epcis_identifier", field, f"is {_shown(value)}, which is no URI")


def _check_declaration(event: Mapping[str, Any], prefixes: Mapping[str, str]) -> None:
    if "errorDeclaration" not in event:
        return
    declaration = event["errorDeclaration"]
    if not isinstance(declaration, dict):
        raise EventFault("epcis_error_declaration", "errorDeclaration", "is no object")
    if "declarationTime" not in declaration:
        raise EventFault("required_missing", "errorDeclaration.declarationTime", "is missing, and every declaration of an error needs it")
    if moment(declaration["declarationTime"]) is None:
        shown = _shown(declaration["declarationTime"])
        raise EventFault("bad_date", "errorDeclaration.declarationTime", f"is {shown}, which is no moment with a time zone (ISO 8601)")
    for name in declaration:
        if name not in ("declarationTime", "reason", "correctiveEventIDs") and not _is_own(name, prefixes):
            raise EventFault("epcis_unknown_field", f"errorDeclaration.{name}"[:100], "is no field of a declaration of an error")
    if "reason" in declaration:
        _word(ERROR_REASON, declaration["reason"], "errorDeclaration.reason", prefixes)
    corrective = declaration.get("correctiveEventIDs", [])
    if not isinstance(corrective, list):
        raise EventFault("epcis_error_declaration", "errorDeclaration.correctiveEventIDs", "is no list")
    for event_id in corrective:
        _event_id(event_id, "errorDeclaration.correctiveEventIDs")


def _word(kind: str, value: Any, field: str, prefixes: Mapping[str, str]) -> None:
    if not isinstance(value, str) or isinstance(value, Number) or word(kind, value) is None:
        problem = f"is {_shown(value)}, which is no {kind} of the Core Business Vocabulary 2.0; use one of its words, or a URI of your own"
        raise EventFault("epcis_unknown_word", field, problem)
    prefix = value.partition(":")[0]
    if ":" in value and not is_uri(value):
        raise EventFault("epcis_unknown_word", field, f"is {_shown(value)}, which is neither a word nor a URI")
    if ":" in value and "/" not in value and prefix not in prefixes and prefix not in ("urn", "tag", "geo", "did", "data"):
        raise EventFault("epcis_undeclared_prefix", field, f"is {_shown(value)}, whose prefix no @context declares")


def _check_action(event: Mapping[str, Any], kind: str) -> None:
    if kind == "TransformationEvent":
        return
    if "action" not in event:
        raise EventFault("required_missing", "action", f"is missing, and every {kind} needs it")
    if event["action"] not in _ACTIONS:
        raise EventFault("epcis_action", "action", f"is {_shown(event['action'])}, which is none of {', '.join(_ACTIONS)}")


def _check_words(event: Mapping[str, Any], prefixes: Mapping[str, str]) -> None:
    if "bizStep" in event:
        _word(BUSINESS_STEP, event["bizStep"], "bizStep", prefixes)
    if "disposition" in event:
        _word(DISPOSITION, event["disposition"], "disposition", prefixes)
    if "persistentDisposition" not in event:
        return
    lasting, field = event["persistentDisposition"], "persistentDisposition"
    if not isinstance(lasting, dict) or not lasting or lasting.keys() - {"set", "unset"}:
        raise EventFault("epcis_persistent_disposition", field, "has neither set nor unset, or something else beside them")
    for name, words in lasting.items():
        if not isinstance(words, list) or not words or len({str(each) for each in words}) < len(words):
            raise EventFault("epcis_persistent_disposition", f"{field}.{name}", "is no list of different dispositions with at least one")
        for each in words:
            _word(DISPOSITION, each, f"{field}.{name}", prefixes)
    if set(map(str, lasting.get("set", []))) & set(map(str, lasting.get("unset", []))):
        raise EventFault("epcis_persistent_disposition", field, "sets and unsets the same disposition")


def _check_places(event: Mapping[str, Any]) -> None:
    for name in ("readPoint", "bizLocation"):
        if name not in event:
            continue
        place = event[name]
        if not isinstance(place, dict) or "id" not in place:
            raise EventFault("required_missing", f"{name}.id", "is missing")
        found = _identified(place["id"], f"{name}.id")
        if found.level not in ("place", "other"):
            raise EventFault("epcis_identifier", f"{name}.id", f"is {_shown(place['id'])}, which names goods where a place is needed")


def _identified(value: Any, field: str) -> Identifier:
    if not isinstance(value, str) or isinstance(value, Number):
        raise EventFault("epcis_identifier", field, "is no text")
    try:
        return identifier(value)
    except IdentifierError as error:
        raise EventFault("epcis_identifier", field, f"is {_shown(value)}, which {error}") from error


def _check_units(event: Mapping[str, Any]) -> None:
    for name in ("parentID", "transformationID"):
        if name in event:
            _identified(event[name], name)
    for name in UNIT_LISTS:
        _check_unit_list(event.get(name, []), name)
    for name in QUANTITY_LISTS:
        elements = event.get(name, [])
        if not isinstance(elements, list):
            raise EventFault("epcis_quantity", name, "is no list")
        for element in elements:
            _check_quantity(element, name)


def _check_unit_list(units: Any, name: str) -> None:
    if not isinstance(units, list):
        raise EventFault("epcis_identifier", name, "is no list")
    seen: set[str] = set()
    for unit in units:
        found = _identified(unit, name)
        if found.level == "class":
            raise EventFault("epcis_identifier", name, f"holds {_shown(unit)}, which names a class of goods and no single one")
        if unit in seen:
            raise EventFault("epcis_duplicate_identifier", name, f"holds {_shown(unit)} twice")
        seen.add(unit)


def _check_quantity(element: Any, name: str) -> None:
    if not isinstance(element, dict):
        raise EventFault("epcis_quantity", name, "holds what is no object")
    if "epcClass" not in element:
        raise EventFault("required_missing", f"{name}.epcClass", "is missing, and every quantity needs it")
    if extra := element.keys() - {"epcClass", "quantity", "uom"}:
        raise EventFault("epcis_unknown_field", f"{name}.{min(extra)}"[:100], "is no field of a quantity")
    found = _identified(element["epcClass"], f"{name}.epcClass")
    if found.level == "unit":
        raise EventFault("epcis_identifier", f"{name}.epcClass", f"is {_shown(element['epcClass'])}, which names a single one and no class")
    quantity = element.get("quantity")
    if "quantity" in element and not is_number(quantity):
        raise EventFault("epcis_quantity", f"{name}.quantity", f"is {_shown(quantity)}, which is no number")
    if "quantity" in element and float(quantity) < 0:
        raise EventFault("epcis_quantity", f"{name}.quantity", f"is {_shown(quantity)}, less than nothing")
    if "uom" in element:
        unit = element["uom"]
        if not isinstance(unit, str) or isinstance(unit, Number) or not _UNIT_OF_MEASURE.match(unit):
            raise EventFault("epcis_unit_of_measure", f"{name}.uom", f"is {_shown(unit)}, which is no code of UN/ECE such as KGM")
        if "quantity" not in element:
            raise EventFault("epcis_unit_of_measure", f"{name}.uom", "stands without a quantity")


def is_number(value: Any) -> bool:
    """Whether a value is a number."""
    return isinstance(value, Number) and _NUMBER.match(value) is not None


def _check_parties(event: Mapping[str, Any], prefixes: Mapping[str, str]) -> None:
    lists: tuple[tuple[str, str, str, bool], ...] = (
        ("bizTransactionList", "bizTransaction", TRANSACTION, False),
        ("sourceList", "source", PARTY, True),
        ("destinationList", "destination", PARTY, True),
    )
    for name, inner, kind, needs_type in lists:
        elements = event.get(name, [])
        if not isinstance(elements, list):
            raise EventFault("epcis_party", name, "is no list")
        for element in elements:
            if not isinstance(element, dict) or inner not in element:
                raise EventFault("required_missing", f"{name}.{inner}", "is missing")
            if extra := element.keys() - {"type", inner}:
                raise EventFault("epcis_unknown_field", f"{name}.{min(extra)}"[:100], f"is no field of a {inner}")
            if "type" in element:
                _word(kind, element["type"], f"{name}.type", prefixes)
            elif needs_type:
                raise EventFault("required_missing", f"{name}.type", "is missing")
            _identified(element[inner], f"{name}.{inner}")


def _named(event: Mapping[str, Any], *fields: str) -> bool:
    return any(event.get(field) for field in fields)


def _object_event(event: Mapping[str, Any]) -> None:
    watches = event.get("sensorElementList") and "readPoint" in event
    if "epcList" not in event and not event.get("quantityList") and not watches:
        raise EventFault(
            "epcis_nothing_named", "epcList", "and quantityList are missing, and the event has no sensor data with a readPoint"
        )
    if "ilmd" in event and event["action"] != "ADD":
        raise EventFault("epcis_ilmd", "ilmd", f"describes goods at their making, so it needs action ADD and not {event['action']}")
    _ilmd(event)


def _ilmd(event: Mapping[str, Any]) -> None:
    ilmd = event.get("ilmd", {})
    if not isinstance(ilmd, dict):
        raise EventFault("epcis_ilmd", "ilmd", "is no object")
    if bare := next((name for name in ilmd if not _KEY.match(name) and name != "@context"), None):
        raise EventFault("epcis_unknown_field", f"ilmd.{bare}"[:100], "has no prefix, and the standard has no such field")


def _aggregation(event: Mapping[str, Any]) -> None:
    if "parentID" not in event and event["action"] != "OBSERVE":
        raise EventFault("required_missing", "parentID", f"is missing, and action {event['action']} needs it")
    _children(event)


def _association(event: Mapping[str, Any]) -> None:
    if "parentID" not in event:
        raise EventFault("required_missing", "parentID", "is missing, and every AssociationEvent needs it")
    _children(event)


def _children(event: Mapping[str, Any]) -> None:
    if event["action"] != "DELETE" and not _named(event, "childEPCs", "childQuantityList"):
        raise EventFault(
            "epcis_nothing_named", "childEPCs", f"and childQuantityList are empty, and action {event['action']} needs one of them"
        )
    parent = event.get("parentID")
    if parent and identifier(parent).canonical in {identifier(child).canonical for child in event.get("childEPCs", [])}:
        raise EventFault("epcis_duplicate_identifier", "childEPCs", "holds the parent itself")


def _transaction(event: Mapping[str, Any]) -> None:
    if not event.get("bizTransactionList"):
        raise EventFault("required_missing", "bizTransactionList", "is missing or empty, and every TransactionEvent needs it")
    if "epcList" not in event and not event.get("quantityList") and event["action"] != "DELETE":
        raise EventFault("epcis_nothing_named", "epcList", f"and quantityList are missing, and action {event['action']} needs one of them")


def _transformation(event: Mapping[str, Any]) -> None:
    has_input, has_output = _named(event, "inputEPCList", "inputQuantityList"), _named(event, "outputEPCList", "outputQuantityList")
    if not has_input and not has_output:
        raise EventFault("epcis_nothing_named", "inputEPCList", "and all other inputs and outputs are missing")
    if "transformationID" not in event and not (has_input and has_output):
        side = "output" if has_input else "input"
        problem = f"is missing: without an {side}, only it can tell which transformation the event is a part of"
        raise EventFault("epcis_nothing_named", "transformationID", problem)
    _ilmd(event)


_CHECKS: dict[str, Callable[[Mapping[str, Any]], None]] = {
    "ObjectEvent": _object_event,
    "AggregationEvent": _aggregation,
    "TransactionEvent": _transaction,
    "TransformationEvent": _transformation,
    "AssociationEvent": _association,
}
