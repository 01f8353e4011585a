"""SAP documents: one IDoc XML file becomes records of the contracts, and refusals with their reasons.

Which family reads which IDoc, and what becomes of the ones that nobody reads, belong here. The families are in idoc/.
A file that breaks off is refused whole: its delivery is one act. See README.md, section "When a record is refused".
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from pathlib import Path

import polars as pl

from pipelines.contracts import Contract
from pipelines.sources.extracted import Extracted, quarantined
from pipelines.sources.idoc.deliveries import Deliveries
from pipelines.sources.idoc.goods_movements import GoodsMovements
from pipelines.sources.idoc.raw import printed, segment_texts
from pipelines.sources.idoc.reader import Idoc, UnreadableXml, read_idocs
from pipelines.sources.idoc.receipts import Receipts
from pipelines.sources.verdicts import refusals, refused_file

__all__ = ["read_sap_documents"]

Family = GoodsMovements | Deliveries | Receipts

_BASIC_TYPE = re.compile(r"^([A-Z]+)\d\d$")


def read_sap_documents(path: Path, contracts: Mapping[str, Contract]) -> Extracted:
    """Read an IDoc XML file: records of all tables whose contract names an `idocMessage`.

    Never raises for bad content. An IDoc of a type that no contract reads is one refused record.
    """
    ours = {table: contract for table, contract in contracts.items() if contract.custom("idocMessage")}
    families: dict[str, Family] = {}
    unknown: list[dict] = []
    records_in = 0
    try:
        for idoc in read_idocs(path):
            family = _family(idoc, ours, families)
            if family is None:
                unknown.append(_unknown(idoc, ours))
                records_in += 1
            else:
                records_in += family.add(idoc)
        return _extracted(path, ours, families, unknown=unknown, records_in=records_in)
    except UnreadableXml as error:
        return refused_file(path, code=error.code, reason=str(error))


def _family(idoc: Idoc, contracts: Mapping[str, Contract], families: dict[str, Family]) -> Family | None:
    match = _BASIC_TYPE.match(idoc.basic_type)
    message = match[1] if match else ""
    if message not in families:
        ours = {table: contract for table, contract in contracts.items() if contract.custom("idocMessage") == message}
        if "sap/goods_movements" in ours:
            families[message] = GoodsMovements(ours["sap/goods_movements"])
        elif "sap/deliveries" in ours:
            families[message] = Deliveries(ours)
        elif "pos/receipts" in ours:
            families[message] = Receipts(ours["pos/receipts"])
    return families.get(message)


def _unknown(idoc: Idoc, contracts: Mapping[str, Contract]) -> dict:
    known = ", ".join(sorted({contract.custom("idocMessage") for contract in contracts.values()}))
    return {
        "reason_code": "unknown_idoc_type",
        "reason": f"IDOC[{idoc.number}] (line {idoc.line}) is of type {idoc.basic_type[:40]}, which no source contract "
        f"reads; known are {known}; "
        "send it elsewhere, or add a contract and a reader for it.",
        "line": idoc.line,
        "segment": f"IDOC[{idoc.number}]",
        "field": "idoctyp",
        "raw_record": printed(idoc.element),
    }


def _extracted(
    path: Path,
    contracts: Mapping[str, Contract],
    families: Mapping[str, Family],
    *,
    unknown: list[dict],
    records_in: int,
) -> Extracted:
    accepted, refused = {}, []
    for family in families.values():
        for table, records in family.records().items():
            fine = records.filter(pl.col("_code").is_null())
            if fine.height:
                accepted[table] = fine.select(*contracts[table].polars_schema, "_line")
            if fine.height < records.height:
                refused.append((contracts[table], family, _placed(records.filter(pl.col("_code").is_not_null()), family)))
    texts = _texts(path, [records for _, _, records in refused])
    rows = [quarantined(unknown)]
    for contract, family, records in refused:
        labels = {column.name: column.name.upper() for column in contract.columns} | family.labels
        rows.append(refusals(_with_raw(records, texts), contract, labels=labels))
    return Extracted(accepted, pl.concat(rows).sort("line", maintain_order=True, nulls_last=True), records_in)


def _placed(records: pl.DataFrame, family: Family) -> pl.DataFrame:
    """Refused records with the segment in which the field at fault stands."""
    segment = pl.col("_field").replace_strict(family.segments, default=pl.col("_fault_segment"), return_dtype=pl.String)
    return records.with_columns(
        segment.alias("_fault_segment"),
        pl.concat_list(segment, "_segments").list.drop_nulls().list.unique(maintain_order=True).alias("_segments"),
    )


def _texts(path: Path, refused: list[pl.DataFrame]) -> pl.DataFrame:
    """Texts of all segments of refused records, from a second look at the file: `_idoc`, `_segments`, `text`."""
    schema = {"_idoc": pl.Int64, "_segments": pl.String, "text": pl.String}
    if not refused:
        return pl.DataFrame(schema=schema)
    wanted = pl.concat([records.select("_idoc", "_segments").explode("_segments") for records in refused])
    names = {idoc: set(segments) for idoc, segments in wanted.group_by("_idoc").agg(pl.col("_segments").unique()).iter_rows()}
    found = segment_texts(path, names)
    return pl.DataFrame([(idoc, segment, text) for (idoc, segment), text in found.items()], schema=schema, orient="row")


def _with_raw(records: pl.DataFrame, texts: pl.DataFrame) -> pl.DataFrame:
    numbered = records.with_row_index("_row")
    pieces = (
        numbered.select("_row", "_idoc", "_segments")
        .explode("_segments")
        .join(texts, on=["_idoc", "_segments"], how="left", maintain_order="left")
    )
    raw = pieces.group_by("_row", maintain_order=True).agg(pl.col("text").drop_nulls().str.join("\n").alias("raw_record"))
    return numbered.join(raw, on="_row", how="left", maintain_order="left").drop("_row")
