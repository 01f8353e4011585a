"""Recalls over a whole retailer: exactly the units of a planted bad batch, where they really are."""

from __future__ import annotations

import json
import shutil

import polars as pl
import pytest
from typer.testing import CliRunner

from pipelines.cli import app
from pipelines.home import Home
from pipelines.warehouse import query
from tests.flow.conftest import prepared

PLACES = {
    "in_stock": "in_stock", "in_transit": "in_transit", "sold": "with_customer", "at_repair_vendor": "at_repair_vendor",
    "returned_to_vendor": "returned_to_vendor", "scrapped": "scrapped", "missing": "unknown",
}  # fmt: skip


@pytest.fixture(scope="module")
def recalled(built_world, tmp_path_factory):
    """A copy of the built retailer, in which both notices were followed."""
    home = Home(tmp_path_factory.mktemp("recalled") / "home")
    shutil.copytree(built_world.home.root, home.root, ignore=shutil.ignore_patterns("dbt_target", "dagster", "models"))
    with pytest.MonkeyPatch.context() as patch:
        prepared(home.root, patch)
        done = [CliRunner().invoke(app, ["recall", "--notice", notice]) for notice in ("RN000001", "RN000002")]
    assert [result.exit_code for result in done] == [0, 0], done
    assert "units" in done[0].output
    return home


@pytest.mark.parametrize("at", [0, 1])
def test_a_notice_finds_exactly_the_planted_bad_batch_where_it_is(recalled, built_world, at):
    planted = built_world.truth["bad_batches"].row(at, named=True)
    in_range = pl.col("serial_number").is_between(pl.lit(planted["serial_from"]), pl.lit(planted["serial_to"]))
    wanted = built_world.truth["units"].filter((pl.col("article") == planted["article"]) & in_range)
    found = query(recalled.published, f"select * from recall_units where recall_name = 'RN{at + 1:06}'")
    assert found.height == wanted.height == planted["units"]
    joined = found.join(wanted, on="serial_number", how="inner")
    assert joined.height == planted["units"]
    # What no count has noticed yet, the ledger cannot know: it has those units where they were last.
    really = joined.with_columns(real_place=pl.col("status").replace_strict(PLACES))
    wrong = really.filter(pl.col("place_code") != pl.col("real_place"))
    assert wrong["status"].is_in(["missing", "in_stock"]).all()
    assert wrong.height <= planted["units"] // 20


def test_every_unit_with_a_customer_is_told_to_the_customer_or_has_a_reason(recalled):
    units = query(recalled.published, "select recall_name, sum(units_with_customer) as units from recalls group by all order by all")
    told = (
        "select recall_name, sum(units) from recall_contacts where reason_code is distinct from 'returned_since' group by all order by all"
    )
    assert query(recalled.published, told).rows() == units.rows()
    sold = "select count(*), count(distinct contact_id) from recall_contacts where is_to_contact"
    rows = query(recalled.published, f"{sold} group by recall_name").rows()
    assert rows
    assert all(count == distinct for count, distinct in rows)


def test_what_is_blocked_is_the_free_stock_of_the_recall(recalled):
    folder = recalled.root / "outbox" / "recalls" / "RN000001"
    summary = json.loads((folder / "recall.json").read_text())
    proposed = sum(path.read_text().count("<SERIALNO>") for path in folder.glob("block_*.xml"))
    assert proposed == summary["units_to_block"] == summary["units_in_stock"] > 0


def test_origin_and_handling_unit_find_what_master_data_does_not(recalled, monkeypatch):
    prepared(recalled.root, monkeypatch)
    unit = query(
        recalled.published,
        "select trait_value, count(*) from unit_traits where trait_code = 'handling_unit' group by all order by 2 desc, 1",
    ).row(0)
    done = CliRunner().invoke(app, ["recall", "--name", "carton", "--where", f"handling_unit_id = '{unit[0]}'"])
    assert done.exit_code == 0, done.output
    assert query(recalled.published, "select units from recalls where recall_name = 'carton'").item() == unit[1]


@pytest.mark.parametrize(
    ("arguments", "told"),
    [
        ([], "Give --where"),
        (["--where", "true", "--notice", "RN000001"], "Give --where"),
        (["--where", "vendor = '1'"], "There is no column vendor"),
        (["--notice", "RN9"], "there is RN000001, RN000002"),
        (["--where", "true", "--name", "../x"], "cannot name a folder"),
    ],
)
def test_a_recall_that_cannot_be_made_says_why(recalled, monkeypatch, arguments, told):
    prepared(recalled.root, monkeypatch)
    done = CliRunner().invoke(app, ["recall", *arguments])
    assert done.exit_code == 1
    assert told in done.output.replace("\n", " ")
