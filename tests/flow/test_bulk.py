"""Goods that move without serial numbers: quantities beside the units, by the same movement types and the same witnesses."""

from __future__ import annotations

from datetime import date, datetime
from decimal import Decimal

import polars as pl
import pytest

from pipelines.lake import Lake
from tests.flow.bronze import movement
from tests.properties.compiled import CompiledLedger

pytestmark = pytest.mark.slow

DAY = date(2026, 3, 2)
TABLES = ("bulk_movements", "bulk_stock", "bulk_stock_daily")


def goods(document: str, kind: str, quantity: float, article: str = "B1", **other) -> dict:
    """One item of a goods movement without serial numbers."""
    return movement(document, 1, kind, None, article=article, **{"day": DAY, "entry_qnt": quantity, "entry_uom": "EA", **other})


def till(number: str, article: str, quantity: int, sign: str = "-") -> dict:
    return {
        "docnum": f"T{number}", "idoctyp": "WPUBON01", "sndprn": "S101", "credat": DAY, "cretim": "213000", "kassid": "01",
        "vorgdatum": DAY, "vorgzeit": "120000", "bonnummer": number, "posnr": 1, "qualartnr": "ARTN", "artnr": article,
        "vorzeichen": sign, "menge": quantity,
    }  # fmt: skip


def total(line: int, article: str, quantity: int, sign: str) -> dict:
    return {
        "docnum": "U1", "idoctyp": "WPUUMS01", "sndprn": "S101", "credat": DAY, "cretim": "220000", "vorgdatum": DAY, "posnr": line,
        "qualartnr": "ARTN", "artnr": article, "vorzmenge": sign, "umsmenge": quantity,
    }  # fmt: skip


def delivery(number: str, article: str, quantity: int, **other) -> dict:
    return {
        "docnum": f"D{number}", "idoctyp": "DELVRY07", "sndprn": "E01", "credat": DAY, "cretim": "090000", "vbeln": number,
        "posnr": "000010", "lfart": "NL", "matnr": article, "werks": "DC01", "lgort": "0001", "partner_we": "S101", "lfimg": quantity,
        "lgmng": quantity, "vgbel": f"45{number}", "goods_issue_actual_at": datetime(2026, 3, 2, 9), **other,
    }  # fmt: skip


FIRST = {
    "sap/goods_movements": [
        goods("1", "561", 100),
        goods("2", "551", 3),
        goods("3", "552", 1),
        goods("4", "541", 10, vendor="V1"),
        goods("5", "542", 4, vendor="V1"),
        goods("6", "311", 20, move_stloc="0002"),
        goods("7", "301", 15, move_plant="S101", move_stloc="0003"),
        goods("8", "344", 2),
        goods("9", "413", 5, spec_stock="E"),
        goods("10", "309", 6, move_mat="B2"),
        # A carton that holds twelve pieces; how many a pallet holds is told the night after.
        goods("11", "101", 2, "B3", entry_uom="CAR"),
        goods("12", "101", 1, "B3", entry_uom="PAL"),
        # A sale of the till that the ERP posts, too, is one sale.
        goods("13", "251", 2, "B4", site="S101", stge_loc="0001", ref_doc_no="S101-01-20260302-7"),
        # Received for a transport order whose goods issue is delivered a night later.
        goods("14", "101", 8, "B5", site="S101", deliv_numb_to_search="80001"),
        # A mistake of the night before it is corrected.
        goods("15", "501", 70, "B6"),
        goods("16", "303", 7, "B7", move_plant="S101"),
        goods("17", "305", 5, "B7", site="S101"),
        goods("18", "313", 4, "B8", move_stloc="0002"),
        goods("19", "315", 3, "B8", stge_loc="0002"),
        goods("20", "122", 1, "B8", vendor="V1"),
        goods("21", "103", 9, "B9"),
        goods("22", "ZZZ", 9, "B9"),
    ],
    "pos/receipts": [till("7", "B4", 2), till("8", "B4", 1), till("9", "B4", 1, "+")],
    "pos/sales_totals": [total(1, "B4", 2, "-"), total(2, "B10", 6, "-"), total(3, "B10", 1, "+"), total(4, "B11", 9, "-")],
    "sap/marm": [{"matnr": "B3", "meinh": "CAR", "umrez": 12, "umren": 1}],
    "sap/deliveries": [delivery("80002", "B5", 11), delivery("80003", "B5", 1)],
    "wms/receipts": [
        {
            "receipt_number": "M11", "receipt_line": 1, "article": "B3", "site": "DC01", "quantity": 24,
            "received_at": datetime(2026, 3, 2, 7),
        },
    ],
}  # fmt: skip
SECOND = {
    "sap/goods_movements": [
        goods("15", "501", 7, "B6", cretim="090000"),
        goods("23", "102", 1, "B5", site="S101", deliv_numb_to_search="80001"),
    ],
    "pos/receipts": [till("10", "B11", 4)],
    "sap/marm": [{"matnr": "B3", "meinh": "PAL", "umrez": 480, "umren": 1}],
    "sap/deliveries": [delivery("80001", "B5", 10), delivery("80003", "B5", 1, qualf="DEL", cretim="100000")],
}

STOCK = {
    # 100 - scrapped 3 + 1 - out 10 + back 4 - moved 20 - to S101 15 - blocked 2 - for an order 5 - renamed 6
    ("B1", "DC01", "0001", "01", None): 44,
    ("B1", "DC01", None, "01", "O"): 6,
    ("B1", "DC01", "0002", "01", None): 20,
    ("B1", "S101", "0003", "01", None): 15,
    ("B1", "DC01", "0001", "07", None): 2,
    ("B1", "DC01", "0001", "01", "E"): 5,
    ("B2", "DC01", "0001", "01", None): 6,
    ("B3", "DC01", "0001", "01", None): 504,
    ("B4", "S101", "0001", "01", None): -2,
    ("B5", "DC01", "0001", "01", None): -21,
    ("B5", "S101", "0001", "01", None): 7,
    ("B5", "S101", None, "06", None): 14,
    ("B6", "DC01", "0001", "01", None): 7,
    ("B7", "DC01", "0001", "01", None): -7,
    ("B7", "S101", "0001", "01", None): 5,
    ("B7", "S101", None, "05", None): 2,
    ("B8", "DC01", "0001", "01", None): -5,
    ("B8", "DC01", "0002", "01", None): 3,
    ("B8", "DC01", "0002", "04", None): 1,
    ("B10", "S101", None, "01", None): -5,
    ("B11", "S101", None, "01", None): -4,
}


@pytest.fixture(scope="module")
def nights(compiled):
    """The tables after each of two nights, and after a full build of both."""
    ledger = CompiledLedger(*compiled)
    told = []
    for name, night in (("first", FIRST), ("second", SECOND)):
        ledger.deliver({name: night})
        ledger.build(whole=False)
        told.append(ledger.content(TABLES))
    ledger.build(whole=True)
    return [*told, ledger.content(TABLES)]


def test_quantities_follow_the_movement_types_as_units_do(nights):
    stock = nights[1]["bulk_stock"]
    keys = stock.select("article_id", "site_id", "storage_location_id", "stock_type_code", "special_stock_code").rows()
    assert dict(zip(keys, stock["bulk_quantity"].cast(pl.Int64), strict=True)) == STOCK


def test_increments_equal_a_full_refresh(nights):
    for name in TABLES:
        assert nights[1][name].equals(nights[2][name]), name


def test_a_line_in_a_unit_that_nobody_knows_yet_waits_for_it(nights):
    held = [night["bulk_stock"].filter(pl.col("article_id") == "B3")["bulk_quantity"].to_list() for night in nights[:2]]
    assert held == [[Decimal(24)], [Decimal(504)]]


def test_what_a_till_and_the_erp_tell_of_one_sale_is_counted_once(nights):
    sold = nights[1]["bulk_movements"].filter(pl.col("article_id") == "B4").sort("document_id")
    assert sold.select("document_id", "witness_names", "side", "bulk_quantity").rows() == [
        ("S101-01-20260302-7", "pos,sap", "taken", Decimal(-2)),
        ("S101-01-20260302-8", "pos", "taken", Decimal(-1)),
        ("S101-01-20260302-9", "pos", "put", Decimal(1)),
    ]


def test_totals_of_a_till_stand_back_for_receipts_whenever_they_come(nights):
    totals = [night["bulk_movements"].filter(pl.col("witness_names") == "pos_totals")["article_id"].unique().sort() for night in nights[:2]]
    assert [names.to_list() for names in totals] == [["B10", "B11"], ["B10"]]


def test_what_changes_no_stock_of_ours_is_told_with_quantity_zero(nights):
    told = nights[1]["bulk_movements"].filter(pl.col("article_id") == "B9").sort("movement_type")
    assert told.select("movement_type", "side", "bulk_quantity", "line_quantity").rows() == [
        ("103", "none", Decimal(0), Decimal(9)),
        ("ZZZ", "none", Decimal(0), Decimal(9)),
    ]


def test_the_days_end_in_the_stock(nights):
    daily = nights[1]["bulk_stock_daily"].filter(pl.col("valid_to_date") == date(9999, 12, 31))
    last = daily.group_by("article_id").agg(pl.col("bulk_quantity").sum()).filter(pl.col("bulk_quantity") != 0)
    stock = nights[1]["bulk_stock"].group_by("article_id").agg(pl.col("bulk_quantity").sum()).filter(pl.col("bulk_quantity") != 0)
    assert last.sort("article_id").rows() == stock.sort("article_id").rows()


def test_receipts_less_issues_are_the_stock_of_a_whole_retailer(built_world):
    """Counted anew from the delivered records, by site and article: opening and receipts less sales and goods issues."""
    lake = Lake(built_world.home.lake)
    posted = lake.read("bronze/sap/goods_movements").filter(pl.col("serialno").is_null())
    assert set(posted["move_type"]) == {"101", "561"}
    posted = posted.unique(["sndprn", "docnum", "matdoc_itm"])
    received = posted.select(site="plant", article="material", quantity="entry_qnt")
    issued = lake.read("bronze/sap/deliveries").filter(
        pl.col("sernr").is_null(), pl.col("lfart") == "NL", pl.col("goods_issue_actual_at").is_not_null()
    )
    issued = issued.unique(["vbeln", "posnr"]).select(site="werks", article="matnr", quantity=-pl.col("lfimg"))
    sold = (
        lake.read("bronze/pos/receipts")
        .filter(pl.col("seriennr").is_null())
        .unique(["sndprn", "kassid", "vorgdatum", "bonnummer", "posnr"])
    )
    assert set(sold["vorzeichen"]) == {"-"}
    sold = sold.select(site="sndprn", article="artnr", quantity=-pl.col("menge"))
    expected = pl.concat([received, issued, sold]).with_columns(pl.col("article").str.strip_chars_start("0"))
    expected = expected.group_by("site", "article").agg(pl.col("quantity").sum()).filter(pl.col("quantity") != 0).sort("site", "article")
    stock = built_world.query("""
        select site_id as site, article_id as article, sum(bulk_quantity) as quantity from bulk_stock where stock_type_code <> '06'
        group by all having sum(bulk_quantity) <> 0 order by all
    """)
    assert expected.rows() == stock.rows()
    assert stock.height > 30
    # A site that does not work with serial numbers yet sells devices as quantities.
    devices = built_world.query("""
        select count(*) from bulk_movements inner join sites using (site_id)
        where movement_type = '251' and article_id like '4005%' and movement_date >= serial_go_live_date
    """)
    assert devices.item() == 0
    before = built_world.query("select count(*) from bulk_movements where movement_type = '251' and article_id like '4005%'")
    assert before.item() > 0
