"""The simulated retailer, from its files to the published tables: what was planted is found, and nothing is lost."""

from datetime import datetime

import polars as pl


def test_every_record_is_accepted_or_quarantined(built_world):
    lost = built_world.query("select * from load_manifest where records_in <> records_accepted + records_quarantined")
    assert lost.is_empty()
    assert built_world.query("select sum(records_in) from load_manifest").item() > 10_000


def test_the_simulators_files_are_all_readable(built_world):
    statuses = built_world.query("select distinct status_name from load_manifest")["status_name"].to_list()
    assert set(statuses) <= {"loaded", "duplicate"}
    refused = built_world.query("select count(*) from quarantine where stage_name = 'extract'").item()
    assert refused == 0


def test_planted_duplicate_files_are_recognised_or_change_nothing(built_world):
    planted = built_world.truth["duplicate_files"]
    exact = set(planted.filter(pl.col("kind") == "exact_copy")["duplicate_file"])
    found = set(built_world.query("select file from load_manifest where status_name = 'duplicate'")["file"])
    assert exact
    # A file of one IDoc that is sent again is a copy, too; longer ones come again with half of their IDocs.
    assert exact <= found <= set(planted["duplicate_file"])


def test_a_unit_without_a_planted_fault_is_where_the_truth_says(built_world):
    truth = built_world.truth["units"].select(
        pl.col("article").str.strip_chars_start("0").alias("article_id"), "serial_number", "status", "site"
    )
    serials = built_world.query("select article_id, serial_number, unit_state, site_id, has_conflict from serials")
    states = {"sold": "with_customer", "at_repair_vendor": "with_vendor"}
    joined = truth.join(serials, on=["article_id", "serial_number"]).with_columns(pl.col("status").replace(states))
    right = joined.filter(pl.col("status") == pl.col("unit_state"))
    assert right.height / joined.height > 0.98
    stocked = right.filter(pl.col("unit_state") == "in_stock")
    assert stocked.filter(pl.col("site") == pl.col("site_id")).height / stocked.height > 0.995


def test_short_deliveries_are_found_to_the_unit(built_world):
    planted = built_world.truth["short_deliveries"]
    keys = planted.select(
        pl.col("delivery_number").str.strip_chars_start("0").alias("delivery_id"),
        pl.col("article").str.strip_chars_start("0").alias("article_id"),
    ).unique()
    found = built_world.query("select delivery_id, article_id from deliveries where units_missing > 0")
    assert keys.height > 5
    assert keys.join(found, on=["delivery_id", "article_id"]).height == keys.height


def test_over_deliveries_are_found(built_world):
    planted = built_world.truth["over_deliveries"]
    keys = planted.select(
        pl.col("delivery_number").str.strip_chars_start("0").alias("delivery_id"),
        pl.col("article").str.strip_chars_start("0").alias("article_id"),
    ).unique()
    found = built_world.query("select delivery_id, article_id from deliveries where units_over > 0 or discrepancy_code = 'wrong_article'")
    assert keys.height > 3
    assert keys.join(found, on=["delivery_id", "article_id"]).height == keys.height


def test_cloned_serials_that_are_sold_are_conflicts(built_world):
    # A clone brought back in place of the sold genuine unit contradicts nothing: it takes more than a ledger to see it.
    planted = (
        built_world.truth["cloned_serials"]
        .filter(pl.col("kind") != "cloned_returned")
        .select(pl.col("article").str.strip_chars_start("0").alias("article_id"), "serial_number")
        .unique()
    )
    found = built_world.query("select article_id, serial_number from serials where has_conflict")
    assert planted.height > 0
    assert planted.join(found, on=["article_id", "serial_number"]).height == planted.height


def test_one_movement_reported_by_two_systems_is_one_movement_with_two_witnesses(built_world):
    receipts = built_world.query("select witness_names, count(*) as n from serial_movements where movement_type = '101' group by all")
    counts = dict(receipts.iter_rows())
    assert counts["handheld,sap"] > 100
    assert counts["sap,wms"] > 100


def test_stays_of_a_unit_follow_each_other_without_gap(built_world):
    broken = built_world.query("""
        with stays as (
            select *, lead(valid_from_at) over (partition by article_id, serial_number order by stay_number) as next_from_at
            from serial_stays
        )
        select * from stays where valid_to_at <> coalesce(next_from_at, timestamp '9999-12-31') or is_current <> (next_from_at is null)""")
    assert broken.is_empty()
    assert (
        built_world.query("select count(*) from serial_stays where is_current").item()
        == built_world.query("select count(*) from serials").item()
    )


def test_stock_is_the_number_of_units(built_world):
    current = built_world.query("select sum(units) from stock_current").item()
    units = built_world.query("select count(*) from serials where unit_state in ('in_stock', 'in_transit', 'with_vendor')").item()
    last_day = built_world.query("select sum(units) from stock_daily where stock_date = (select max(stock_date) from stock_daily)").item()
    assert current == units == last_day


def test_sales_reconcile_to_the_till_lines(built_world, small_world):
    receipts = small_world.feeds["pos/receipts"].unique(["sndprn", "kassid", "vorgdatum", "bonnummer", "posnr"])
    sold = receipts.filter(pl.col("vorzeichen") == "-")["menge"].sum()
    returned = receipts.filter(pl.col("vorzeichen") == "+")["menge"].sum()
    totals = built_world.query("select sum(units_sold), sum(units_returned), sum(units_net) from sales_daily").row(0)
    assert totals == (sold, returned, sold - returned)


def test_returns_carry_sale_reason_and_disposition(built_world):
    known = built_world.query("""
        select count(*) as n, count(sold_receipt_id) as sold, count(return_reason_code) as reason, count(disposition_code) as disposition
        from returns where is_serialised""").row(0, named=True)
    assert known["n"] > 20
    assert known["reason"] == known["n"]
    assert known["sold"] / known["n"] > 0.95
    assert known["disposition"] / known["n"] > 0.9
    assert built_world.query("select count(*) from returns where days_since_sale < 0").item() == 0


def test_a_site_goes_live_with_its_first_serials(built_world):
    truth = {row["site"]: row["go_live"] for row in built_world.truth["go_lives"].iter_rows(named=True)}
    found = dict(built_world.query("select site_id, serial_go_live_date from sites where has_master_data").iter_rows())
    assert {site: abs((found[site] - day).days) <= 1 for site, day in truth.items()} == dict.fromkeys(truth, True)


def test_every_table_and_column_is_documented(built_world):
    views = built_world.query("select view_name from duckdb_views() where not internal and comment is null")
    columns = built_world.query("select column_name from duckdb_columns() where not internal and comment is null")
    assert views.is_empty()
    assert columns.is_empty()


def test_the_run_is_recorded_with_its_stages(built_world):
    assert built_world.outcome.state == "SUCCESS"
    assert built_world.outcome.job == "nightly"
    learning = {"train demand", "train returns", "forecast demand", "sum forecasts", "score returns", "judge forecasts", "replenish"}
    assert set(built_world.outcome.stage_seconds) == {
        "extract to bronze",
        "check contracts",
        "build facts",
        "publish",
        "feed PeopleSoft",
        "sweep discrepancies",
        "check initial loads",
        "judge the roll-out",
        *learning,
    }
    assert isinstance(built_world.outcome.started_at, datetime)
