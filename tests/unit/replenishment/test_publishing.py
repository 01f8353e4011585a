"""Targets and proposals on a published file: what is asked of a person, once, and what it costs when nothing changed."""

from __future__ import annotations

from dataclasses import replace
from datetime import date, timedelta

import polars as pl
import pytest

from pipelines.contracts import source_contracts
from pipelines.params import Params, read_params
from pipelines.replenishment.publishing import replenish, replenishment_is_current
from pipelines.sources.routing import extract
from pipelines.warehouse import query
from tests.unit.replenishment.support import CONTRACTS, DAY, NOW, published, unit

STORE_UNITS = [unit(f"35600{n:02d}", since=date(2026, 1, 1) + timedelta(days=n % 7)) for n in range(40)]


def replenished(home, lake, params: Params | None = None, **more):
    return replenish(home, lake, CONTRACTS, params=params or read_params(), now=NOW, **more)


def test_targets_are_published_with_what_to_order(home):
    lake = published(home, *STORE_UNITS)
    done = replenished(home, lake)
    rows = {row["site_id"]: row for row in query(home.published, "select * from stock_targets").iter_rows(named=True)}
    assert set(rows) == {"S1", "S2", "DC01"}
    assert done.rows["stock_targets"] == 3
    assert rows["S1"]["order_units"] == 0
    assert rows["S1"]["on_hand_units"] == 40
    assert rows["S2"]["order_units"] == rows["S2"]["order_up_to_units"] > rows["S2"]["expected_units"]
    assert rows["S2"]["allocated_units"] == 0, "the centre has nothing"
    assert rows["S2"]["stock_out_risk"] > 0.95
    assert rows["S2"]["runs_out_date"] == DAY + timedelta(days=1)
    assert rows["S1"]["runs_out_date"] == DAY + timedelta(days=20)
    assert rows["DC01"]["expected_units"] == pytest.approx(4.0 * (rows["DC01"]["usual_lead_time_days"] + rows["DC01"]["review_days"]))
    assert rows["S1"]["usual_lead_time_days"] == pytest.approx(3.0)
    assert rows["S1"]["review_days"] == pytest.approx(3.0)
    assert rows["S1"]["unit_value"] == 400


def test_units_that_lie_idle_are_proposed_to_the_store_that_has_none(home):
    lake = published(home, *STORE_UNITS, unit("USED01", valuation_type="USED"), unit("TWICE1", has_conflict=True))
    done = replenished(home, lake)
    proposals = query(home.published, "select * from rebalance_proposals order by since_date, serial_number")
    assert set(proposals["from_site_id"]) == {"S1"}
    assert set(proposals["to_site_id"]) == {"S2"}
    assert set(proposals["state_code"]) == {"proposed"}
    assert (proposals["net_gain"] > 0).all()
    assert not set(proposals["serial_number"]) & {"USED01", "TWICE1"}
    left = pl.DataFrame(STORE_UNITS).filter(~pl.col("serial_number").is_in(proposals["serial_number"].implode()))
    assert proposals["since_date"].max() <= left["valid_from_date"].min(), "the oldest go first"
    assert not done.promised_twice
    (file,) = (home.root / "outbox" / "rebalancing" / "proposed").glob("*.xml")
    lines = extract(file, f"sap/{file.name}", contracts={"sap/goods_movements": source_contracts()["sap/goods_movements"]})
    moved = lines.accepted["sap/goods_movements"]
    assert lines.quarantined.is_empty()
    assert set(moved["move_type"]) == {"303"}
    assert set(moved["ref_doc_no"]) == set(proposals["proposal_id"])
    assert sorted(serial.lstrip("0") for serial in moved["serialno"]) == sorted(proposals["serial_number"])


def test_a_second_pass_changes_nothing_and_proposes_nothing(home):
    lake = published(home, *STORE_UNITS)
    replenished(home, lake)
    assert replenishment_is_current(home, lake)
    versions = {name: lake.version(f"gold/{name}") for name in ("stock_targets", "rebalance_proposals")}
    files = files_below(home)
    again = replenished(home, lake)
    assert again.plan is None
    assert {name: lake.version(f"gold/{name}") for name in versions} == versions
    # Other knobs make the plan anew, and still no unit is proposed a second time.
    params = read_params()
    changed = replace(params, replenishment=replace(params.replenishment, holding_share_per_year=0.3))
    assert replenished(home, lake, changed).plan is not None
    assert files_below(home) == files


def test_a_file_that_a_killed_run_left_out_is_written_by_the_next_with_the_same_bytes(home, monkeypatch):
    lake = published(home, *STORE_UNITS)
    with monkeypatch.context() as patch:
        patch.setattr("pipelines.replenishment.publishing.publish_scores", _killed)
        with pytest.raises(RuntimeError):
            replenished(home, lake)
    files = files_below(home)
    assert files
    replenished(home, lake)
    assert files_below(home) == files


def test_a_proposal_is_followed_to_its_end(home):
    lake = published(home, *STORE_UNITS)
    replenished(home, lake)
    proposals = query(home.published, "select * from rebalance_proposals order by serial_number")
    first, second, *others = proposals.iter_rows(named=True)
    movement = {
        "movement_id": "1", "article_id": "4711", "serial_number": first["serial_number"], "document_id": first["proposal_id"],
        "movement_type": "303", "movement_date": DAY, "witness_names": "sap", "moved_at": NOW, "ingested_at": NOW,
    }  # fmt: skip
    units = [
        {**each, "unit_state": "with_customer", "site_id": None} if each["serial_number"] == second["serial_number"]
        else {**each, "unit_state": "in_transit", "site_id": "S2"} if each["serial_number"] == first["serial_number"] else each
        for each in STORE_UNITS
    ]  # fmt: skip
    lake = published(home, *[each for each in units if each["site_id"]], units[0], movements=[movement], version="m2")
    replenished(home, lake)
    states = dict(query(home.published, "select serial_number, state_code from rebalance_proposals").iter_rows())
    assert states[first["serial_number"]] == "posted"
    assert states[second["serial_number"]] == "gone"
    assert {states[each["serial_number"]] for each in others} == {"proposed"}


def test_nothing_is_forecast_and_nothing_is_planned(home):
    lake = published(home)
    lake.replace("gold/demand_forecasts", empty_of("demand_forecasts"), {"rows": 0})
    from pipelines.publish import publish_scores

    publish_scores(home, lake, CONTRACTS, ["demand_forecasts"], now=NOW)
    done = replenished(home, lake)
    assert done.plan is None
    assert query(home.published, "select count(*) from stock_targets").item() == 0
    assert replenishment_is_current(home, lake)


def empty_of(name: str):
    import pyarrow as pa

    rows = pl.DataFrame(schema=CONTRACTS[name].polars_schema).to_arrow(compat_level=pl.CompatLevel.oldest())
    return pa.RecordBatchReader.from_batches(rows.schema, rows.to_batches())


def files_below(home) -> dict[str, bytes]:
    folder = home.root / "outbox" / "rebalancing"
    return {path.relative_to(folder).as_posix(): path.read_bytes() for path in sorted(folder.rglob("*")) if path.is_file()}


def _killed(*_, **__):
    raise RuntimeError("killed")
