"""Sensors: the rules of an event's sensor data.

Fields and kinds of values of sensor elements belong here; all else about an event is in rules.py.
Source: EPCIS 2.0, section 7.3.7, and its JSON Schema.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any

from pipelines.sources.epcis.identifiers import is_uri
from pipelines.sources.epcis.plain import EventFault, Number
from pipelines.sources.epcis.values import moment
from pipelines.sources.epcis.vocabulary import COMPONENT, MEASUREMENT, SENSOR_ALERT, word

__all__ = ["check_sensors"]

_LIST = "sensorElementList"
_MOMENTS = frozenset(("time", "startTime", "endTime"))
_METHODS = frozenset(("deviceID", "deviceMetadata", "rawData", "dataProcessingMethod", "bizRules"))
_URIS = _METHODS | {"microorganism", "chemicalSubstance", "uriValue", "coordinateReferenceSystem"}
_NUMBERS = frozenset(["value", "minValue", "maxValue", "meanValue", "sDev", "percRank", "percValue"])
_WORDS = {"type": MEASUREMENT, "exception": SENSOR_ALERT, "component": COMPONENT}
_METADATA = _METHODS | _MOMENTS
_REPORT = _URIS | _NUMBERS | _WORDS.keys() | {"time", "stringValue", "booleanValue", "hexBinaryValue", "uom"}
_NUMBER = re.compile(r"^[+-]?(?:\d+\.?\d*|\.\d+)(?:[eE][+-]?\d+)?$")
_HEX = re.compile(r"^[A-Fa-f0-9]+$")


def check_sensors(elements: Any, prefixes: Mapping[str, str]) -> None:
    """Raises EventFault for the first rule that the sensor data breaks; None has none."""
    if elements is None:
        return
    if not isinstance(elements, list):
        raise EventFault("epcis_sensor", _LIST, "is no list")
    for element in elements:
        if not isinstance(element, dict):
            raise EventFault("epcis_sensor", _LIST, "holds what is no object")
        _known(element, frozenset(("sensorMetadata", "sensorReport")), _LIST, prefixes)
        reports = element.get("sensorReport")
        if not isinstance(reports, list) or not reports:
            raise EventFault("epcis_sensor", f"{_LIST}.sensorReport", "is missing or empty")
        metadata = element.get("sensorMetadata", {})
        if not isinstance(metadata, dict):
            raise EventFault("epcis_sensor", f"{_LIST}.sensorMetadata", "is no object")
        _known(metadata, _METADATA, f"{_LIST}.sensorMetadata", prefixes)
        _values(metadata, f"{_LIST}.sensorMetadata")
        for report in reports:
            _check_report(report, f"{_LIST}.sensorReport", prefixes)


def _known(found: dict[str, Any], known: frozenset[str], path: str, prefixes: Mapping[str, str]) -> None:
    for name in found:
        prefix, colon, _ = name.partition(":")
        if name not in known and not (colon and (prefix in prefixes or "://" in name)) and name != "@context":
            raise EventFault("epcis_unknown_field", f"{path}.{name}"[:100], "is no field of sensor data")


def _check_report(report: Any, path: str, prefixes: Mapping[str, str]) -> None:
    if not isinstance(report, dict):
        raise EventFault("epcis_sensor", path, "holds what is no object")
    if "type" not in report and "exception" not in report:
        raise EventFault("required_missing", f"{path}.type", "is missing, and every report of a sensor but that of an exception needs it")
    _known(report, _REPORT, path, prefixes)
    _values(report, path)
    for name in _NUMBERS & report.keys():
        if not isinstance(report[name], Number) or not _NUMBER.match(report[name]):
            raise EventFault("epcis_sensor", f"{path}.{name}", "is no number")
    for name, kind in _WORDS.items():
        if name in report and (not isinstance(report[name], str) or word(kind, report[name]) is None):
            raise EventFault("epcis_unknown_word", f"{path}.{name}", f"is {str(report[name])[:60]!r}, which is no {kind}")
    _check_other_values(report, path)


def _check_other_values(report: dict[str, Any], path: str) -> None:
    if "booleanValue" in report and not isinstance(report["booleanValue"], bool):
        raise EventFault("epcis_sensor", f"{path}.booleanValue", "is neither true nor false")
    if "hexBinaryValue" in report and not (isinstance(report["hexBinaryValue"], str) and _HEX.match(report["hexBinaryValue"])):
        raise EventFault("epcis_sensor", f"{path}.hexBinaryValue", "is not hexadecimal")
    for name in ("stringValue", "uom"):
        if name in report and (not isinstance(report[name], str) or isinstance(report[name], Number)):
            raise EventFault("epcis_sensor", f"{path}.{name}", "is no text")


def _values(found: dict[str, Any], path: str) -> None:
    for name in _MOMENTS & found.keys():
        if moment(found[name]) is None:
            raise EventFault("bad_date", f"{path}.{name}", "is no moment with a time zone (ISO 8601)")
    for name in _URIS & found.keys():
        if not isinstance(found[name], str) or isinstance(found[name], Number) or not is_uri(found[name]):
            raise EventFault("epcis_identifier", f"{path}.{name}", "is no URI")
    start, end = moment(found.get("startTime")), moment(found.get("endTime"))
    if start and end and end < start:
        raise EventFault("bad_date", f"{path}.endTime", "is before startTime")
