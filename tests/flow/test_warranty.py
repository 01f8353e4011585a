"""Warranty over a whole retailer: every sold unit has its term, and no honest claim is doubted."""

from __future__ import annotations

import polars as pl


def test_every_unit_with_a_customer_is_covered_and_ends_where_the_erp_says(built_world):
    held = built_world.query("select count(*) from serials where unit_state = 'with_customer'").item()
    rows = built_world.query("select * from warranty where returned_date is null")
    assert rows.height == held > 3_000
    told = rows.filter(pl.col("term_source_code") == "equipment")
    assert told.height > 0.99 * held
    assert told["warranty_end_date"].equals(told["erp_warranty_end_date"], check_names=False)
    assert (told["warranty_end_date"] - told["sold_date"]).dt.total_days().is_between(364, 366).all()


def test_a_unit_that_came_back_is_covered_by_nobody(built_world):
    rows = built_world.query(
        "select warranty.* from warranty join serials using (article_id, serial_number) where serials.unit_state <> 'with_customer'"
    )
    assert rows.height > 100
    assert rows["coverage_code"].unique().to_list() == ["returned"]
    assert (rows["returned_date"] >= rows["sold_date"]).all()


def test_claims_of_units_that_were_truly_sold_are_in_term(built_world):
    claims = built_world.query("select * from warranty_claims")
    planted = pl.concat([built_world.truth[name].select("serial_number") for name in ("mistyped_serials", "cloned_serials")])
    honest = claims.join(planted, on="serial_number", how="anti")
    assert honest.height > 15
    assert honest["judgement_code"].unique().to_list() == ["in_term"]
    assert honest["is_to_review"].to_list() == (honest["decision_code"] == "rejected").to_list()
