"""A second, independent telling of every unit's life, in Polars from the simulator's frames, as referee of the ledger.

It shares nothing with the SQL: not the movement-type table, not a query, not the shape of its records. What it knows of the
rules is written here, from README.md, section "How a unit's state comes about".
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import NamedTuple

import polars as pl

Feeds = Mapping[str, pl.DataFrame]
UNIT = ["article", "serial"]


class Rule(NamedTuple):
    """What a movement type does: the state and the place after it, its order within a moment, and what it takes to be possible."""

    state: str
    place: str
    rank: int
    witnesses: str
    stock_type: str | None
    possible_after: str
    is_receipt: bool = False


_ANEW = "nothing consumed returned_to_vendor missing"
RULES = {
    "101": Rule("in_stock", "here", 10, "receipt", "01", f"{_ANEW} in_transit", is_receipt=True),
    "122": Rule("returned_to_vendor", "none", 90, "issue", None, "in_stock"),
    "251": Rule("with_customer", "none", 90, "sale", None, "in_stock"),
    "252": Rule("in_stock", "here", 10, "return", "01", "with_customer", is_receipt=True),
    "301": Rule("in_stock", "there", 50, "transfer", "01", "in_stock"),
    "303": Rule("in_transit", "there", 50, "transfer", "05", "in_stock"),
    "305": Rule("in_stock", "here", 50, "transfer", "01", "in_transit"),
    "311": Rule("in_stock", "there", 50, "transfer", "01", "in_stock"),
    "541": Rule("with_vendor", "here", 50, "to repair", "01", "in_stock"),
    "542": Rule("in_stock", "here", 50, "from repair", "01", "with_vendor"),
    "543": Rule("consumed", "none", 5, "from repair", None, "with_vendor"),
    "551": Rule("scrapped", "none", 90, "scrapping", None, "in_stock"),
    "561": Rule("in_stock", "here", 10, "initial load", "01", "nothing", is_receipt=True),
    "641": Rule("in_transit", "there", 50, "issue", "06", "in_stock"),
    "701": Rule("in_stock", "here", 20, "gain", "01", f"{_ANEW} in_transit scrapped with_customer", is_receipt=True),
    "702": Rule("missing", "none", 90, "loss", None, "in_stock"),
}
SCANNED = {"receive": "101", "repair_out": "541", "repair_in": "542", "scrap": "551", "ship": "122"}
"""What a scan is that no document was posted for."""

SCANNED_AS = {"receive": "receipt", "repair_out": "to repair", "repair_in": "from repair", "scrap": "scrapping", "ship": "issue"}
_TABLE = pl.DataFrame([{"kind": kind, **rule._asdict()} for kind, rule in RULES.items()])


def lives(feeds: Feeds) -> pl.DataFrame:
    """One row per unit: state, site, storage location and stock type after its last movement that counts, and how many it had."""
    told = _told(feeds).join(_TABLE, on="kind", how="left")
    assert told["state"].null_count() == 0, told.filter(pl.col("state").is_null())["kind"].unique()
    ordered = told.sort(*UNIT, "happened", "rank", "document", "kind").with_columns(
        position=pl.int_range(pl.len()).over(UNIT), moves=pl.len().over(UNIT), day=pl.col("happened").dt.date()
    )
    site = {"here": pl.col("site"), "there": pl.col("other")}
    location = {"here": pl.col("location"), "there": pl.col("other_location")}
    placed = ordered.with_columns(
        at=pl.coalesce(*(pl.when(pl.col("place") == name).then(value) for name, value in site.items())),
        # What a repairer has lies in none of our storage locations.
        on=pl.when(pl.col("state") != "with_vendor").then(
            pl.coalesce(*(pl.when(pl.col("place") == name).then(value) for name, value in location.items()))
        ),
    )
    counting = placed.join(_outweighed(placed), on=[*UNIT, "position"], how="anti")
    return (
        counting.group_by(UNIT)
        .agg(pl.all().sort_by("position").last())
        .select(
            article_id="article",
            serial_number="serial",
            unit_state="state",
            site_id="at",
            storage_location_id="on",
            stock_type_code="stock_type",
            movement_count="moves",
        )
    )


def _outweighed(moves: pl.DataFrame) -> pl.DataFrame:
    """Movements that the state does not follow: of two claims of one day to a unit, the later, where the earlier's is stronger.

    Stronger is what belongs to a chain of documents, and else what has more witnesses.
    """
    before = {f"{name}_before": pl.col(name).shift(1).over(UNIT) for name in ("state", "at", "day", "chain", "witness_count")}
    followed = moves.sort(*UNIT, "position").with_columns(**before)
    is_possible = (pl.lit(" ") + pl.col("possible_after") + " ").str.contains(
        pl.lit(" ") + pl.col("state_before").fill_null("nothing") + " ", literal=True
    )
    is_elsewhere = (pl.col("state_before") == "in_stock") & pl.col("is_receipt") & (pl.col("at_before") != pl.col("at"))
    is_sold_again = (pl.col("state_before") == "with_customer") & (pl.col("state") == "with_customer")
    claims = followed.filter(~is_possible, is_elsewhere | is_sold_again, pl.col("day") == pl.col("day_before"))
    others = moves.select(*UNIT, "chain", other_position="position").filter(pl.col("chain").is_not_null())
    beside = (pl.col("other_position") != pl.col("position")) & (pl.col("other_position") != pl.col("position") - 1)
    chained = claims.join(others, on=UNIT, suffix="_other").filter(beside)
    chains = chained.group_by(*UNIT, "position").agg(
        earlier_chained=(pl.col("chain_other") == pl.col("chain_before")).fill_null(value=False).any(),
        later_chained=(pl.col("chain_other") == pl.col("chain")).fill_null(value=False).any(),
    )
    judged = claims.join(chains, on=[*UNIT, "position"], how="left").with_columns(
        pl.col("earlier_chained", "later_chained").fill_null(value=False)
    )
    by_chain = pl.col("earlier_chained") & ~pl.col("later_chained")
    by_witnesses = (pl.col("earlier_chained") == pl.col("later_chained")) & (pl.col("witness_count_before") > pl.col("witness_count"))
    return judged.filter(by_chain | by_witnesses).select(*UNIT, "position")


def _told(feeds: Feeds) -> pl.DataFrame:
    """One row per movement: unit, document, type, when it happened, from where to where, its chain of documents and its witnesses."""
    posted, scans, receipts = _posted(feeds), _scans(feeds), _warehouse_receipts(feeds)
    unposted = scans.join(posted, on=[*UNIT, "document"], how="anti").with_columns(pl.col("action").replace_strict(SCANNED).alias("kind"))
    named = ["article", "serial", "document", "kind", "moment", "site", "other", "location", "other_location", "chain"]
    moved = pl.concat(part.select(named) for part in (posted, unposted, _issued(feeds), _sold(feeds)))
    seen = pl.concat([scans.select(*UNIT, "document", "moment"), receipts.select(*UNIT, "document", "moment")])
    earliest = seen.group_by(*UNIT, "document").agg(seen=pl.col("moment").min())
    # Of a repaired unit the hand-over is scanned, and the receipt that follows it in the same document is not.
    is_seen = ~((pl.col("kind") == "101") & pl.col("document").str.starts_with("RI"))
    return (
        moved.join(earliest, on=[*UNIT, "document"], how="left")
        .with_columns(happened=pl.when(is_seen).then(pl.min_horizontal("moment", "seen")).otherwise("moment"))
        .join(_witnesses(scans, receipts, posted), on=[*UNIT, "document", "kind"], how="left")
        .with_columns(pl.col("witness_count").fill_null(1))
    )


def _witnesses(scans: pl.DataFrame, receipts: pl.DataFrame, posted: pl.DataFrame) -> pl.DataFrame:
    """How many systems tell of a posting: the ERP, and who handled the unit on its document."""
    by_hand = scans.select(*UNIT, "document", witnesses=pl.col("action").replace_strict(SCANNED_AS), source=pl.lit("handheld"))
    by_warehouse = receipts.select(*UNIT, "document", witnesses=pl.lit("receipt"), source=pl.lit("wms"))
    handled = pl.concat([by_hand, by_warehouse]).unique()
    count = handled.group_by(*UNIT, "document", "witnesses").len("others")
    told = posted.select(*UNIT, "document", "kind").unique().join(_TABLE.select("kind", "witnesses"), on="kind")
    joined = told.join(count, on=[*UNIT, "document", "witnesses"], how="left")
    return joined.select(*UNIT, "document", "kind", witness_count=1 + pl.col("others").fill_null(0))


def _unit(article: str, serial: pl.Expr) -> dict[str, pl.Expr]:
    return {"article": pl.col(article).str.strip_chars().str.strip_chars_start("0"), "serial": serial.str.strip_chars()}


def _moment(day: str, clock: str) -> pl.Expr:
    parts = {name: pl.col(clock).str.slice(at, 2).cast(pl.Int64) for name, at in (("hours", 0), ("minutes", 2), ("seconds", 4))}
    return pl.col(day).cast(pl.Datetime("us")) + pl.duration(**parts)


def _number(name: str) -> pl.Expr:
    return pl.col(name).str.strip_chars().str.strip_chars_start("0")


def _posted(feeds: Feeds) -> pl.DataFrame:
    """Postings of the ERP, each IDoc item once."""
    rows = feeds["sap/goods_movements"].filter(pl.col("serialno").is_not_null())
    once = rows.unique(["sndprn", "docnum", "matdoc_itm", "serialno"])
    return once.select(
        **_unit("material", pl.col("serialno")),
        document="ref_doc_no",
        kind="move_type",
        moment=_moment("credat", "cretim"),
        site="plant",
        other=pl.coalesce("move_plant", "plant"),
        location="stge_loc",
        other_location="move_stloc",
        chain=pl.coalesce(_number("deliv_numb_to_search"), _number("po_number"), _number("sales_ord")),
    )


def _issued(feeds: Feeds) -> pl.DataFrame:
    """Goods issues of deliveries to stores, each delivery item's unit once."""
    is_issued = pl.col("goods_issue_actual_at").is_not_null() & pl.coalesce("sernr", "uii").is_not_null()
    rows = feeds["sap/deliveries"].filter(pl.col("lfart") == "NL", is_issued).unique(["vbeln", "matnr", "sernr", "uii"])
    return rows.select(
        **_unit("matnr", pl.coalesce("sernr", "uii")),
        document=_number("vbeln"),
        kind=pl.lit("641"),
        moment=pl.col("goods_issue_actual_at").cast(pl.Datetime("us")),
        site="werks",
        other="partner_we",
        location="lgort",
        other_location=pl.lit(None, pl.String),
        chain=_number("vbeln"),
    )


def _sold(feeds: Feeds) -> pl.DataFrame:
    """Till lines with a serial number, each receipt line once."""
    rows = feeds["pos/receipts"].filter(pl.col("seriennr").is_not_null())
    once = rows.unique(["sndprn", "kassid", "vorgdatum", "bonnummer", "posnr"])
    return once.select(
        **_unit("artnr", pl.col("seriennr")),
        document="bonnummer",
        kind=pl.when(pl.col("vorzeichen") == "-").then(pl.lit("251")).otherwise(pl.lit("252")),
        moment=_moment("vorgdatum", "vorgzeit"),
        site="sndprn",
        other="sndprn",
        location=pl.lit(None, pl.String),
        other_location=pl.lit(None, pl.String),
        chain=pl.lit(None, pl.String),
    )


def _scans(feeds: Feeds) -> pl.DataFrame:
    """Units handled on a document, each scan once; counts and inspections move nothing."""
    rows = feeds["handheld/scans"].filter(~pl.col("action").is_in(["count", "inspect"])).unique("scan_id")
    scans = rows.select(
        **_unit("article", pl.col("serial_number")),
        document="document_id",
        action="action",
        moment=pl.col("scanned_at").cast(pl.Datetime("us")),
        site="site",
        other=pl.coalesce("to_site", "site"),
        location="storage_location",
        other_location="to_storage_location",
        chain=_number("delivery_number"),
    )
    return scans.filter(pl.col("action").is_in(list(SCANNED)))


def _warehouse_receipts(feeds: Feeds) -> pl.DataFrame:
    rows = feeds["wms/receipts"].filter(pl.col("serial_number").is_not_null())
    return rows.select(
        **_unit("article", pl.col("serial_number")), document="receipt_number", moment=pl.col("received_at").cast(pl.Datetime("us"))
    )
