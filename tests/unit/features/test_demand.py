"""Demand features: what was known at the as-of date, whatever the order of the rows and whatever came later."""

from datetime import date, timedelta

import duckdb
import polars as pl
import pytest

from pipelines.features.demand import FEATURES, PanelError, dense_panel, lead_time_rows, observed_until
from pipelines.params import read_params
from tests.unit.features.panels import FIRST_DAY, weekly_panel

PARAMS = read_params().demand
AS_OF = FIRST_DAY + timedelta(days=80)


def _rows(panel: pl.DataFrame, as_of: date = AS_OF) -> pl.DataFrame:
    return lead_time_rows(dense_panel(panel), [as_of], PARAMS)


def test_one_row_per_series_and_lead_time():
    rows = _rows(weekly_panel())
    assert rows.height == 12 * PARAMS.horizon_days
    assert rows["lead_time_days"].unique().sort().to_list() == list(range(1, 29))
    assert (rows["ds"] - rows["as_of"]).dt.total_days().to_list() == rows["lead_time_days"].to_list()


def test_the_order_of_the_rows_changes_nothing():
    panel = weekly_panel()
    assert _rows(panel).equals(_rows(panel.sample(fraction=1, shuffle=True, seed=1)))


def test_the_future_changes_no_feature():
    panel = weekly_panel()
    known = panel.filter(pl.col("ds") <= AS_OF + timedelta(days=PARAMS.horizon_days))
    later = pl.when(pl.col("ds") > AS_OF).then(pl.col("y") * 9 + 5).otherwise(pl.col("y")).alias("y")
    columns = ["unique_id", "ds", "seasonal_naive", "expected_level", *FEATURES]
    assert _rows(known).select(columns).equals(_rows(panel.with_columns(later)).select(columns))


def test_days_without_a_row_are_days_without_demand():
    panel = weekly_panel(series=1)
    gaps = panel.filter(pl.col("y") > 0)
    first = gaps["ds"].min()
    assert dense_panel(gaps).select("ds", "y").equals(panel.filter(pl.col("ds").is_between(first, gaps["ds"].max())).select("ds", "y"))


def test_a_series_that_ended_early_is_filled_up_to_the_last_observed_day():
    panel = weekly_panel(series=2).filter((pl.col("unique_id") == "A0/S0") | (pl.col("ds") < AS_OF))
    dense = dense_panel(panel)
    assert dense.group_by("unique_id").agg(pl.col("ds").max())["ds"].unique().to_list() == [observed_until(panel)]
    assert dense.filter((pl.col("unique_id") == "A1/S0") & (pl.col("ds") >= AS_OF))["y"].unique().to_list() == [0.0]


def test_the_seasonal_naive_is_the_same_weekday_of_the_last_known_week():
    panel = weekly_panel(series=1)
    known = dict(panel.select("ds", "y").iter_rows())
    for ds, lead, naive in _rows(panel).select("ds", "lead_time_days", "seasonal_naive").iter_rows():
        weeks = -(-lead // 7)
        assert naive == known[ds - timedelta(days=7 * weeks)]


def test_rolling_features_agree_with_sql():
    panel = dense_panel(weekly_panel())
    rows = (
        _rows(panel)
        .filter(pl.col("lead_time_days") == 1)
        .select("unique_id", "level", "week_ratio", "month_ratio", "zero_share", "site_trend")
    )
    connection = duckdb.connect()
    connection.register("panel", panel.filter(pl.col("ds") <= AS_OF).to_arrow())
    smoothing = 0.5 ** (1 / PARAMS.level_half_life_days)
    referee = connection.execute(f"""
        with own as (
            select unique_id, any_value(site_id) as site_id,
                sum(y * pow({smoothing}, date '{AS_OF}' - ds)) / sum(pow({smoothing}, date '{AS_OF}' - ds)) as level,
                avg(y) filter (ds > date '{AS_OF}' - 7) as week, avg(y) filter (ds > date '{AS_OF}' - 28) as month,
                avg((y = 0)::int) filter (ds > date '{AS_OF}' - 28) as zero_share
            from panel group by unique_id),
        site as (
            select site_id, sum(y) filter (ds > date '{AS_OF}' - 7) / 7.0 / (sum(y) filter (ds > date '{AS_OF}' - 28) / 28.0) as trend
            from panel group by site_id)
        select unique_id, level, week / level as week_ratio, month / level as month_ratio, zero_share, trend as site_trend
        from own join site using (site_id) order by unique_id""").pl()
    assert referee["unique_id"].to_list() == rows["unique_id"].to_list()
    for name in rows.columns[1:]:
        assert (rows[name] - referee[name]).abs().max() < 1e-9, name


def test_a_day_without_stock_does_not_lower_the_level():
    panel = weekly_panel(series=1)
    sold_out = panel.with_columns(is_stock_out=pl.col("ds").is_between(AS_OF - timedelta(days=3), AS_OF))
    empty = sold_out.with_columns(y=pl.when("is_stock_out").then(0.0).otherwise("y"))
    level = _rows(empty)["level"][0]
    assert level > _rows(empty.drop("is_stock_out"))["level"][0]
    assert level == _rows(sold_out)["level"][0]


def test_a_campaign_counts_only_from_the_day_it_was_planned():
    day = AS_OF + timedelta(days=5)
    panel = weekly_panel(series=1).with_columns(
        campaign_discount_pct=pl.when(pl.col("ds") == day).then(20.0), campaign_planned_date=pl.lit(AS_OF)
    )
    planned = _rows(panel).filter(pl.col("ds") == day)["campaign_discount_pct"].item()
    too_early = _rows(panel, AS_OF - timedelta(days=1)).filter(pl.col("ds") == day)["campaign_discount_pct"].item()
    assert (planned, too_early) == (20.0, 0.0)


@pytest.mark.parametrize(
    ("panel", "message"),
    [
        (weekly_panel().drop("y"), "lacks y"),
        (pl.concat([weekly_panel(), weekly_panel()]), "twice"),
        (weekly_panel().with_columns(y=pl.lit(-1.0)), "negative demand"),
        (weekly_panel().with_columns(y=pl.lit(None, pl.Float64)), "no day with known demand"),
    ],
)
def test_a_panel_that_cannot_be_learned_from_says_why(panel, message):
    with pytest.raises(PanelError, match=message):
        dense_panel(panel)
