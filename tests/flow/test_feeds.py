"""The PeopleSoft feed over a whole retailer: its lines are the stock, and its acknowledgements come by landing."""

from __future__ import annotations

import shutil
from datetime import date, datetime, timedelta

import polars as pl
import pytest

from pipelines.contracts import published_contracts, source_contracts
from pipelines.feeds import feed_peoplesoft, read_settings
from pipelines.feeds.sent import LINES
from pipelines.home import Home
from pipelines.ingest import ingest
from pipelines.lake import Lake
from pipelines.warehouse import query

NOW = datetime(2027, 1, 1, 2, 30)


@pytest.fixture(scope="module")
def fed(built_world, tmp_path_factory):
    """A copy of the built retailer, fed once."""
    home = Home(tmp_path_factory.mktemp("fed") / "home")
    shutil.copytree(built_world.home.root, home.root, ignore=shutil.ignore_patterns("dbt_target", "dagster", "models"))
    feed(home)
    return home


def feed(home: Home, **more):
    return feed_peoplesoft(home, Lake(home.lake), published_contracts(), read_settings(home), **{"now": NOW, **more})


def test_all_lines_of_all_days_are_the_units_in_stock(fed):
    told = Lake(fed.lake).read(LINES).filter(pl.col("kind_name") != "journal")
    by_place = told.group_by("site_id", "article_id").agg(units=pl.col("quantity").sum()).filter(pl.col("units") != 0)
    stock = query(fed.published, "select site_id, article_id, count(*) as units from serials where unit_state = 'in_stock' group by all")
    assert stock.height > 20
    assert by_place.sort("site_id", "article_id").rows() == stock.sort("site_id", "article_id").rows()


def test_receipts_of_purchase_orders_are_valued(fed):
    found = query(
        fed.published,
        "select kind_name, sum(records) as records, sum(records_without_value) as unvalued from feed_acknowledgements group by all",
    )
    counts = {kind: (records, unvalued) for kind, records, unvalued in found.iter_rows()}
    records, unvalued = counts["purchase_order_receipt"]
    assert 0 <= unvalued < records / 100


def test_every_day_again_writes_nothing_and_changes_no_byte(fed):
    before = {path.name: (path.stat().st_mtime_ns, path.read_bytes()) for path in (fed.root / "outbox" / "peoplesoft").iterdir()}
    again = feed(fed, now=NOW + timedelta(hours=1), days=(date(2026, 1, 1), date(2026, 12, 31)))
    assert (again.written, again.put_back) == ((), ())
    assert {path.name: (path.stat().st_mtime_ns, path.read_bytes()) for path in (fed.root / "outbox" / "peoplesoft").iterdir()} == before


def test_an_acknowledgement_file_that_lands_shows_in_the_published_table(fed):
    folder = fed.landing / "peoplesoft"
    folder.mkdir()
    (folder / "acks_1.csv").write_text(
        "feed_key,status,acknowledged_at,reason\n"
        "IA-20260303-00,accepted,2027-01-01T03:00:00Z,\n"
        "JL-20260303-00,refused,2027-01-01T03:00:00Z,closed\n"
    )
    result = ingest(fed, Lake(fed.lake), source_contracts(), now=NOW)
    assert result.appended == {"peoplesoft/acks": 2}
    feed(fed)
    told = query(fed.published, "select feed_key, state_code, reason from feed_acknowledgements where state_code <> 'written' order by all")
    assert told.rows() == [("IA-20260303-00", "acknowledged", None), ("JL-20260303-00", "refused", "closed")]
