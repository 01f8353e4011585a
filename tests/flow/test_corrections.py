"""Documents corrected, deleted and reversed: the newest version is the truth, and a night's increment equals a full build."""

from datetime import date, datetime

import duckdb
import polars as pl
import pytest

from pipelines.warehouse import query
from tests.flow.bronze import append, build, content, empty_lake, movement
from tests.properties.compiled import CompiledLedger

pytestmark = pytest.mark.slow


def delivery(number, item, serial, *, created, article="A1", quantity=1, issued=True, **other):
    """One serial number of one item of a replenishment from DC01 to S101."""
    moment = datetime(2026, 3, 5, 9)
    return {
        "docnum": f"D{number}{created:%d}",
        "idoctyp": "DELVRY07",
        "mestyp": "DESADV",
        "sndprn": "E01",
        "credat": created,
        "cretim": "090000",
        "vbeln": number,
        "vstel": "DC01",
        "partner_we": "S101",
        "lfart": "NL",
        "posnr": item,
        "matnr": article,
        "werks": "DC01",
        "lgort": "0001",
        "lfimg": quantity,
        "sernr": serial,
        "delivery_planned_at": moment,
        "goods_issue_actual_at": moment if issued else None,
        **other,
    }


def sale(receipt, serial, article, *, qualifier="ARTN", created=date(2026, 3, 6)):
    """One line of a till's receipt."""
    return {
        "docnum": f"R{receipt}{created:%d}",
        "sndprn": "S101",
        "credat": created,
        "cretim": "200000",
        "kassid": "K1",
        "vorgdatum": date(2026, 3, 6),
        "vorgzeit": "120000",
        "bonnummer": receipt,
        "posnr": 1,
        "qualartnr": qualifier,
        "artnr": article,
        "seriennr": serial,
        "vorzeichen": "-",
        "menge": 1,
        "kondvalue": 100,
    }


def scan(identity, serial, article, *, day=date(2026, 3, 3)):
    """A unit received by hand."""
    moment = datetime(day.year, day.month, day.day, 10)
    return {
        "scan_id": identity,
        "device_id": "D",
        "scanned_at": moment,
        "site": "S101",
        "storage_location": "0001",
        "action": "receive",
        "article": article,
        "serial_number": serial,
        "document_id": f"G{identity}",
    }


CANCELLED = {"matdoc_tr_cancel": "4900000011", "matyear_tr_cancel": "2026", "matitem_tr_cancel": "0001"}
EARLY, LATE = date(2026, 3, 4), date(2026, 3, 8)
RECEIPTS = [movement("1", 1, "101", f"S{n}", day=date(2026, 3, 2)) for n in range(1, 9)]
NIGHTS = [
    {
        "sap/goods_movements": [
            *RECEIPTS,
            # Received under its delivery, taken back, and received again: one unit.
            movement("11", 1, "101", "S5", day=date(2026, 3, 6), site="S101", deliv_numb_to_search="82"),
            movement("12", 1, "102", "S5", day=date(2026, 3, 7), site="S101", deliv_numb_to_search="82", **CANCELLED),
            # A transfer taken back before it arrived.
            movement("13", 1, "303", "S7", day=date(2026, 3, 5), move_plant="S101"),
            movement("14", 1, "303", "S7", day=date(2026, 3, 6), move_plant="S101", xstob="X", ref_doc="4900000013", ref_doc_it="0001"),
            movement("15", 1, "303", "S8", day=date(2026, 3, 5), move_plant="S101"),
            # The ERP names a wrong unit, and corrects it under the same number.
            movement("16", 1, "561", "WRONG", day=date(2026, 3, 3)),
        ],
        "sap/deliveries": [
            # Two units announced; the correction swaps one.
            delivery("80", "10", "S1", created=EARLY, quantity=2),
            delivery("80", "10", "S2", created=EARLY, quantity=2),
            # Deleted afterwards.
            delivery("81", "10", "S4", created=EARLY),
            # Five announced, one of them named.
            delivery("82", "10", "S5", created=EARLY, quantity=5),
        ],
        "pos/receipts": [sale("7001", "E1", "4006381333931", qualifier="EAN1")],
        "handheld/scans": [scan("h1", "H1", "OLD")],
    },
    {
        "sap/goods_movements": [
            movement("17", 1, "101", "S5", day=date(2026, 3, 8), site="S101", deliv_numb_to_search="82"),
            movement("18", 1, "305", "S8", day=date(2026, 3, 8), site="S102"),
            movement("16", 1, "561", "RIGHT", day=date(2026, 3, 3)),
        ],
        "sap/deliveries": [
            delivery("80", "10", "S1", created=LATE, quantity=2),
            delivery("80", "10", "S3", created=LATE, quantity=2),
            delivery("81", "10", "S4", created=LATE, qualf="ORI DEL"),
        ],
        "sap/mara": [
            {"matnr": "A2", "ean11": "4006381333931", "extract_date": LATE},
            {"matnr": "A3", "ean11": "4006381333931", "extract_date": LATE},
        ],
        "handheld/scans": [scan("h1", "H1", "NEW")],
    },
]


@pytest.fixture(scope="module")
def nights(tmp_path_factory):
    """A lake after two nights, and what the marts held after the first, after the second, and after a full build."""
    home, lake = empty_lake(tmp_path_factory.mktemp("corrections"))
    found = []
    for number, night in enumerate(NIGHTS):
        append(lake, night, number)
        build(home)
        _must_have_noted_all(home)
        found.append(content(home))
    build(home, "--full-refresh")
    _must_have_noted_all(home)
    return home, *found, content(home)


def _must_have_noted_all(home):
    """Each model that recomputes units has noted, once, that it has taken in the newest; those with few rows, or none, too."""
    with duckdb.connect(str(home.warehouse), read_only=True) as connection:
        told = connection.execute("select model_name, ingested_at from intermediate.units_taken_in").fetchall()
        newest = connection.execute("select max(ingested_at) from intermediate.int_units_changed").fetchone()[0]
    assert {"int_serial_movements_folded", "int_movements_outweighed", "int_units_loaded", "serial_stays"} <= dict(told).keys()
    assert len(told) == len(dict(told))
    assert {moment for _, moment in told} == {newest}


def _unit(marts, serial, *columns):
    return marts["serials"].filter(pl.col("serial_number") == serial).select(*columns).rows()


def test_the_increment_equals_a_full_build(nights):
    _, _, increment, full = nights
    different = [name for name in full if not increment[name].equals(full[name])]
    assert different == []


def test_the_compiled_project_makes_of_the_nights_what_dbt_makes(nights, compiled):
    ledger = CompiledLedger(*compiled)
    for number, (night, by_dbt) in enumerate(zip(NIGHTS, nights[1:3], strict=True)):
        # File and load of a row are called after its table, as in what dbt was given.
        ledger.deliver({f"{table}/{number}": {table: rows} for table, rows in night.items()}, moment=datetime(2026, 3, 9 + number, 2))
        ledger.build(whole=number == 0)
        in_memory = ledger.content(list(by_dbt))
        assert [name for name in by_dbt if not by_dbt[name].equals(in_memory[name].select(by_dbt[name].columns))] == []
    ledger.build(whole=True)
    in_memory = ledger.content(list(nights[3]))
    assert [name for name in in_memory if not nights[3][name].equals(in_memory[name].select(nights[3][name].columns))] == []


def test_a_delivery_that_swaps_a_unit_brings_the_first_back_and_sends_the_other(nights):
    _, before, after, _ = nights
    state = ("unit_state", "site_id")
    assert [_unit(before, s, *state) for s in ("S2", "S3")] == [[("in_transit", "S101")], [("in_stock", "DC01")]]
    assert [_unit(after, s, *state) for s in ("S2", "S3")] == [[("in_stock", "DC01")], [("in_transit", "S101")]]
    assert [_unit(after, s, *state) for s in ("S1",)] == [[("in_transit", "S101")]]


def test_a_deleted_delivery_moves_nothing(nights):
    _, before, after, _ = nights
    assert _unit(before, "S4", "unit_state") == [("in_transit",)]
    assert _unit(after, "S4", "unit_state") == [("in_stock",)]
    assert after["deliveries"].filter(pl.col("delivery_id") == "81").is_empty()


def test_a_unit_that_the_corrected_document_no_longer_names_is_gone(nights):
    _, before, after, _ = nights
    assert (len(_unit(before, "WRONG", "unit_state")), len(_unit(after, "WRONG", "unit_state"))) == (1, 0)
    assert _unit(after, "RIGHT", "unit_state") == [("in_stock",)]


def test_an_article_whose_last_stay_was_an_error_has_no_stock_on_any_day(nights):
    _, before, after, _ = nights
    assert set(before["stock_daily"].filter(pl.col("article_id") == "OLD")["units"]) == {1}
    assert after["stock_daily"].filter(pl.col("article_id") == "OLD").is_empty()
    assert set(after["stock_daily"].filter(pl.col("article_id") == "NEW")["units"]) == {1}


def test_a_till_that_knows_only_the_trade_item_number_moves_the_article_once_master_data_names_it(nights):
    _, before, after, _ = nights
    assert _unit(before, "E1", "article_id") == []
    assert _unit(after, "E1", "article_id", "unit_state") == [("A2", "with_customer")]
    sold = after["sales_daily"].filter(pl.col("units_sold") > 0)
    assert sold.select("article_id", "units_sold").rows() == [("A2", 1)]


def test_a_transfer_taken_back_is_no_conflict_and_one_received_elsewhere_is(nights):
    after = nights[2]
    assert _unit(after, "S7", "unit_state", "site_id", "status_conflict") == [("in_stock", "DC01", None)]
    assert _unit(after, "S8", "unit_state", "site_id", "status_conflict") == [("in_stock", "S102", "received_at_wrong_site")]


def test_a_receipt_counts_while_it_stands_and_units_without_a_name_count_by_quantity(nights):
    _, before, after, _ = nights
    columns = ("units_announced", "units_received", "units_missing", "units_over")
    of_delivery = pl.col("delivery_id") == "82"
    assert before["deliveries"].filter(of_delivery).select(*columns).rows() == [(5, 0, 5, 0)]
    assert after["deliveries"].filter(of_delivery).select(*columns).rows() == [(5, 1, 4, 0)]


def test_nothing_that_was_delivered_has_left_the_lake(nights):
    home = nights[0]
    kept = query(home.warehouse, "select count(*) from intermediate.int_movement_records where serial_number in ('WRONG', 'S2')").item()
    assert kept == 3


def test_a_reversal_names_the_document_that_it_takes_back(nights):
    _, _, after, full = nights
    for marts in (after, full):
        reversals = marts["serial_movements"].filter(pl.col("reverses_document_id").is_not_null())
        told = reversals.sort("serial_number").select(
            "serial_number", "movement_type", "is_reversal", "reverses_document_id", "reverses_document_item"
        )
        assert told.rows() == [("S5", "102", True, "4900000011/2026", "0001"), ("S7", "304", True, "4900000013", "0001")]
