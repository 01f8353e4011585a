"""MBGMCR03 and WPUBON01 files: material documents and till receipts; and the assembler of each basic type.

One assembler per basic type, rows in, one text per file out. What all IDocs share is in idoc_segments.py, deliveries
are in idoc_deliveries.py. Where files lie and how they are written is in files.py.
"""

from __future__ import annotations

from collections.abc import Callable

import polars as pl

from pipelines.simulator.idoc_deliveries import deliveries
from pipelines.simulator.idoc_segments import (
    control,
    files_of,
    first_of,
    fixed,
    joined_texts,
    segment,
    tag,
    tags,
    texts_of,
)

__all__ = ["ASSEMBLERS"]

_ITEM = (
    "MATERIAL",
    "PLANT",
    "STGE_LOC",
    "BATCH",
    "MOVE_TYPE",
    "STCK_TYPE",
    "SPEC_STOCK",
    "VENDOR",
    "CUSTOMER",
    "VAL_TYPE",
    "ENTRY_QNT",
    "ENTRY_UOM",
    "PO_NUMBER",
    "PO_ITEM",
    "ITEM_TEXT",
    "MOVE_MAT",
    "MOVE_PLANT",
    "MOVE_STLOC",
    "MOVE_BATCH",
    "MOVE_VAL_TYPE",
    "MVT_IND",
    "MOVE_REAS",
    "XSTOB",
    "DELIV_NUMB_TO_SEARCH",
    "DELIV_ITEM_TO_SEARCH",
)


def goods_movements(rows: pl.DataFrame) -> pl.DataFrame:
    """Text of MBGMCR03 files: all items of a document first, then the serial numbers of all items."""
    texts = texts_of(rows).with_columns(pl.col("matdoc_itm").str.zfill(4))
    key = ["_file", "docnum"]
    new_item = first_of(*key, "matdoc_itm")
    head = segment("E1BP2017_GM_HEAD_01", *tags(texts, ("PSTNG_DATE", "DOC_DATE", "REF_DOC_NO", "BILL_OF_LADING", "HEADER_TXT")))
    code = segment("E1BP2017_GM_CODE", tag("GM_CODE"))
    serial = segment("E1BP2017_GM_SERIALNUMBER", tag("MATDOC_ITM"), tag("SERIALNO"), *tags(texts, ("UII",)))
    has_serial = pl.col("serialno").is_not_null() if "serialno" in texts.columns else pl.lit(False)
    lines = texts.select(*key, serials=pl.when(has_serial).then(serial) if "serialno" in texts.columns else pl.lit(""))
    items = texts.filter(new_item).select(*key, items=segment("E1BP2017_GM_ITEM_CREATE", *tags(texts, _ITEM)))
    new_document = first_of(*key)
    heads = texts.filter(new_document).select(*key, control=control("MBGMCR", "LS", 2), head=pl.concat_str(head, code))
    joined = heads.join(joined_texts(items, key, ["items"]), on=key, maintain_order="left")
    joined = joined.join(joined_texts(lines, key, ["serials"]), on=key, maintain_order="left")
    body = pl.concat_str("control", pl.lit('<E1MBGMCR SEGMENT="1">\n'), "head", "items", "serials", pl.lit("</E1MBGMCR>\n"))
    return files_of(joined.select("_file", text=body), "MBGMCR03")


def till_receipts(rows: pl.DataFrame) -> pl.DataFrame:
    """Text of WPUBON01 files: one IDoc per site and day, one E1WPB01 per receipt, with a payment after its lines."""
    texts = texts_of(rows).with_columns(cents=(rows["kondvalue"] * 100).cast(pl.Int64))
    document, receipt = ["_file", "docnum"], ["_file", "docnum", "kassid", "vorgdatum", "bonnummer"]
    extra = [
        pl.when(pl.col(column).is_not_null())
        .then(segment("E1WXX01", fixed("FLDGRP", "RET"), fixed("FLDNAME", name), tag("FLDVAL", column)))
        .otherwise(pl.lit(""))
        for name, column in (("RETURN_REASON", "return_reason"), ("CONDITION", "condition_code"))
        if column in texts.columns
    ]
    fields = tags(texts, ("VORGANGART", "QUALARTNR", "ARTNR", "SERIENNR", "VORZEICHEN", "MENGE", "AKTIONSNR", "REFBONNR"))
    value = segment("E1WPB03", tag("VORZEICHEN"), tag("KONDVALUE"))
    line = pl.concat_str(pl.lit('<E1WPB02 SEGMENT="1">'), *fields, pl.lit("\n"), value, *extra, pl.lit("</E1WPB02>\n"))
    lines = texts.select(*receipt, "cents", "vorzeichen", line=line).group_by(receipt, maintain_order=True)
    joined = lines.agg(pl.col("line").str.join(""), pl.col("cents").sum(), pl.col("vorzeichen").first())
    heads = tags(texts, ("KASSID", "VORGDATUM", "VORGZEIT", "BONNUMMER", "QUALKDNR", "KUNDNR", "KASSIERER", "BELEGWAERS"))
    first = texts.filter(pl.col("posnr") == "1").select(*receipt, head=pl.concat_str(pl.lit('<E1WPB01 SEGMENT="1">'), *heads, pl.lit("\n")))
    receipts = first.join(joined, on=receipt, maintain_order="left").with_columns(
        text=pl.concat_str("head", "line", _payment(), pl.lit("</E1WPB01>\n"))
    )
    new_document = first_of(*document)
    controls = texts.filter(new_document).select(*document, control=control("WPUBON", "KU", 2))
    idocs = controls.join(joined_texts(receipts, document, ["text"]), on=document, maintain_order="left")
    return files_of(idocs.select("_file", text=pl.concat_str("control", "text")), "WPUBON01")


def _payment() -> pl.Expr:
    """Payment segment of a receipt, with a masked card number; readers ignore it."""
    amount = (pl.col("cents") / 100).cast(pl.Decimal(15, 2)).cast(pl.String)
    card = pl.concat_str(pl.lit("<KARTENNR>4xxxxxxxxxxx"), pl.col("bonnummer").str.slice(-4), pl.lit("</KARTENNR>"))
    summe = pl.concat_str(pl.lit("<SUMME>"), amount, pl.lit("</SUMME>"))
    return segment("E1WPB06", tag("VORZEICHEN"), fixed("ZAHLART", "CC"), summe, card)


ASSEMBLERS: dict[str, Callable[..., pl.DataFrame]] = {
    "sap/goods_movements": goods_movements,
    "pos/receipts": till_receipts,
    "sap/deliveries": deliveries,
}
