"""What if: a campaign changes the days and the series that it names, and nothing else; the answer stands beside what is."""

from __future__ import annotations

from datetime import date, timedelta

import polars as pl
import pytest

from pipelines.params import read_params
from pipelines.replenishment.facts import read_facts
from pipelines.replenishment.planning import prepared
from pipelines.replenishment.whatif import Asked, Offers, WhatIfError, campaign_of_file, compared, panel_with, panel_without
from tests.unit.replenishment.support import DAY, published, unit


def panel() -> pl.DataFrame:
    """Two variants in two regions; ten days seen, ten ahead; one day ahead is on offer already."""
    days = [DAY + timedelta(days=n) for n in range(-9, 11)]
    rows = [
        {"unique_id": f"{article}/{site}", "article_id": article, "generic_article_id": "4700", "site_id": site, "region_code": region,
         "ds": day, "y": 2.0 if day <= DAY else None, "campaign_discount_pct": 10.0 if day == DAY + timedelta(days=2) else 0.0,
         "campaign_discount_pct_planned_at": DAY - timedelta(days=5) if day == DAY + timedelta(days=2) else None,
         "price": 450.0 if day == DAY + timedelta(days=2) else 500.0}
        for article in ("4711", "4712") for site, region in (("S1", "TX"), ("S2", "CA")) for day in days
    ]  # fmt: skip
    return pl.DataFrame(rows, schema_overrides={"campaign_discount_pct_planned_at": pl.Date, "y": pl.Float64})


def offers(article: str | None = None, place: str | None = None, *, discount: float = 20.0, first: int = 1, last: int = 3) -> Offers:
    row = {"article_id": article, "place_id": place, "first_date": DAY + timedelta(days=first), "last_date": DAY + timedelta(days=last)}
    schema = {"article_id": pl.String, "place_id": pl.String, "first_date": pl.Date, "last_date": pl.Date, "discount_pct": pl.Float64}
    return Offers(pl.DataFrame([{**row, "discount_pct": discount}], schema=schema))


def test_a_campaign_changes_the_days_and_series_that_it_names():
    before, after = panel(), panel_with(panel(), offers("4711", "TX"))
    changed = after.filter(pl.col("campaign_discount_pct") != before["campaign_discount_pct"])
    assert set(changed["unique_id"]) == {"4711/S1"}
    assert changed["ds"].to_list() == [DAY + timedelta(days=n) for n in (1, 2, 3)]
    assert changed["price"].to_list() == pytest.approx([400.0] * 3)
    assert changed["campaign_discount_pct_planned_at"].to_list() == [DAY] * 3
    assert after.drop("campaign_discount_pct", "price", "campaign_discount_pct_planned_at").equals(
        before.drop("campaign_discount_pct", "price", "campaign_discount_pct_planned_at")
    )


def test_names_of_generic_articles_and_sites_are_understood_and_none_means_all():
    assert panel_with(panel(), offers("4700", "S2")).filter(pl.col("campaign_discount_pct") == 20)["unique_id"].n_unique() == 2
    assert panel_with(panel(), offers()).filter(pl.col("campaign_discount_pct") == 20)["unique_id"].n_unique() == 4


def test_a_planned_campaign_can_be_taken_away_and_the_past_stays():
    without = panel_without(panel(), offers())
    assert (without["campaign_discount_pct"] == 0).all()
    assert (without["price"] == 500).all()
    past = offers(first=-5, last=0)
    assert panel_without(panel(), past).equals(panel().with_columns(price=pl.col("price")))
    with pytest.raises(WhatIfError, match="touches no"):
        panel_with(panel(), past)
    with pytest.raises(WhatIfError, match="touches no"):
        panel_with(panel(), offers("nothing"))


def test_a_file_in_the_form_of_the_calendar_is_read_and_a_wrong_one_is_refused(tmp_path):
    file = tmp_path / "summer.csv"
    file.write_text(
        "campaign_number,campaign_name,planned_on,starts_on,ends_on,region,generic_article,discount_pct\n"
        "CAMP1,Summer,2026-03-01,2026-03-21,2026-03-23,,000000000000004700,15\n",
        encoding="utf-8",
    )
    found = campaign_of_file(file)
    assert found.days() == (date(2026, 3, 21), date(2026, 3, 23))
    assert found.rows.row(0, named=True)["article_id"] == "4700"
    assert found.rows.row(0, named=True)["place_id"] is None
    with pytest.raises(WhatIfError, match="no such file"):
        campaign_of_file(tmp_path / "nothing.csv")
    (tmp_path / "bad.csv").write_text("a,b\n1,2\n", encoding="utf-8")
    with pytest.raises(WhatIfError, match="columns are in"):
        campaign_of_file(tmp_path / "bad.csv")


def test_units_stock_and_money_stand_side_by_side(home):
    published(home, *[unit(f"1{n}") for n in range(9)])
    facts, knobs = read_facts(home), read_params().replenishment
    more = facts.forecasts.with_columns(
        expected_units=pl.col("expected_units")
        * pl.when((pl.col("site_id") == "S1") & pl.col("lead").is_between(8, 14)).then(2).otherwise(1)
    )
    campaign = offers("4711", "S1", discount=10.0, first=8, last=14)
    days = [DAY + timedelta(days=n) for n in range(29)]
    plain = pl.DataFrame(
        [
            {"unique_id": f"4711/{site}", "article_id": "4711", "site_id": site, "ds": day, "y": 2.0 if day == DAY else None}
            for site in ("S1", "S2")
            for day in days
        ]
    ).with_columns(campaign_discount_pct=pl.lit(0.0))
    without, offered = Asked(plain, facts.forecasts), Asked(panel_with(plain, campaign), more)
    found = compared(facts, prepared(facts, knobs), without, offered, knobs)
    assert set(found["site_id"]) == {"S1", "DC01"}
    store = found.filter(pl.col("site_id") == "S1").row(0, named=True)
    assert store["units_without"] == pytest.approx(56)
    assert store["units_with"] == pytest.approx(70)
    assert store["order_up_to_with"] > store["order_up_to_without"], "the level rises for the days of the campaign, before it begins"
    assert store["revenue_with"] == pytest.approx((70 - 28 * 0.1) * store["revenue_without"] / 56, rel=1e-6)
    assert store["stock_value_with"] == store["order_up_to_with"] * 400
    assert found.filter(pl.col("site_id") == "DC01")["revenue_with"].to_list() == [0.0]
    assert compared(facts, prepared(facts, knobs), without, without, knobs).is_empty()
