"""Explaining: contributions add up to the forecast, and a campaign that doubles demand is told as the reason."""

import numpy as np
import pytest

from pipelines.forecasting.config import config_of
from pipelines.forecasting.explaining import contributions_of, forecast_reasons
from pipelines.forecasting.features import FeatureMaker
from pipelines.forecasting.panel import panel_of
from pipelines.forecasting.trees import fit_trees
from tests.unit.forecasting.panels import weekly_panel

ORIGIN = 75


@pytest.fixture(scope="module")
def fitted():
    config = config_of({"threads": 1, "known": ["feature"], "trees": {"iterations": 20, "maximum_rows": 4000, "minimum_leaf_rows": 20}})
    maker = FeatureMaker(panel_of(weekly_panel(promotions=True), config))
    return maker, fit_trees(maker, ORIGIN, 4, config)


def test_contributions_add_up_to_the_forecast(fitted):
    maker, trees = fitted
    matrix = maker.rows(ORIGIN, 1, maker.history(ORIGIN)[1])
    found = contributions_of(trees, trees.blocks[0], matrix)
    forecast = trees.predict(maker, ORIGIN, 1)[1][:, 0]
    assert found.shape == (maker.panel.series, len(trees.features) + 1)
    assert found.sum(axis=1).tolist() == pytest.approx(np.log(forecast / maker.level(ORIGIN)).tolist(), abs=1e-5)


def test_a_campaign_is_the_reason(fitted):
    maker, trees = fitted
    told = forecast_reasons(trees, maker, ORIGIN, leads=[1, 2])
    assert told.columns == ["unique_id", "lead", *(f"reason_{number}" for number in range(1, 6))]
    assert told.height == 2 * maker.panel.series
    featured = maker.panel.known["feature"].values[:, ORIGIN + 1] == 1
    first = told.filter(told["lead"] == 1)["reason_1"].to_list()
    of_featured = [reason for reason, is_featured in zip(first, featured, strict=True) if is_featured]
    assert sum("feature" in reason and "+" in reason for reason in of_featured) > 0.7 * len(of_featured)


def test_some_series_and_the_first_lead_of_each_block(fitted):
    maker, trees = fitted
    told = forecast_reasons(trees, maker, ORIGIN, series=np.array([3, 5]))
    assert told["unique_id"].unique().sort().to_list() == maker.panel.unique_id.gather([3, 5]).to_list()
    assert told["lead"].unique().to_list() == [block.first for block in trees.blocks]
