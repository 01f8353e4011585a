"""Verdicts: what is wrong with a record, in one sentence that says what, where and what to do.

The wording of refusals belongs here, and the frame they are kept in. Reaching a verdict does not (conversion.py).
The codes are listed in README.md, section "When a record is refused".
"""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

import polars as pl

from pipelines.contracts import Column, Contract
from pipelines.sources.extracted import QUARANTINE_SCHEMA, RAW_RECORD_LIMIT, Extracted, quarantined
from pipelines.sources.idoc.raw import masked_flat, masked_text
from pipelines.sources.values import SERIAL_LENGTH

__all__ = ["beginning", "refusals", "refused_file", "restricted_columns"]

_AGAIN = "and deliver the record again."
_SHOWN = 60
"""Characters of an offending value that a sentence shows."""


def refused_file(
    path: Path,
    *,
    code: str,
    reason: str,
    table: str | None = None,
    line: int | None = None,
    segment: str | None = None,
    raw: str | None = None,
) -> Extracted:
    """A file refused as a whole: one record in, one quarantine row with the file's beginning, personal data masked."""
    row = {
        "table_name": table,
        "reason_code": code,
        "reason": reason,
        "line": line,
        "segment": segment,
        "raw_record": beginning(path) if raw is None else raw,
    }
    return Extracted(quarantined=quarantined([row]), records_in=1, refused_whole=True)


def beginning(path: Path) -> str:
    """First RAW_RECORD_LIMIT bytes as text, undecodable bytes replaced, personal data of IDocs masked."""
    with path.open("rb") as stream:
        head = stream.read(RAW_RECORD_LIMIT)
    encoding = "utf-16" if head[:2] in (b"\xff\xfe", b"\xfe\xff") else "utf-8-sig"
    return masked_flat(masked_text(head.decode(encoding, errors="replace")))


def restricted_columns(contract: Contract) -> frozenset[str]:
    """Columns whose values are shown to nobody who reads the quarantine."""
    properties = contract.document.schema_[0].properties or []
    return frozenset(p.name for p in properties if (p.classification or "").lower() in ("restricted", "personal", "confidential"))


def refusals(
    records: pl.DataFrame,
    contract: Contract,
    *,
    labels: Mapping[str, str] | None = None,
    phrases: Mapping[tuple[str, str], str] | None = None,
) -> pl.DataFrame:
    """Quarantine rows of refused records: one row each, QUARANTINE_SCHEMA.

    `records` has VERDICT, `_fault_line`, `_fault_segment` and `raw_record`; `labels` gives the source's name of a
    column, `phrases` the end of the sentence for a code and column that only the caller can explain.
    """
    worded = _phrases(records, contract, labels or {}, phrases or {})
    line = pl.format("line {}", pl.col("_fault_line"))
    where = pl.when(pl.col("_fault_segment").is_null()).then(line).otherwise(pl.format("{} ({})", "_fault_segment", line))
    value = pl.when(pl.col("_value").str.len_chars() > _SHOWN).then(pl.col("_value").str.slice(0, _SHOWN) + "…").otherwise(pl.col("_value"))
    shown = pl.when(pl.col("hidden")).then(pl.lit("a value that is not shown (restricted)")).otherwise("'" + value.fill_null("") + "'")
    middle = pl.when(pl.col("with_value")).then(" is " + shown + ", ").otherwise(pl.lit(" "))
    reason = pl.concat_str(pl.col("label"), pl.lit(" in "), where, middle, pl.col("phrase"))
    joined = records.join(worded, on=["_code", "_field"], how="left", maintain_order="left")
    return joined.select(
        table_name=pl.lit(contract.table),
        reason_code=pl.col("_code"),
        reason=reason,
        line=pl.col("_fault_line"),
        segment=pl.col("_fault_segment"),
        field=pl.col("_field"),
        raw_record=pl.col("raw_record").fill_null("").str.slice(0, RAW_RECORD_LIMIT),
    ).cast(QUARANTINE_SCHEMA)


def _phrases(records: pl.DataFrame, contract: Contract, labels: Mapping[str, str], given: Mapping[tuple[str, str], str]) -> pl.DataFrame:
    columns = {column.name: column for column in contract.columns}
    restricted = restricted_columns(contract)
    rows = []
    for code, field in records.select("_code", "_field").unique().sort("_code", "_field").iter_rows():
        phrase = given.get((code, field)) or _phrase(code, columns[field], contract)
        with_value = code not in ("required_missing", "serial_missing", "empty_document", "deletion_not_taken")
        rows.append((code, field, labels.get(field, field), phrase, with_value, field in restricted))
    schema = {
        "_code": pl.String,
        "_field": pl.String,
        "label": pl.String,
        "phrase": pl.String,
        "with_value": pl.Boolean,
        "hidden": pl.Boolean,
    }
    return pl.DataFrame(rows, schema=schema, orient="row")


def _phrase(code: str, column: Column, contract: Contract) -> str:
    problem, remedy = {
        "required_missing": (
            f"is blank, but {contract.table} needs it ({column.description.rstrip('.')})",
            f"fill it at the source {_AGAIN}",
        ),
        "too_long": (
            f"longer than the {column.max_length} characters that {column.name} may have",
            f"shorten it at the source {_AGAIN}",
        ),
        "serial_too_long": (
            f"longer than the {SERIAL_LENGTH} characters of a serial number, leading zeros aside",
            f"check what was scanned {_AGAIN}",
        ),
        "serial_missing": (
            "names no unit, since serial number and UII are both blank",
            f"read the serial number {_AGAIN}",
        ),
        "unmatched_serial": (
            "but the document has no item at that position",
            "number the items from 0001 in the order of their segments and deliver the document again.",
        ),
        "sign_unknown": (
            "but only - (sale) and + (return) say which way the goods went",
            f"correct the till's interface {_AGAIN}",
        ),
        "bad_date": (f"which is no {_date_kind(column)} that exists", f"correct it at the source {_AGAIN}"),
        "bad_number": (f"which is no number {_number_kind(column)}", f"correct it at the source {_AGAIN}"),
        "bad_boolean": (
            "which is neither true nor false (true, false, 1, 0, X or blank)",
            f"correct it at the source {_AGAIN}",
        ),
        "deletion_not_taken": (
            f"belongs to a row that is to be deleted (function 003), and {contract.table} tells what there is, not what is gone",
            "flag or block it at the source and deliver the row with that flag.",
        ),
        "empty_document": ("is absent, since the document has no item at all", "deliver it again with its items."),
    }[code]
    return f"{problem}; {remedy}"


def _date_kind(column: Column) -> str:
    return "day (yyyymmdd or yyyy-mm-dd)" if column.physical_type == "DATE" else "moment (ISO 8601, or yyyymmddHHMMSS)"


def _number_kind(column: Column) -> str:
    if column.physical_type.startswith("DECIMAL"):
        whole, scale = column.dtype.precision - column.dtype.scale, column.dtype.scale
        return f"with at most {whole} digits before and {scale} after the decimal point"
    return "without a fraction" if column.dtype.is_integer() else "with a decimal point"
