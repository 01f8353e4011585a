from datetime import date, datetime

import numpy as np
import polars as pl
import pytest

from pipelines.forecasting.config import ForecastConfig, config_of, read_config
from pipelines.forecasting.panel import PanelError, panel_of, read_panel

DAYS = [date(2026, 3, 2), date(2026, 3, 3), date(2026, 3, 5)]


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
