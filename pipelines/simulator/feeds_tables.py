"""Table extracts: the postings of the world as the ERP's own tables hold them, of ECC or of S/4HANA.

Material documents (MKPF and MSEG, or MATDOC) and their serial numbers (SER03, OBJK) belong here, made from what the IDocs of the
same world say, receipts of tills and goods issues of deliveries included. Off unless asked for; what IDocs hold is in feeds_*.py.
"""

from __future__ import annotations

from collections.abc import Mapping

import polars as pl

from pipelines.simulator.shaping import conform

__all__ = ["table_feeds"]

_FIRST_DOCUMENT = 4_900_000_001
_FIRST_LIST = {"ecc": 1, "s4": 3_000_000_001}
"""S/4HANA has numbers of eight bytes: beyond what four could hold."""
_ARTICLE_LENGTH = {"ecc": 18, "s4": 40}

_MIRRORED = ("301", "303", "305", "311", "541", "542", "641")
"""Transfers: the system makes a second line from the other end."""
_ADDING = ("101", "252", "305", "561", "701")
_LINE = (
    *("bwart", "matnr", "werks", "lgort", "charg", "sobkz", "lifnr", "kunnr", "ebeln", "umwrk", "umlgo", "vbeln_im", "bwtar", "sgtxt"),
    *("xblnr", "budat", "posted_at"),
)


def table_feeds(feeds: Mapping[str, pl.DataFrame], shape: str) -> dict[str, pl.DataFrame]:
    """The feeds sap/ser03 and sap/objk, and sap/mkpf with sap/mseg (shape ecc) or sap/matdoc (s4), by day of posting."""
    units = pl.concat([_movements(feeds["sap/goods_movements"]), _issues(feeds["sap/deliveries"]), _sales(feeds["pos/receipts"])])
    units = _numbered(units)
    lines = _lines(units).with_columns(matnr=pl.col("matnr").str.strip_chars_start("0").str.zfill(_ARTICLE_LENGTH[shape]))
    serialised = units.filter(pl.col("serial").is_not_null()).select("document", "item", "serial")
    listed = lines.join(serialised.select("document", "item").unique(), on=["document", "item"], maintain_order="left")
    headers = listed.sort("mblnr", "zeile").with_columns(obknr=pl.int_range(pl.len()) + _FIRST_LIST[shape])
    listed_units = headers.join(serialised, on=["document", "item"], maintain_order="left_right")
    line_of_list = pl.int_range(pl.len()).over("obknr") + 1
    objects = listed_units.select(
        "day", "obknr", "matnr", obzae=line_of_list, sernr="serial", taser=pl.lit("SER03"), extract_date=pl.col("budat")
    )
    ser03 = headers.select(
        "day", "obknr", "mblnr", "mjahr", "zeile", "bwart", "shkzg",
        datum="budat", anzsn="menge", vorgang=pl.lit("MMSL"), werk="werks", lagerort="lgort", charge="charg", extract_date="budat",
    )  # fmt: skip
    return {"sap/ser03": _feed("sap/ser03", ser03), "sap/objk": _feed("sap/objk", objects), **_documents(lines, shape)}


def _documents(lines: pl.DataFrame, shape: str) -> dict[str, pl.DataFrame]:
    header = {
        "bldat": pl.col("budat"),
        "cpudt": pl.col("posted_at").dt.date(),
        "cputm": pl.col("posted_at").dt.strftime("%H%M%S"),
        "extract_date": pl.col("budat"),
    }
    dropped = ("document", "item", "posted_at")
    if shape == "s4":
        whole = lines.with_columns(**header, record_type=pl.lit("MDOC"), meins=pl.lit("EA")).drop(dropped)
        return {"sap/matdoc": _feed("sap/matdoc", whole)}
    heads = lines.unique("mblnr", keep="first", maintain_order=True)
    mkpf = heads.select("day", "mblnr", "mjahr", "budat", "xblnr", **header)
    mseg = lines.with_columns(meins=pl.lit("EA"), extract_date="budat").drop(*dropped, "budat", "xblnr")
    return {"sap/mkpf": _feed("sap/mkpf", mkpf), "sap/mseg": _feed("sap/mseg", mseg)}


def _movements(feed: pl.DataFrame) -> pl.DataFrame:
    """One row per unit, or item without units, that a goods movement was posted for."""
    return feed.select(
        document=pl.concat_str(pl.lit("G"), "sndprn", "docnum"), item="matdoc_itm", bwart="move_type", matnr="material", werks="plant",
        lgort="stge_loc", charg="batch", sobkz="spec_stock", lifnr="vendor", kunnr="customer", ebeln="po_number", umwrk="move_plant",
        umlgo="move_stloc", vbeln_im="deliv_numb_to_search", bwtar="val_type", sgtxt=pl.lit(None, dtype=pl.String), xblnr="ref_doc_no",
        budat="pstng_date", posted_at=_moment("credat", "cretim"), serial="serialno", quantity="entry_qnt",
    )  # fmt: skip


def _issues(feed: pl.DataFrame) -> pl.DataFrame:
    """One row per unit, or item without units, that a delivery to a site issued."""
    nothing = pl.lit(None, dtype=pl.String)
    return feed.filter(pl.col("lfart") == "NL").select(
        document=pl.concat_str(pl.lit("D"), "vbeln"), item=pl.col("posnr").cast(pl.Int64), bwart=pl.lit("641"), matnr="matnr",
        werks="werks", lgort="lgort", charg="charg", sobkz=nothing, lifnr=nothing, kunnr=nothing, ebeln="vgbel", umwrk="partner_we",
        umlgo=nothing,
        vbeln_im="vbeln", bwtar=nothing, sgtxt=nothing, xblnr="vbeln", budat=pl.col("goods_issue_actual_at").dt.date(),
        posted_at="goods_issue_actual_at", serial="sernr", quantity="lfimg",
    )  # fmt: skip


def _sales(feed: pl.DataFrame) -> pl.DataFrame:
    """One row per unit that a till sold or took back; what was sold without a serial number is left out."""
    rows = feed.filter(pl.col("seriennr").is_not_null())
    nothing = pl.lit(None, dtype=pl.String)
    is_return = pl.col("vorzeichen") == "+"
    receipt = pl.concat_str("sndprn", "kassid", pl.col("vorgdatum").dt.strftime("%Y%m%d"), "bonnummer", separator="-")
    return rows.select(
        document=pl.lit("R") + receipt, item="posnr", bwart=pl.when(is_return).then(pl.lit("252")).otherwise(pl.lit("251")),
        matnr="artnr", werks="sndprn", lgort=nothing, charg=nothing, sobkz=nothing, lifnr=nothing, kunnr="kundnr", ebeln=nothing,
        umwrk=nothing, umlgo=nothing, vbeln_im=nothing, bwtar=nothing, sgtxt=receipt, xblnr=nothing, budat="vorgdatum",
        posted_at=_moment("vorgdatum", "vorgzeit"), serial="seriennr", quantity="menge",
    )  # fmt: skip


def _numbered(units: pl.DataFrame) -> pl.DataFrame:
    """The rows with `mblnr` and `mjahr`, documents counted as they were posted."""
    posted = units.group_by("document").agg(pl.col("posted_at").min(), pl.col("budat").first()).sort("posted_at", "document")
    numbers = posted.select(
        "document", mblnr=(pl.int_range(pl.len()) + _FIRST_DOCUMENT).cast(pl.String), mjahr=pl.col("budat").dt.year().cast(pl.Int64)
    )
    return units.join(numbers, on="document", maintain_order="left")


def _lines(units: pl.DataFrame) -> pl.DataFrame:
    """One row per line of a material document; a transfer has two."""
    items = units.group_by("document", "item").agg(
        pl.col("mblnr", "mjahr", *_LINE).first(),
        menge=pl.when(pl.col("serial").first().is_null()).then(pl.col("quantity").first()).otherwise(pl.len()),
    )
    adds = pl.col("bwart").is_in(_ADDING)
    made = pl.when(pl.col("bwart") == "543").then(pl.lit("X"))
    entered = items.with_columns(xauto=made, shkzg=pl.when(adds).then(pl.lit("S")).otherwise(pl.lit("H")), place=pl.lit(0))
    mirror = entered.filter(pl.col("bwart").is_in(_MIRRORED)).with_columns(
        xauto=pl.lit("X"),
        shkzg=pl.when(adds).then(pl.lit("H")).otherwise(pl.lit("S")),
        werks=pl.coalesce("umwrk", "werks"),
        lgort="umlgo",
        umwrk="werks",
        umlgo="lgort",
        place=pl.lit(1),
    )
    lines = pl.concat([entered, mirror]).sort("mblnr", "item", "place")
    return lines.with_columns(zeile=pl.int_range(pl.len()).over("mblnr") + 1, day=pl.col("budat").dt.strftime("%Y%m%d")).drop("place")


def _feed(table: str, rows: pl.DataFrame) -> pl.DataFrame:
    ordered = rows.sort("day", maintain_order=True)
    files = ordered.select(pl.format("{}_{}.csv", pl.lit(table), "day")).to_series()
    return conform(table, ordered.drop("day").to_dict(), files)


def _moment(day: str, clock: str) -> pl.Expr:
    return (pl.col(day).dt.strftime("%Y%m%d") + pl.col(clock)).str.to_datetime("%Y%m%d%H%M%S", time_unit="us")
