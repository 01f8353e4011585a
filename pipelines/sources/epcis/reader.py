"""Reader: an EPCIS file becomes records of its contracts, and refused events with their reasons.

Putting document, rules and rows together belongs here; each of them has its own module. See EPCIS.md beside this file.
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import polars as pl

from pipelines.contracts import Contract
from pipelines.sources.epcis.documents import read_json
from pipelines.sources.epcis.identifiers import IdentifierError
from pipelines.sources.epcis.plain import Delivered, Document, DocumentFault, EventFault
from pipelines.sources.epcis.records import event_row, master_data_row
from pipelines.sources.epcis.rules import check_event
from pipelines.sources.epcis.xml_documents import read_xml
from pipelines.sources.extracted import RAW_RECORD_LIMIT, Extracted, quarantined
from pipelines.sources.texts import as_written, is_whole
from pipelines.sources.verdicts import refused_file

__all__ = ["EVENTS", "MASTER_DATA", "is_epcis", "read_epcis"]

EVENTS, MASTER_DATA = "epcis/events", "epcis/master_data"
_SNIFFED = 4096
_MARKS = (b"urn:epcglobal:epcis", b"EPCISDocument", b"EPCISQueryDocument", b"EPCISMasterData", b"epcis-context.jsonld")
_AGAIN = "correct the event at the sender and deliver it again."


def is_epcis(name: str, start: bytes) -> bool:
    """Whether a file is EPCIS: by its name (*.jsonld, or JSON and XML below epcis/), or by what it begins with."""
    lower = name.lower()
    if lower.endswith(".jsonld") or (lower.startswith("epcis/") and lower.endswith((".json", ".xml"))):
        return True
    return lower.endswith((".json", ".xml")) and any(mark in start[:_SNIFFED] for mark in _MARKS)


def read_epcis(path: Path, contracts: Mapping[str, Contract]) -> Extracted:
    """Read one EPCIS file, JSON or XML. Never raises for bad content: an event that breaks a rule is refused alone."""
    try:
        document = read_xml(path) if _begins(path) == b"<" else read_json(path)
    except DocumentFault as fault:
        return _refused(path, fault)
    rows, refused = [], []
    for number, delivered in enumerate(document.events, 1):
        try:
            check_event(delivered.event, delivered.prefixes)
            row = event_row(delivered, document)
            if not is_whole(row.values()):
                raise EventFault("malformed_json", _half_field(row), "holds half of a character (a lone surrogate)")
            rows.append(row)
        except EventFault as fault:
            refused.append(_refusal(number, delivered, fault))
    elements, unnamed = _master_data(document)
    accepted = {EVENTS: _frame(rows, contracts[EVENTS])}
    if elements:
        accepted[MASTER_DATA] = _frame(elements, contracts[MASTER_DATA])
    return Extracted(accepted, quarantined([*refused, *unnamed]), len(document.events) + len(document.master_data))


def _half_field(row: Mapping[str, Any]) -> str:
    return next(name for name, value in row.items() if not is_whole([value]))


def _begins(path: Path) -> bytes:
    with path.open("rb") as stream:
        return stream.read(256).lstrip(b"\xef\xbb\xbf\xff\xfe\x00 \t\r\n")[:1]


def _refused(path: Path, fault: DocumentFault) -> Extracted:
    refused = refused_file(path, code=fault.code, reason=as_written(str(fault)), table=EVENTS, line=fault.line)
    field = pl.lit(fault.field and as_written(fault.field), dtype=pl.String)
    return Extracted({}, refused.quarantined.with_columns(field=field), 1, refused_whole=True)


def _refusal(number: int, delivered: Delivered, fault: EventFault) -> dict[str, Any]:
    place = f"event {number}" + (f" (line {delivered.line})" if delivered.line else "")
    return {
        "table_name": EVENTS,
        "reason_code": fault.code,
        "reason": f"{fault.field} in {place} {fault.problem}; {_AGAIN}",
        "line": delivered.line,
        "segment": f"event[{number}]",
        "field": fault.field,
        "raw_record": json.dumps(delivered.event, ensure_ascii=True)[:RAW_RECORD_LIMIT],
    }


def _master_data(document: Document) -> tuple[list[dict[str, Any]], list[dict[str, Any]]]:
    rows, refused = [], []
    for number, element in enumerate(document.master_data, 1):
        try:
            row = master_data_row(element, document)
            if not is_whole(row.values()):
                raise IdentifierError("or an attribute holds half of a character (a lone surrogate)")
            rows.append(row)
        except IdentifierError as error:
            problem = f"id of element {number} of the master data {error}"
            refused.append(
                {
                    "table_name": MASTER_DATA,
                    "reason_code": "epcis_identifier",
                    "reason": f"{problem}; correct the element at the sender and deliver it again.",
                    "line": element.line,
                    "segment": f"vocabularyElement[{number}]",
                    "field": "id",
                    "raw_record": element.element_id,
                }
            )
    return rows, refused


def _frame(rows: Sequence[Mapping[str, Any]], contract: Contract) -> pl.DataFrame:
    schema = {**contract.polars_schema, "_line": pl.Int64()}
    return pl.DataFrame([{name: row.get(name) for name in schema} for row in rows], schema=schema)
