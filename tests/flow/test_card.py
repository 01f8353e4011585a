"""The card of a unit: everything that is known of it, in the published file and as a person sees it."""

import io

import polars as pl
import pytest
from rich.console import Console

from pipelines.card import find_units, show_unit

pytestmark = pytest.mark.slow


def test_ages_run_to_the_newest_movement_of_the_ledger_and_are_stored_nowhere(built_world):
    ages = built_world.query("""
        select count(*) as units, count(*) filter (where age_days = as_of_date - first_movement_date) as right_ages,
            count(*) filter (where state_days = as_of_date - last_movement_date) as right_states, min(state_days) as newest
        from serials cross join publication
    """)
    assert ages.select("right_ages", "right_states", "newest").row(0) == (ages["units"].item(), ages["units"].item(), 0)


def test_a_sold_unit_is_under_the_warranty_of_its_sale(built_world):
    different = built_world.query("""
        select count(*) from warranty inner join serials using (article_id, serial_number)
        where serials.warranty_end_date is distinct from warranty.warranty_end_date
    """)
    assert different.item() == 0
    assert built_world.query("select count(*) from warranty").item() > 0


def test_every_conflict_is_told_in_words(built_world):
    told = built_world.query("select status_conflict, conflict_reasons from serials where has_conflict")
    assert told.height > 0
    assert not told["conflict_reasons"].str.contains("_").any()
    counted = told.with_columns(pl.col("status_conflict").str.split(",").list.len(), pl.col("conflict_reasons").str.split("; ").list.len())
    assert counted["status_conflict"].to_list() == counted["conflict_reasons"].to_list()


def test_the_card_is_shown_whole(built_world):
    serial = built_world.query("select serial_number from serials where has_conflict and sale_count > 0 order by all limit 1").item()
    unit = find_units(built_world.home, serial, None).row(0, named=True)
    console = Console(file=io.StringIO(), width=240)
    show_unit(console, built_world.home, unit)
    shown = console.file.getvalue()
    for text in (
        "Age in days",
        "Trust level",
        "Warranty until",
        "Value",
        "Told by",
        f"Sales {unit['sale_count']}",
        unit["conflict_reasons"].split("; ")[0],
    ):
        assert text in shown
