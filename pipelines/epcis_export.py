"""EPCIS export: movements of the published ledger become an EPCIS 2.0 document that partners can capture.

What an event of ours says belongs here; reading theirs does not (pipelines/sources/epcis). Steps and dispositions by movement
type stand in pipelines/sources/epcis/business_steps.csv; the document is described in pipelines/sources/epcis/EPCIS.md.
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from datetime import datetime
from pathlib import Path
from typing import Any
from urllib.parse import quote
from uuid import NAMESPACE_URL, uuid5

import polars as pl

from pipelines.sources.epcis.identifiers import check_digit
from pipelines.warehouse import query

__all__ = ["epcis_document", "movements_to_tell"]

CONTEXT = ["https://ref.gs1.org/standards/epcis/epcis-context.jsonld", {"serialake": "urn:serialake:epcis:"}]
_STEPS = Path(__file__).parent / "sources" / "epcis" / "business_steps.csv"
_SAFE = "!'()*+,-.:;=_"
"""Characters that a serial number may hold in a Digital Link as they are."""
_SHARED = ("movement_type", "moved_at", "document_id", "delivery_id", "purchase_order_id", "place_id", "location_id", "destination_id")
_QUERY = """
    select
        movements.movement_type, movements.moved_at, movements.document_id, movements.delivery_id, movements.purchase_order_id,
        movements.article_id, movements.serial_number, movements.is_reversal, movements.unit_state,
        articles.gtin_code, movements.from_site_id, movements.to_site_id, from_sites.gln as from_gln, to_sites.gln as to_gln
    from (select * from serial_movements where {condition}) as movements
    left join articles on movements.article_id = articles.article_id
    left join sites as from_sites on movements.from_site_id = from_sites.site_id
    left join sites as to_sites on movements.to_site_id = to_sites.site_id
    where movements.moved_at is not null
"""


def movements_to_tell(
    published: Path, *, serial_number: str | None = None, article: str | None = None, where: str | None = None
) -> pl.DataFrame:
    """Movements of a unit, or those for which an SQL condition on serial_movements holds: one row per unit and movement.

    Raises QueryError for a condition that DuckDB does not understand.
    """
    conditions, values = [f"({where})"] if where else [], []
    for column, value in (("serial_number", serial_number), ("article_id", article)):
        if value is not None:
            conditions.append(f"{column} = ?")
            values.append(value)
    found = query(published, _QUERY.format(condition=" and ".join(conditions) or "true"), values)
    steps = pl.read_csv(_STEPS, schema_overrides={"movement_type": pl.String})
    joined = found.join(steps, on="movement_type", how="left")
    is_from = (pl.col("place") == "from") | (pl.col("place").is_null() & pl.col("to_site_id").is_null())
    is_shipping = pl.col("biz_step") == "shipping"
    return joined.with_columns(
        unit=pl.struct("article_id", "serial_number", "gtin_code").map_elements(_unit, return_dtype=pl.String),
        place_id=_site(is_from),
        location_id=pl.when(pl.col("unit_state") == "in_stock").then(_site(~is_from)),
        destination_id=pl.when(is_shipping).then(_site(pl.lit(value=False))),
    )


def _site(is_from: pl.Expr) -> pl.Expr:
    """Identifier of the site that was left, or else of the one that was reached; null where there is none."""
    gln = pl.when(is_from).then(pl.col("from_gln")).otherwise(pl.col("to_gln"))
    site = pl.when(is_from).then(pl.col("from_site_id")).otherwise(pl.col("to_site_id"))
    return pl.when(gln.is_not_null()).then("https://id.gs1.org/414/" + gln).otherwise("urn:serialake:site:" + site)


def _unit(unit: dict[str, Any]) -> str:
    """Identifier of a unit: by its GTIN, or by its article where that has none."""
    serial, gtin = quote(unit["serial_number"], safe=_SAFE), (unit["gtin_code"] or "").zfill(14)
    if unit["gtin_code"] and gtin.isdigit() and len(gtin) == 14 and check_digit(gtin[:13]) == gtin[13]:
        return f"https://id.gs1.org/01/{gtin}/21/{serial}"
    return f"urn:serialake:unit:{quote(unit['article_id'], safe=_SAFE)}:{serial}"


def epcis_document(movements: pl.DataFrame, *, created_at: datetime) -> str:
    """The document: one ObjectEvent per document, movement type, moment and place, with its units. The same rows give the same events."""
    body = {"eventList": list(_events(movements))}
    head = {"@context": CONTEXT, "type": "EPCISDocument", "schemaVersion": "2.0", "creationDate": _moment(created_at)}
    return json.dumps({**head, "epcisBody": body}, ensure_ascii=False, indent=1) + "\n"


def _events(movements: pl.DataFrame) -> Iterator[dict[str, Any]]:
    keys = [*_SHARED, "biz_step", "disposition"]
    grouped = movements.group_by(keys).agg(pl.col("unit").unique().sort()).sort("moved_at", *[key for key in keys if key != "moved_at"])
    for row in grouped.iter_rows(named=True):
        event = _event(row)
        yield {"type": "ObjectEvent", "eventID": f"urn:uuid:{uuid5(NAMESPACE_URL, json.dumps(event, sort_keys=True))}", **event}


def _event(row: dict[str, Any]) -> dict[str, Any]:
    documents = (("desadv", row["delivery_id"]), ("po", row["purchase_order_id"]))
    transactions = [{"type": kind, "bizTransaction": _document(number)} for kind, number in documents if number]
    destinations = [{"type": "location", "destination": row["destination_id"]}] if row["destination_id"] else None
    event = {
        "eventTime": _moment(row["moved_at"]),
        "eventTimeZoneOffset": "+00:00",
        "epcList": row["unit"],
        "action": "DELETE" if row["biz_step"] == "destroying" else "ADD" if row["biz_step"] == "commissioning" else "OBSERVE",
        "bizStep": row["biz_step"] or "other",
        "disposition": row["disposition"],
        "readPoint": {"id": row["place_id"]} if row["place_id"] else None,
        "bizLocation": {"id": row["location_id"]} if row["location_id"] else None,
        "bizTransactionList": transactions or None,
        "destinationList": destinations,
        "serialake:movementType": row["movement_type"],
        "serialake:document": row["document_id"],
    }
    return {name: value for name, value in event.items() if value is not None}


def _document(number: str) -> str:
    return f"urn:serialake:document:{quote(number, safe=_SAFE)}"


def _moment(at: datetime) -> str:
    return at.isoformat(timespec="microseconds" if at.microsecond % 1000 else "milliseconds") + "Z"
