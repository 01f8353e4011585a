"""Messages: the lines of one file as PeopleSoft's XML: FieldTypes, then MsgData with one Transaction per business unit.

How the XML looks belongs here; names of records and fields do not (peoplesoft.yaml). The last Transaction holds the control totals.
The same lines and settings give the same bytes.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from xml.sax.saxutils import escape

import polars as pl

from pipelines.feeds.settings import Message
from pipelines.sources.idoc.raw import printable

__all__ = ["HEADER_COLUMNS", "LINE_COLUMNS", "control_totals", "message_bytes"]

_OF_HEADER = ("feed_key", "business_date", "business_unit")
_OF_LINE = (
    "site_id", "storage_location_id", "article_id", "movement_type", "document_id", "document_item", "purchase_order_id", "vendor_id",
    "is_taken_back", "unit_cost", "currency_code", "valuation_source",
)  # fmt: skip
_COUNTED = ("line_number", "quantity", "absolute_quantity", "adjustment_sign", "amount")

HEADER_COLUMNS = (*_OF_HEADER, "records", "quantity")
"""Columns that a header's fields may take."""
LINE_COLUMNS = (*_OF_HEADER, *_OF_LINE, *_COUNTED)
"""Columns that a line's fields may take."""

_CONTROL = "SLK_CONTROL"
_CONTROL_FIELDS = {"FEED_KEY": "feed_key", "CURRENCY_CD": "currency_code", "RECORDS": "records", "QTY": "quantity", "AMOUNT": "amount"}
_NUMBERS = ("QTY", "AMOUNT", "RECORDS", "NBR", "COST")


def control_totals(lines: pl.DataFrame) -> pl.DataFrame:
    """Records, quantity and amount of a file's lines by currency; the lines without a value have none, and no amount."""
    valued = lines.with_columns(amount=pl.col("quantity") * pl.col("unit_cost"))
    totals = valued.group_by("currency_code").agg(records=pl.len(), quantity=pl.col("quantity").sum(), amount=pl.col("amount").sum())
    amount = pl.when(pl.col("currency_code").is_not_null()).then("amount")
    return totals.with_columns(amount=amount).sort("currency_code", nulls_last=True)


def message_bytes(lines: pl.DataFrame, message: Message) -> bytes:
    """The message of one file's lines, which have the columns of SENT_SCHEMA; UTF-8."""
    return "".join(f"{line}\n" for line in _xml(lines, message)).encode()


def _xml(lines: pl.DataFrame, message: Message) -> Iterator[str]:
    yield '<?xml version="1.0" encoding="UTF-8"?>'
    yield f"<{message.name}>"
    yield from _field_types(message)
    yield "<MsgData>"
    for (unit,), of_unit in lines.sort("business_unit", maintain_order=True).group_by("business_unit", maintain_order=True):
        header = {
            "feed_key": of_unit["feed_key"][0],
            "business_date": of_unit["business_date"][0],
            "business_unit": unit,
            "records": of_unit.height,
            "quantity": of_unit["quantity"].sum(),
        }
        yield "<Transaction>"
        yield f'<{message.header_record} class="R">{_fields(message.header, header)}'
        yield from _lines(of_unit, message, header)
        yield f"</{message.header_record}>"
        yield '<PSCAMA class="R"><LANGUAGE_CD>ENG</LANGUAGE_CD><AUDIT_ACTN>A</AUDIT_ACTN></PSCAMA>'
        yield "</Transaction>"
    yield "<Transaction>"
    for row in control_totals(lines).with_columns(feed_key=pl.lit(lines["feed_key"][0])).iter_rows(named=True):
        yield f'<{_CONTROL} class="R">{_fields(_CONTROL_FIELDS, row)}</{_CONTROL}>'
    yield '<PSCAMA class="R"><LANGUAGE_CD>ENG</LANGUAGE_CD><AUDIT_ACTN>A</AUDIT_ACTN></PSCAMA>'
    yield "</Transaction>"
    yield "</MsgData>"
    yield f"</{message.name}>"


def _field_types(message: Message) -> Iterator[str]:
    """What each field of each record is, as the message's first part declares it."""
    records = {
        message.header_record: message.header,
        message.line_record: message.line,
        message.serial_record: message.serial,
        _CONTROL: _CONTROL_FIELDS,
        "PSCAMA": {"LANGUAGE_CD": "", "AUDIT_ACTN": ""},
    }
    yield "<FieldTypes>"
    for record, fields in records.items():
        types = (f'<{name} type="{_type(name, column)}"/>' for name, column in fields.items())
        yield f'<{record} class="R">{"".join(types)}</{record}>'
    yield "</FieldTypes>"


def _type(field: str, column: str) -> str:
    if column == "business_date":
        return "DATE"
    return "NUMBER" if any(word in field for word in _NUMBERS) and not column.startswith("=") else "CHAR"


def _lines(of_unit: pl.DataFrame, message: Message, header: Mapping[str, object]) -> Iterator[str]:
    """Units of the same article, place and document are one line, each with a record of its serial number below it."""
    grouped = of_unit.sort(*_OF_LINE, "serial_number", nulls_last=True).group_by(_OF_LINE, maintain_order=True)
    found = grouped.agg(pl.col("quantity").sum(), pl.col("serial_number"))
    found = found.with_row_index("line_number", offset=1).with_columns(
        absolute_quantity=pl.col("quantity").abs(),
        adjustment_sign=pl.when(pl.col("quantity") < 0).then(pl.lit("D")).otherwise(pl.lit("I")),
        amount=pl.col("quantity") * pl.col("unit_cost"),
    )
    for row in found.iter_rows(named=True):
        values = {**header, **row}
        yield f'<{message.line_record} class="R">{_fields(message.line, values)}'
        yield from (_serial(message, values, serial) for serial in row["serial_number"])
        yield f"</{message.line_record}>"


def _serial(message: Message, values: Mapping[str, object], serial_number: str) -> str:
    fields = _fields(message.serial, {**values, "serial_number": serial_number})
    return f'<{message.serial_record} class="R">{fields}</{message.serial_record}>'


def _fields(fields: Mapping[str, str], values: Mapping[str, object]) -> str:
    return "".join(_field(name, column[1:] if column.startswith("=") else values[column]) for name, column in fields.items())


def _field(name: str, value: object) -> str:
    text = ("Y" if value else "N") if isinstance(value, bool) else "" if value is None else str(value)
    return f"<{name}>{escape(printable(text))}</{name}>" if text else f"<{name}/>"
