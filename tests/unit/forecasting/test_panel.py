from datetime import date, datetime, timedelta
from zoneinfo import ZoneInfo

import numpy as np
import polars as pl
import pytest

from pipelines.forecasting.config import ForecastConfig, config_of, read_config
from pipelines.forecasting.features import FeatureMaker
from pipelines.forecasting.panel import PanelError, panel_of, read_panel
from pipelines.pictures import new_figure, plain, png_of

DAYS = [date(2026, 3, 2), date(2026, 3, 3), date(2026, 3, 5)]


WEEKS = [date(2026, 1, 5) + timedelta(weeks=week) for week in range(30)]


def _series(days, name="a"):
    return pl.DataFrame({"unique_id": name, "ds": days, "y": 3.0})


def _frame(**columns):
    return pl.DataFrame({"unique_id": ["a"] * 3, "ds": DAYS, "y": [2.0, 1.0, 3.0], **columns})


def test_a_series_begins_at_its_first_sale_and_gaps_are_zeros():
    late = pl.DataFrame({"unique_id": ["b"] * 2, "ds": DAYS[1:], "y": [0.0, 4.0]})
    panel = panel_of(pl.concat([_frame(), late]), ForecastConfig())
    assert panel.frequency.name == "daily"
    assert panel.unique_id.to_list() == ["a", "b"]
    np.testing.assert_array_equal(panel.y, [[2, 1, 0, 3], [np.nan, np.nan, np.nan, 4]])


def test_gaps_are_unknown_where_told_or_where_a_zero_is_implausible():
    assert np.isnan(panel_of(_frame(), config_of({"gaps": "unknown"})).y[0, 2])
    days = pl.date_range(date(2026, 3, 2), date(2026, 4, 30), eager=True)
    large = pl.DataFrame({"unique_id": "a", "ds": days, "y": 200.0}).filter(pl.col("ds") != date(2026, 3, 20))
    assert np.isnan(panel_of(large, ForecastConfig()).y).sum() == 1


@pytest.mark.parametrize(
    ("ds", "name", "periods"),
    [
        ([date(2026, 1, 5), date(2026, 1, 12), date(2026, 1, 26)], "weekly", 4),
        ([date(2026, 1, 1), date(2026, 2, 1), date(2026, 4, 1)], "monthly", 4),
        ([datetime(2026, 1, 1), datetime(2026, 1, 2), datetime(2026, 1, 4)], "daily", 4),
        ([40, 41, 44], "periods", 5),
        ([20260102, 20260103, 20260105], "daily", 4),
        ([202601, 202602, 202604], "monthly", 4),
        ([date(2026, 1, 31), date(2026, 2, 28), date(2026, 4, 30)], "monthly", 4),
        ([date(2026, 1, 2), date(2026, 2, 2), date(2026, 4, 1)], "monthly", 4),
    ],
)
def test_the_frequency_is_inferred(ds, name, periods):
    panel = panel_of(pl.DataFrame({"unique_id": [7] * 3, "ds": ds, "y": [1, 2, 3]}), ForecastConfig())
    assert (panel.frequency.name, panel.observed) == (name, periods)
    assert panel.unique_id.to_list() == ["7"]


def test_columns_are_told_apart_by_what_they_hold():
    frame = pl.concat(
        [_frame(), pl.DataFrame({"unique_id": ["a"], "ds": [date(2026, 3, 6)], "y": [None]}, schema_overrides={"y": pl.Float64})]
    )
    frame = frame.with_columns(
        pl.lit("north").alias("region"),
        pl.Series("promo", [0, 1, 0, 1]),
        pl.Series("visits", [5.0, 6.0, 7.0, None]),
        pl.Series("note", list("abcd")),
    )
    panel = panel_of(frame, ForecastConfig())
    assert panel.static.columns == ["region"]
    assert list(panel.known) == ["promo"]
    assert list(panel.past) == ["visits"]
    assert panel.observed == 4
    assert "columns not used: note" in panel.notes


def test_a_plan_counts_only_once_it_is_made():
    frame = _frame(promo=[0, 0, 1], promo_planned_at=[None, None, date(2026, 3, 3)])
    known = panel_of(frame, config_of({"known": ["promo"]})).known["promo"]
    assert np.isnan(known.at(0, 3)[0])
    assert known.at(1, 3)[0] == 1


def test_a_period_without_stock_is_unknown_demand():
    panel = panel_of(_frame(is_stock_out=[False, True, False]), ForecastConfig())
    np.testing.assert_array_equal(panel.is_censored, [[False, True, False, False]])


@pytest.mark.parametrize(
    ("frame", "config", "message"),
    [
        (_frame().drop("y"), {}, "lacks y; name its columns"),
        (pl.concat([_frame(), _frame()]), {}, "series a at 2026-03-02 more than once"),
        (_frame().with_columns(y=-pl.col("y")), {}, "demand of series a at 2026-03-02 is -2"),
        (_frame().with_columns(y=pl.lit(0.0)), {}, "no series ever sold anything"),
        (_frame().with_columns(y=pl.lit("x")), {}, "y is String; give numbers"),
        (_frame(), {"known": ["promo"]}, "names columns that are not there: promo"),
        (_frame(region=["n", "n", "s"]), {"hierarchy": ["region"]}, "region is not"),
        (_frame(), {"frequency": "weekly"}, "lies between two weekly periods"),
        (_series([date(year, month, 1) for year in (2024, 2025) for month in (1, 4, 7, 10)]), {}, "dates lie 3 months apart"),
        (_series([date(2024, 1, 1) + timedelta(weeks=2 * n) for n in range(9)]), {}, "dates lie 2 weeks apart"),
        (_series([*WEEKS, date(9999, 12, 27)]), {}, "1 rows lie .* periods from the others .series a at 9999-12-27"),
        (_frame(is_stock_out=[True] * 3), {"gaps": "unknown"}, "is_stock_out marks every period since launch"),
        (_frame(is_stock_out=["no", "yes", "no"]), {}, "is_stock_out is String; give true and false"),
        (_frame(value=["cheap", "dear", "dear"]), {"price": "value"}, "the price value is String; give numbers"),
        (_frame(), {"frequency": "periods"}, "name the calendar, or give numbers"),
    ],
)
def test_what_cannot_be_forecast_is_refused_with_what_to_do(frame, config, message):
    with pytest.raises(PanelError, match=message):
        panel_of(frame, config_of(config))


def test_unknown_keys_are_refused_by_name(tmp_path):
    path = tmp_path / "config.yaml"
    path.write_text("horizont: 4\n")
    with pytest.raises(PanelError, match=r"unknown keys horizont; those that are known: .*horizon"):
        read_config(path)
    path.write_text("horizon: four\n")
    with pytest.raises(PanelError, match="horizon is 'four'"):
        read_config(path)
    path.write_text("")
    assert read_config(path) == ForecastConfig()


def test_a_file_that_is_no_panel_is_refused(tmp_path):
    with pytest.raises(PanelError, match="no such file"):
        read_panel(tmp_path / "absent.parquet", ForecastConfig())
    (tmp_path / "text.parquet").write_text("not parquet")
    with pytest.raises(PanelError, match="not readable as Parquet"):
        read_panel(tmp_path / "text.parquet", ForecastConfig())


def test_month_ends_stay_month_ends():
    panel = panel_of(_series([date(2025, 11, 30), date(2025, 12, 31), date(2026, 2, 28)]), ForecastConfig())
    assert panel.ds.to_list() == [date(2025, 11, 30), date(2025, 12, 31), date(2026, 1, 31), date(2026, 2, 28)]
    assert FeatureMaker(panel).date_of(5) == date(2026, 4, 30)


def test_weeks_on_different_weekdays_and_a_stray_day_are_weeks():
    thursdays = [day + timedelta(days=3) for day in WEEKS]
    stray = [*WEEKS[:9], WEEKS[9] + timedelta(days=1), *WEEKS[10:]]
    panel = panel_of(pl.concat([_series(WEEKS), _series(thursdays, "b"), _series(stray, "c")]), ForecastConfig())
    assert (panel.frequency.name, panel.observed) == ("weekly", 30)
    assert (panel.y == 3).all()
    assert "31 rows lie beside the usual day of a weekly period and count for the nearest" in panel.notes


def test_the_day_is_that_of_the_time_zone():
    midnights = [datetime(2026, 1, day, tzinfo=ZoneInfo("Europe/Berlin")) for day in (1, 2, 3)]
    frame = _frame().with_columns(pl.Series("ds", midnights, dtype=pl.Datetime("us", "Europe/Berlin")))
    assert panel_of(frame, ForecastConfig()).ds[0] == date(2026, 1, 1)


def test_any_other_column_does_no_harm():
    frame = _frame(row=[1, 2, 3], period=[5.0, 6.0, 7.0], tags=[["a"], ["b"], []], price=["cheap", "dear", "dear"])
    panel = panel_of(frame, ForecastConfig())
    assert list(panel.past) == ["row", "period"]
    assert "columns not used: price, tags" in panel.notes


@pytest.mark.parametrize(
    ("document", "message"),
    [
        ({"quantiles": "high"}, "quantiles is 'high'; give a list of numbers"),
        ({"quantiles": [0.951, 0.953]}, "differ by whole hundredths"),
        ({"trees": {"iterations": -1}}, "trees: iterations is -1; give a whole number from 1"),
        ({"trees": {"learning_rate": "fast"}}, "trees: learning_rate is 'fast'; give a number"),
        ({"trees": 7}, "trees is 7; give keys and values"),
        ({"hierarchy": [3]}, "hierarchy is .*; it has to be a list of names"),
        ({"known": "price"}, "known is 'price'; it has to be a list of names"),
        ({"threads": True}, "threads is True; give a whole number from 1"),
    ],
)
def test_a_value_that_does_not_fit_is_refused_by_its_key(document, message):
    with pytest.raises(PanelError, match=message):
        config_of(document)


def test_a_dollar_in_a_title_is_no_formula():
    figure = new_figure(2, 1)
    figure.add_subplot().set_title(plain("$x_{ and $y"))
    assert png_of(figure)
