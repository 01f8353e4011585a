"""Reconciliation and counts on the simulated retailer: every planted cause is found and named, to the unit, and nothing beside."""

from __future__ import annotations

import polars as pl
import pytest

from pipelines.warehouse import query


def _units(frame: pl.DataFrame, serial: str = "serial_number") -> set[tuple[str, str]]:
    return set(frame.select(pl.col("article").str.strip_chars_start("0"), serial).iter_rows())


def _planted(world, table: str, *kinds: str) -> set[tuple[str, str]]:
    found = _units(world.truth[table].filter(pl.col("kind").is_in(kinds)))
    assert found, (table, kinds)
    return found


def _reported(world, cause: str) -> set[tuple[str, str]]:
    rows = world.query(
        "select article_id, serial_number from serial_reconciliation where list_contains(split(all_cause_codes, ','), ?)", cause
    )
    return set(rows.iter_rows())


def _mistyped_receipts(world) -> set[tuple[str, str]]:
    """Numbers that exist by a typing error alone, at a receipt or an initial load: in all books, and in no place."""
    typed = _units(world.truth["mistyped_serials"].filter(pl.col("kind") == "receipt"), "typed_serial_number")
    typed |= _units(world.truth["load_deviations"].filter(pl.col("kind") == "loaded_not_counted"))
    return {
        tuple(row) for row in world.query("select article_id, serial_number from serials where unit_state = 'in_stock'").iter_rows()
    } & typed


@pytest.mark.parametrize(
    ("cause", "kinds"),
    [("wrong_storage_location", ["wrong_location"]), ("wrong_site", ["wrong_site"])],
)
def test_a_unit_that_the_erp_keeps_elsewhere_is_found_with_its_cause(built_world, cause, kinds):
    assert _reported(built_world, cause) == _planted(built_world, "eqbs_deviations", *kinds)


def test_a_sold_unit_in_the_erps_stock_and_a_unit_with_two_statuses_are_status_conflicts(built_world):
    planted = _planted(built_world, "eqbs_deviations", "already_sold") | _planted(
        built_world, "status_deviations", "in_stock_and_at_customer"
    )
    assert _reported(built_world, "status_conflict") == planted


def test_a_status_of_a_delivery_that_is_gone_is_found_and_that_of_an_open_one_is_not(built_world):
    assert _reported(built_world, "stuck_delivery_status") == _planted(built_world, "status_deviations", "stuck_on_delivery")


def test_units_that_a_count_missed_and_nobody_posted_are_short_together_with_mistyped_ones(built_world):
    reported = _reported(built_world, "short")
    unposted = _planted(built_world, "unposted_counts", "loss")
    assert unposted <= reported
    # A number that a clerk mistyped at a receipt lies in no shelf: each count misses it anew.
    assert reported - unposted == _mistyped_receipts(built_world)


def test_units_found_beyond_the_books_and_not_posted_are_named_by_where_the_books_have_them(built_world):
    gains = _planted(built_world, "unposted_counts", "gain")
    reported = _reported(built_world, "non_transferred") | _reported(built_world, "overage") | _reported(built_world, "wrong_site")
    assert gains <= reported
    assert reported - gains == _planted(built_world, "eqbs_deviations", "wrong_site")


def test_a_correction_names_movement_type_and_both_ends(built_world):
    rows = built_world.query("""
        select r.cause_code, r.correction_movement_type, r.correction_from_site_id = r.erp_site_id, r.correction_to_site_id = s.site_id,
            r.value_at_stake > 0
        from serial_reconciliation as r join serials as s using (article_id, serial_number)
        where r.cause_code in ('wrong_site', 'wrong_storage_location') and r.count_result_code is null""")
    assert set(rows.iter_rows()) == {("wrong_site", "301", True, True, True), ("wrong_storage_location", "311", True, True, True)}
    lost = built_world.query("select distinct correction_movement_type from serial_reconciliation where cause_code = 'short'")
    assert lost["correction_movement_type"].to_list() == ["702"]


def test_count_variances_hold_every_loss_that_counts_found_posted_or_not(built_world):
    found = built_world.query("""
        select count_document_id, article_id, sum(missing_units - repeated_units)::int as missing, sum(adjusted_units)::int as adjusted
        from count_variances where missing_units > repeated_units group by all""")
    posted, unposted = (built_world.truth[name].filter(pl.col("kind") == "loss") for name in ("count_differences", "unposted_counts"))
    by_line = (
        pl.concat([posted.with_columns(adjusted=1), unposted.with_columns(adjusted=0)])
        .group_by(count_document_id="count_document", article_id=pl.col("article").str.strip_chars_start("0"))
        .agg(pl.len().alias("planted"), pl.col("adjusted").sum().alias("planted_adjusted"))
    )
    both = by_line.join(found, on=["count_document_id", "article_id"], how="left")
    assert both.filter(pl.col("missing").fill_null(0) < pl.col("planted")).is_empty()
    assert both.filter(pl.col("adjusted").fill_null(0) < pl.col("planted_adjusted")).is_empty()


def test_a_unit_that_a_count_misses_was_lost_or_is_in_the_books_by_another_planted_fault(built_world):
    missing = query(
        built_world.home.warehouse,
        "select distinct article_id as article, serial_number from intermediate.int_count_differences where result_code = 'missing'",
    )
    truth = built_world.truth
    planted = [truth["count_differences"], truth["unposted_counts"], truth["over_deliveries"], truth["cloned_serials"]]
    explained = set().union(*(_units(table) for table in planted), _units(truth["mistyped_serials"], "typed_serial_number"))
    explained |= _units(truth["load_deviations"].filter(pl.col("serial_number").is_not_null()))
    came = truth["wrong_articles"].select(article="received_article", serial_number="received_serial_number")
    assert _units(missing) <= explained | _units(came)


def test_accuracy_adds_up_and_a_bulk_count_calls_more_right_than_there_is(built_world):
    rows = built_world.query("""
        with units as (
            select site_id, date_trunc('week', counted_date)::date as week_start_date,
                sum(matched_units) / sum(matched_units + missing_units + surplus_units) as share
            from count_variances where count_basis_code = 'serial' group by all
        )
        select accuracy.*, units.share,
            matched_units + missing_units = book_units and matched_units + surplus_units = counted_units as adds_up
        from inventory_accuracy as accuracy left join units using (site_id, week_start_date)""")
    assert rows["adds_up"].all()
    by_unit = rows.filter(pl.col("unit_accuracy_share").is_not_null())
    assert (by_unit["unit_accuracy_share"] - by_unit["share"]).abs().max() < 1e-12
    assert by_unit.height == rows["share"].count()
    assert (by_unit["bulk_accuracy_share"] >= by_unit["unit_accuracy_share"] - 1e-12).all()
    assert by_unit["bulk_accuracy_share"].sum() > by_unit["unit_accuracy_share"].sum()
    assert 0.97 < by_unit["unit_accuracy_share"].mean() < 1
    totals = built_world.query("select (select sum(book_units) from inventory_accuracy) = (select sum(book_units) from count_variances)")
    assert totals.item()


def test_the_plan_finds_clearly_more_than_chance_and_than_what_was_counted_longest_ago(built_world):
    shares = dict(
        built_world.query("select method_code, sum(value_found) / sum(value_to_find) from count_plan_results group by all").iter_rows()
    )
    units = dict(
        built_world.query("select method_code, sum(units_found) / sum(units_to_find) from count_plan_results group by all").iter_rows()
    )
    assert shares["plan"] > 1.5 * max(shares["random"], shares["longest_ago"])
    assert units["plan"] > 1.3 * max(units["random"], units["longest_ago"])


def test_the_plan_ranks_by_expected_value_and_covers_all_stock(built_world):
    plan = built_world.query("select * from count_plan order by overall_rank")
    assert plan["overall_rank"].to_list() == list(range(1, plan.height + 1))
    assert plan["expected_value"].is_sorted(descending=True)
    stocked = built_world.query("select distinct site_id, article_id from serials where unit_state = 'in_stock'")
    assert stocked.join(plan, on=["site_id", "article_id"], how="anti").is_empty()
