"""Panels whose history is younger than the longest lead time."""

from datetime import date, timedelta

import numpy as np
import polars as pl
import pytest

from pipelines.forecasting.config import config_of
from pipelines.forecasting.engine import forecast_panel, learn_panel
from pipelines.forecasting.panel import panel_of


@pytest.mark.parametrize("days", [84, 100])
def test_lead_times_longer_than_the_history_are_learned_from_shorter_ones(days):
    demand = np.random.default_rng(5).poisson(1.5, (30, days))
    ids, periods = np.repeat(np.arange(30), days), np.tile(np.arange(days), 30)
    frame = pl.DataFrame({"unique_id": ids, "ds": [date(2026, 3, 2) + timedelta(days=int(n)) for n in periods], "y": demand.ravel()})
    told = {"frequency": "daily", "horizon": 28, "cutoffs": 3, "cutoff_step": 14, "validation_cutoffs": 4, "minimum_history": 28}
    config = config_of({**told, "models": ["seasonal_naive", "ses", "regression", "trees"], "trees": {"iterations": 20}})
    panel = panel_of(frame, config)
    found, engine = learn_panel(panel, config)
    forecast = forecast_panel(engine, panel)
    assert found.forecasts.height > 0
    assert forecast.height == 30 * 28
    assert forecast["expected_units"].is_between(0.3, 5).all()
