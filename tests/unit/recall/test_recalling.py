"""A recall of a few units that a test writes down: places, contacts, the proposal to block, what is beside, and asking again."""

from __future__ import annotations

import json
from datetime import date, datetime
from decimal import Decimal

import polars as pl
import pytest

from pipelines.contracts import source_contracts
from pipelines.lake import Lake
from pipelines.recall.condition import RecallError
from pipelines.sources.routing import extract
from pipelines.warehouse import query
from tests.unit.recall.support import CONTRACTS, deliver, moved, outbox, publish, recalled, unit

STOCK = {"site_id": "S101", "storage_location_id": "0001", "stock_type_code": "01"}


def sold(serial: str, number: int, customer: str | None, **more) -> dict:
    return moved(serial, number, "251", "with_customer", customer_id=customer, from_site_id="S101", **more)


def returned(serial: str, number: int, **more) -> dict:
    return moved(serial, number, "252", "in_stock", to_site_id="S101", **more)


def contacts(home, lake, *serials: dict, movements: list[dict], customers: tuple[str, ...] = ("C1", "C2")) -> list[tuple]:
    """What is told of whom: contact, whether to contact, why not, units."""
    known = [{"customer_id": customer, "has_master_data": True} for customer in customers]
    publish(home, serials=list(serials), serial_movements=movements, customers=known)
    return recalled(home, lake).contacts.select("contact_id", "is_to_contact", "reason_code", "unit_names").rows()


@pytest.mark.parametrize(
    ("state", "place"),
    [
        ("in_stock", "in_stock"),
        ("blocked_receipt", "in_stock"),
        ("in_transit", "in_transit"),
        ("with_vendor", "at_repair_vendor"),
        ("with_customer", "with_customer"),
        ("at_customer", "with_customer"),
        ("scrapped", "scrapped"),
        ("returned_to_vendor", "returned_to_vendor"),
        ("missing", "unknown"),
        ("consumed", "unknown"),
        ("a_state_of_a_later_release", "unknown"),
    ],
)
def test_a_state_of_the_ledger_is_a_place(home, state, place):
    done = recalled(home, publish(home, serials=[unit("S1", state)]))
    assert done.units["place_code"].to_list() == [place]
    assert (done.summary["units"], done.summary[f"units_{place}"]) == (1, 1)


def test_each_customer_stands_once_with_all_units_that_the_customer_still_has(home):
    lake = Lake(home.lake)
    units = [unit(s, "with_customer", customer_id="C1") for s in ("S1", "S2")] + [unit("S3", "in_stock", **STOCK)]
    movements = [sold("S1", 2, "C1"), sold("S2", 3, "C1"), sold("S3", 4, "C1"), returned("S3", 5)]
    assert contacts(home, lake, *units, movements=movements) == [("C1", True, None, "A1/S1,A1/S2")]


def test_who_cannot_be_reached_is_told_with_the_reason(home):
    units = [
        unit("S1", "with_customer"),
        unit("S2", "with_customer", customer_id="C9"),
        unit("S3", "in_stock", **STOCK),
        unit("S4", "with_customer"),
    ]
    movements = [sold("S1", 2, None), sold("S2", 2, "C9"), sold("S3", 2, "C2"), returned("S3", 3)]
    assert contacts(home, Lake(home.lake), *units, movements=movements) == [
        ("A1/S1", False, "anonymous_sale", "A1/S1"),
        ("A1/S4", False, "no_sale_known", "A1/S4"),
        ("C2", False, "returned_since", "A1/S3"),
        ("C9", False, "no_master_data", "A1/S2"),
    ]


def test_a_unit_sold_again_is_looked_for_at_its_new_owner(home):
    units = [unit("S1", "with_customer", customer_id="C2")]
    movements = [sold("S1", 2, "C1"), returned("S1", 3), sold("S1", 4, "C2")]
    assert contacts(home, Lake(home.lake), *units, movements=movements) == [
        ("C1", False, "returned_since", "A1/S1"),
        ("C2", True, None, "A1/S1"),
    ]


def test_of_a_unit_sold_twice_without_coming_back_both_buyers_are_told(home):
    units = [unit("S1", "with_customer", customer_id="C2")]
    assert contacts(home, Lake(home.lake), *units, movements=[sold("S1", 2, "C1"), sold("S1", 3, "C2")]) == [
        ("C1", True, None, "A1/S1"),
        ("C2", True, None, "A1/S1"),
    ]


def test_a_sale_that_was_reversed_by_name_never_was(home):
    units = [unit("S1", "in_stock", **STOCK)]
    movements = [sold("S1", 2, "C1"), returned("S1", 3, reverses_document_id="D2")]
    assert contacts(home, Lake(home.lake), *units, movements=movements) == []


def test_the_proposal_blocks_free_stock_by_site_and_is_read_by_our_own_reader(home, tmp_path):
    units = [
        unit("S1", "in_stock", **STOCK), unit("123", "in_stock", **STOCK), unit("S2", "in_stock", **{**STOCK, "stock_type_code": "02"}),
        unit("S3", "in_stock", **{**STOCK, "stock_type_code": "07"}), unit("S4", "in_stock", **STOCK, special_stock_code="E"),
        unit("S5", "in_stock", **{**STOCK, "site_id": "S102"}), unit("S6", "with_customer"), unit("S7", "in_stock"),
        unit("S8", "in_stock", **{**STOCK, "storage_location_id": "FLOOR"}),
    ]  # fmt: skip
    done = recalled(home, publish(home, serials=units))
    codes = dict(done.units.select("serial_number", "block_code").iter_rows())
    assert codes == {
        "S1": "proposed", "123": "proposed", "S2": "proposed", "S3": "already_blocked", "S4": "other_stock", "S5": "proposed",
        "S6": "not_in_stock", "S7": "other_stock", "S8": "no_idoc",
    }  # fmt: skip
    assert [file for file in done.files if "block" in file] == ["recalls/R1/block_S101.xml", "recalls/R1/block_S102.xml"]
    path = tmp_path / "block.xml"
    path.write_bytes(outbox(home)["block_S101.xml"])
    read = extract(path, "sap/block.xml", contracts={"sap/goods_movements": source_contracts()["sap/goods_movements"]})
    columns = ("matdoc_itm", "material", "plant", "stge_loc", "batch", "move_type", "entry_qnt", "serialno", "gm_code", "pstng_date")
    assert read.accepted["sap/goods_movements"].select(columns).rows() == [
        (1, "A1", "S101", "0001", "NEW", "344", Decimal("2.000"), "000000000000000123", "04", date(2026, 3, 9)),
        (1, "A1", "S101", "0001", "NEW", "344", Decimal("2.000"), "S1", "04", date(2026, 3, 9)),
        (2, "A1", "S101", "0001", "NEW", "350", Decimal("1.000"), "S2", "04", date(2026, 3, 9)),
    ]


def test_an_article_longer_than_its_old_field_is_proposed_in_the_long_one(home):
    article = "ARTICLE-OF-TWENTY-FIVE-CH"
    done = recalled(home, publish(home, serials=[unit("S1", "in_stock", article=article, **STOCK)]), f"article_id = '{article}'")
    assert done.summary["units_to_block"] == 1
    assert f"<MATERIAL_LONG>{article}</MATERIAL_LONG>".encode() in outbox(home)["block_S101.xml"]


def test_beside_the_recall_stand_batch_and_article_with_what_they_are_worth(home):
    units = [
        unit("S1", "in_stock", **STOCK), unit("S2", "with_customer"), unit("S3", "in_stock", **STOCK, batch_id="USED"),
        unit("S4", "scrapped"), unit("S5", "with_customer", batch_id=None),
    ]  # fmt: skip
    units[2]["batch_id"] = "USED"
    origins = [
        {"article_id": "A1", "serial_number": s, "purchase_order_id": "45", "supplier_id": "V1", "received_date": date(2026, 3, 1)}
        for s in ("S1", "S2", "S3")
    ]
    lake = publish(home, serials=units, unit_origins=origins)
    deliver(lake, "sap/ekko", {"ebeln": "45", "waers": "USD"})
    deliver(lake, "sap/ekpo", {"ebeln": "45", "ebelp": "00010", "matnr": "A1", "netpr": 100.5})
    found = recalled(home, lake, "serial_number = 'S1'").summary
    names = ("units_same_batch", "units_same_article", "recall_amount", "same_batch_amount", "same_article_amount", "units_without_value")
    assert [found[name] for name in names] == [1, 3, Decimal("100.50"), Decimal("100.50"), Decimal("201.00"), 1]
    assert found["currency_code"] == "USD"


def test_a_unit_matches_by_any_of_its_handling_units_and_stands_once(home):
    traits = [
        {"article_id": "A1", "serial_number": "S1", "trait_code": code, "trait_value": value}
        for code, value in (("handling_unit", "11"), ("handling_unit", "12"), ("component", "battery"), ("component", "display"))
    ]
    lake = publish(home, serials=[unit("S1", "scrapped"), unit("S2", "scrapped")], unit_traits=traits)
    condition = "handling_unit_id in ('11', '12') and component_name in ('battery', 'display')"
    assert recalled(home, lake, condition).units["serial_number"].to_list() == ["S1"]


def test_units_are_chosen_by_article_master_and_origin(home):
    articles = [{"article_id": "A1", "manufacturer_id": "M1"}, {"article_id": "A2", "manufacturer_id": "M2"}]
    origins = [
        {"article_id": a, "serial_number": "S1", "supplier_id": "V1", "received_date": date(2026, 3, day)}
        for a, day in (("A1", 1), ("A2", 5))
    ]
    lake = publish(home, serials=[unit("S1", "scrapped"), unit("S1", "scrapped", article="A2")], articles=articles, unit_origins=origins)
    by = lambda condition: recalled(home, lake, condition, name=condition[:4]).units["article_id"].to_list()  # noqa: E731
    assert by("manufacturer_id = 'M2'") == ["A2"]
    assert by("supplier_id = 'V1'") == ["A1", "A2"]
    assert by("received_date between date '2026-03-01' and date '2026-03-02'") == ["A1"]


def test_the_same_recall_again_writes_nothing_and_another_by_its_name_is_refused(home):
    lake = publish(home, serials=[unit("S1", "in_stock", **STOCK), unit("S2", "in_stock", **STOCK, article="A2")])
    recalled(home, lake)
    before, version = outbox(home), lake.version("gold/recall_units")
    stamps = {path.name: path.stat().st_mtime_ns for path in (home.root / "outbox" / "recalls" / "R1").iterdir()}
    recalled(home, lake)
    assert outbox(home) == before
    assert {path.name: path.stat().st_mtime_ns for path in (home.root / "outbox" / "recalls" / "R1").iterdir()} == stamps
    assert lake.version("gold/recall_units") == version
    with pytest.raises(RecallError, match="R1 is the name of another recall, where article_id = 'A1'"):
        recalled(home, lake, "article_id = 'A2'")


def test_recalls_stand_beside_each_other_and_a_recall_follows_its_units(home):
    lake = publish(home, serials=[unit("S1", "in_stock", **STOCK), unit("S2", "scrapped", article="A2")])
    recalled(home, lake)
    recalled(home, lake, "article_id = 'A2'", name="R2")
    (home.root / "outbox" / "recalls" / "R1" / "notes.txt").write_text("of a person")
    publish(home, serials=[unit("S1", "scrapped"), unit("S2", "scrapped", article="A2")])
    recalled(home, lake)
    told = query(home.published, "select recall_name, serial_number, place_code, block_code from recall_units order by all")
    assert told.rows() == [("R1", "S1", "scrapped", "not_in_stock"), ("R2", "S2", "scrapped", "not_in_stock")]
    assert sorted(outbox(home)) == ["notes.txt", "recall.json", "recall_contacts.csv", "recall_units.csv"]


def test_what_published_tables_and_files_say_is_the_same(home):
    lake = publish(home, serials=[unit("S1", "in_stock", **STOCK)])
    recalled(home, lake)
    table = query(home.published, "select * from recall_units")
    file = pl.read_csv(home.root / "outbox" / "recalls" / "R1" / "recall_units.csv", schema=CONTRACTS["recall_units"].polars_schema)
    assert file.equals(table)
    assert json.loads(outbox(home)["recall.json"])["as_of_date"] == "2026-03-09"


def test_a_date_far_ahead_does_not_date_the_proposal(home):
    lake = publish(home, serials=[unit("S1", "in_stock", **STOCK), unit("S2", "scrapped", last_moved_at=datetime(2999, 1, 1))])
    assert recalled(home, lake).summary["as_of_date"] == date(2026, 3, 10)


@pytest.mark.parametrize(
    ("condition", "told"),
    [
        ("article_id = 'NONE'", "No unit fits the condition; nothing was written"),
        ("cast(serial_number as integer) > 5", "The condition cannot be answered: Conversion Error"),
    ],
)
def test_a_condition_without_an_answer_leaves_nothing_behind(home, condition, told):
    lake = publish(home, serials=[unit("S1", "in_stock", **STOCK)])
    with pytest.raises(RecallError, match=told):
        recalled(home, lake, condition)
    assert not (home.root / "outbox" / "recalls").exists()
    assert lake.row_count("gold/recalls") == 0


def test_the_published_file_of_an_older_release_is_answered_with_the_remedy(home):
    lake = publish(home)
    (home.published).unlink()
    with pytest.raises(RecallError, match=r"does not show .*serials.* yet: serialake run"):
        recalled(home, lake)


def test_settings_that_cannot_be_read_are_told_before_anything_is_written(home):
    lake = publish(home, serials=[unit("S1", "in_stock", **STOCK)])
    (home.root / "feeds").mkdir()
    (home.root / "feeds" / "peoplesoft.yaml").write_text("- none")
    with pytest.raises(RecallError, match="The currency of standard prices cannot be read"):
        recalled(home, lake)
    assert not (home.root / "outbox" / "recalls").exists()
