"""DELVRY07 files: delivery headers, items with serial numbers, handling units.

The segments of deliveries belong here. What all IDocs share is in idoc_segments.py, movements and receipts are in
idoc_xml.py.
"""

from __future__ import annotations

import polars as pl

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

__all__ = ["deliveries"]


def _moment(column: str, date_field: str, time_field: str) -> pl.Expr:
    stamp = pl.col(column).dt.strftime(f"<{date_field}>%Y%m%d</{date_field}><{time_field}>%H%M%S</{time_field}>")
    return stamp.fill_null("")


def _partners(names: list[str]) -> pl.Expr:
    """One E1ADRM1 per partner; identification only, no names."""
    parts = [
        pl.when(pl.col(f"partner_{q.lower()}").is_not_null())
        .then(segment("E1ADRM1", fixed("PARTNER_Q", q), tag("PARTNER_ID", f"partner_{q.lower()}")))
        .otherwise(pl.lit(""))
        for q in ("AG", "WE", "LF", "SP")
        if f"partner_{q.lower()}" in names
    ]
    return pl.concat_str(parts)


def deliveries(rows: pl.DataFrame, cartons: pl.DataFrame) -> pl.DataFrame:
    """Text of DELVRY07 files: header, partners and dates, items with serial numbers, then the handling units."""
    times = ("goods_issue_planned_at", "goods_issue_actual_at", "delivery_planned_at", "delivery_actual_at")
    texts = texts_of(rows).with_columns(rows.select(times))
    key = ["_file", "docnum"]
    first = texts.filter(first_of(*key))
    fields = tags(texts, ("VBELN", "VSTEL", "ROUTE", "BTGEW", "NTGEW", "GEWEI", "ANZPK", "BOLNR", "TRAID", "LIFEX"))
    dates = pl.concat_str(
        segment("E1EDT13", fixed("QUALF", "006"), _moment(times[0], "NTANF", "NTANZ"), _moment(times[1], "ISDD", "ISDZ")),
        segment("E1EDT13", fixed("QUALF", "007"), _moment(times[2], "NTANF", "NTANZ"), _moment(times[3], "ISDD", "ISDZ")),
    )
    kind = pl.concat_str(segment("E1EDL21", tag("LFART")), segment("E1EDL18", tag("QUALF")), _partners(texts.columns), dates)
    head = pl.concat_str(pl.lit('<E1EDL20 SEGMENT="1">'), *fields, pl.lit("\n"), kind)
    heads = first.select(*key, control=control("DESADV", "LS", 1), head=head)
    joined = heads.join(joined_texts(_delivery_items(texts), key, ["item"]), on=key, maintain_order="left")
    packed = joined_texts(_packed(cartons), key, ["packed"])
    joined = joined.join(packed, on=key, how="left", maintain_order="left").with_columns(pl.col("packed").fill_null(""))
    return files_of(
        joined.select("_file", text=pl.concat_str("control", "head", "item", "packed", pl.lit("</E1EDL20>\n"))),
        "DELVRY07",
    )


def _delivery_items(texts: pl.DataFrame) -> pl.DataFrame:
    """One text per delivery item. Of units whose UII is their serial number, those that end evenly have no SERNR."""
    item = ["_file", "docnum", "posnr"]
    identified = pl.col("uii") if "uii" in texts.columns else pl.lit(None, dtype=pl.String)
    only = (identified == pl.col("sernr")) & (pl.col("sernr").str.slice(-1).cast(pl.Int8) % 2 == 0)
    number = pl.when(only.fill_null(False)).then(pl.lit("<SERNR/>")).otherwise(tag("SERNR"))
    unit = segment("E1EDL11", number, *tags(texts, ("UII",)))
    lines = texts.select(*item, serials=pl.when(pl.col("sernr").is_not_null()).then(unit))
    names = ("POSNR", "MATNR", "ARKTX", "WERKS", "LGORT", "CHARG", "LFIMG", "VRKME", "LGMNG", "MEINS", "EAN11")
    body = pl.concat_str(pl.lit('<E1EDL24 SEGMENT="1">'), *tags(texts, names), pl.lit("\n"))
    order = segment("E1EDL43", fixed("QUALF", "V"), tag("BELNR", "vgbel"), tag("POSNR", "vgpos"))
    first = texts.filter(first_of(*item)).select(*item, body=body, order=order)
    joined = first.join(joined_texts(lines, item, ["serials"]), on=item, maintain_order="left")
    return joined.with_columns(item=pl.concat_str("body", "serials", "order", pl.lit("</E1EDL24>\n")))


def _packed(cartons: pl.DataFrame) -> pl.DataFrame:
    """One text per handling unit with its contents."""
    texts = texts_of(cartons)
    key = ["_file", "docnum", "exidv"]
    content = segment("E1EDL44", tag("VBELN"), tag("POSNR"), tag("VEMNG"), tag("VEMEH"), tag("MATNR"), *tags(texts, ("CHARG",)))
    head = pl.concat_str(pl.lit('<E1EDL37 SEGMENT="1">'), *tags(texts, ("EXIDV", "VHILM", "BRGEW", "NTGEW", "GEWEI")), pl.lit("\n"))
    first = texts.filter(first_of(*key)).select(*key, head=head)
    joined = first.join(joined_texts(texts.select(*key, content=content), key, ["content"]), on=key, maintain_order="left")
    return joined.with_columns(packed=pl.concat_str("head", "content", pl.lit("</E1EDL37>\n")))
