"""What known days say: the last same weekday repeats, and a day without stock is no day without demand."""

from datetime import timedelta

import numpy as np
import polars as pl

from pipelines.forecasting.baselines import baseline_forecasts
from pipelines.forecasting.config import config_of
from pipelines.forecasting.features import FeatureMaker
from pipelines.forecasting.panel import panel_of
from tests.unit.features.panels import FIRST_DAY, weekly_panel

DAYS, HORIZON = 81, 28


def maker_of(frame: pl.DataFrame) -> FeatureMaker:
    return FeatureMaker(panel_of(frame, config_of({"frequency": "daily", "horizon": HORIZON})))


def test_the_seasonal_naive_is_the_same_weekday_of_the_last_known_week():
    frame = weekly_panel(series=1, days=DAYS)
    maker = maker_of(frame)
    forecast = baseline_forecasts(maker, maker.panel.observed - 1, HORIZON, ["seasonal_naive"])["seasonal_naive"][0]
    known, last = dict(frame.select("ds", "y").iter_rows()), FIRST_DAY + timedelta(days=DAYS - 1)
    naive = [known[last + timedelta(days=lead - 7 * -(-lead // 7))] for lead in range(1, HORIZON + 1)]
    np.testing.assert_allclose(forecast, naive)


def test_a_day_without_stock_does_not_lower_the_level_and_one_that_ran_out_may_raise_it():
    last = FIRST_DAY + timedelta(days=DAYS - 1)
    sold_out = weekly_panel(series=1, days=DAYS).with_columns(is_stock_out=pl.col("ds").is_between(last - timedelta(days=3), last))
    empty = sold_out.with_columns(y=pl.when("is_stock_out").then(0.0).otherwise("y"))
    levels = [maker.level(maker.panel.observed - 1)[0] for maker in map(maker_of, (empty, sold_out, empty.drop("is_stock_out")))]
    assert levels[1] > levels[0] > levels[2]
