"""A second, independent telling of every unit's life, in plain Python from the simulator's frames, as referee of the ledger."""

from collections import defaultdict
from datetime import datetime, timedelta

import polars as pl
import pytest

# movement type -> (state after, which place holds the unit afterwards, rank among movements of the same moment)
RULES = {
    "101": ("in_stock", "here", 10),
    "122": ("returned_to_vendor", None, 90),
    "251": ("with_customer", None, 90),
    "252": ("in_stock", "here", 10),
    "301": ("in_stock", "there", 50),
    "303": ("in_transit", "there", 50),
    "305": ("in_stock", "here", 50),
    "311": ("in_stock", "there", 50),
    "541": ("with_vendor", "here", 50),
    "542": ("in_stock", "here", 50),
    "543": ("consumed", None, 5),
    "551": ("scrapped", None, 90),
    "561": ("in_stock", "here", 10),
    "641": ("in_transit", "there", 90),
    "701": ("in_stock", "here", 20),
    "702": ("missing", None, 90),
}
SCANS_MOVE = {"receive": "101", "repair_out": "541", "repair_in": "542", "scrap": "551", "ship": "122"}


def _key(article, serial):
    return article.strip().lstrip("0"), serial.strip()


def _moment(day, clock):
    return datetime(day.year, day.month, day.day) + timedelta(hours=int(clock[:2]), minutes=int(clock[2:4]), seconds=int(clock[4:6]))


def _posted(feeds):
    """Postings of the ERP, each IDoc item once: unit, document, type, moment, site, receiving site."""
    once = feeds["sap/goods_movements"].unique(["sndprn", "docnum", "matdoc_itm", "serialno"]).filter(pl.col("serialno").is_not_null())
    for row in once.iter_rows(named=True):
        unit = _key(row["material"], row["serialno"])
        yield (
            unit,
            row["ref_doc_no"],
            row["move_type"],
            _moment(row["credat"], row["cretim"]),
            row["plant"],
            row["move_plant"] or row["plant"],
        )


def _issued(feeds):
    """Goods issues of deliveries to stores."""
    rows = feeds["sap/deliveries"].filter(pl.col("lfart") == "NL", pl.col("goods_issue_actual_at").is_not_null())
    for row in rows.filter(pl.coalesce("sernr", "uii").is_not_null()).iter_rows(named=True):
        unit = _key(row["matnr"], row["sernr"] or row["uii"])
        yield unit, row["vbeln"], "641", row["goods_issue_actual_at"], row["werks"], row["partner_we"]


def _sold(feeds):
    """Till lines with a serial number, each receipt line once."""
    once = feeds["pos/receipts"].unique(["sndprn", "kassid", "vorgdatum", "bonnummer", "posnr"]).filter(pl.col("seriennr").is_not_null())
    for row in once.iter_rows(named=True):
        kind = "251" if row["vorzeichen"] == "-" else "252"
        yield (
            _key(row["artnr"], row["seriennr"]),
            row["bonnummer"],
            kind,
            _moment(row["vorgdatum"], row["vorgzeit"]),
            row["sndprn"],
            row["sndprn"],
        )


def _seen(feeds, posted_documents):
    """When each unit was handled on each document, by scan or WMS; and scans of movements that nobody posted."""
    moments, unposted = {}, []
    wms = [(r["article"], r["serial_number"], r["receipt_number"], r["received_at"]) for r in feeds["wms/receipts"].iter_rows(named=True)]
    for article, serial, document, moment in wms:
        if serial is not None:
            moments[_key(article, serial), document] = moment
    for row in feeds["handheld/scans"].filter(~pl.col("action").is_in(["count", "inspect"])).iter_rows(named=True):
        unit = _key(row["article"], row["serial_number"])
        moments[unit, row["document_id"]] = row["scanned_at"]
        if (unit, row["document_id"]) not in posted_documents:
            assert row["action"] in SCANS_MOVE, "every transfer of the small world is posted"
            unposted.append((unit, row["document_id"], SCANS_MOVE[row["action"]], row["scanned_at"], row["site"], row["site"]))
    return moments, unposted


@pytest.fixture(scope="module")
def told(small_world):
    """State and site of every unit after its last movement, and the number of its movements."""
    posted = list(_posted(small_world.feeds))
    moments, unposted = _seen(small_world.feeds, {(unit, document) for unit, document, *_ in posted})
    lives = defaultdict(list)
    for unit, document, kind, moment, site, other in [*posted, *unposted, *_issued(small_world.feeds), *_sold(small_world.feeds)]:
        # Of a repaired unit the hand-over is scanned, and the receipt that follows it in the same document is not.
        is_scanned = not (kind == "101" and document.startswith("RI"))
        happened = min(moment, moments.get((unit, document), moment)) if is_scanned else moment
        lives[unit].append((happened, RULES[kind][2], document, kind, site, other))
    ends = {}
    for unit, life in lives.items():
        *_, kind, site, other = max(life)
        state, place, _ = RULES[kind]
        ends[unit] = (state, {"here": site, "there": other, None: None}[place], len(life))
    return ends


def test_the_ledger_and_the_referee_tell_the_same_lives(built_world, told):
    rows = built_world.query("select article_id, serial_number, unit_state, site_id, movement_count from serials")
    ledger = {(article, serial): (state, site, count) for article, serial, state, site, count in rows.iter_rows()}
    assert len(told) > 3_000
    assert ledger.keys() == told.keys()
    differing = {unit: (ledger[unit], told[unit]) for unit in told if ledger[unit] != told[unit]}
    assert differing == {}
