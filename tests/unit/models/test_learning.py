"""Learning: both models find what is in made data, judge themselves on later days, and repeat themselves exactly."""

from dataclasses import replace
from datetime import datetime, timedelta

import numpy as np
import polars as pl
import pytest

from pipelines.features.returns import case_rows
from pipelines.models.cards import NOT_BETTER, PROMOTED, REFUSED
from pipelines.models.demand import forecast_demand
from pipelines.models.learning import Occasion, demand_engine, learn_demand, learn_returns, returns_model
from pipelines.models.returns import backtest_returns, returns_cutoffs, score_open_cases
from pipelines.models.use_cases import USE_CASES
from pipelines.params import read_params
from tests.unit.features.panels import sale_cases, weekly_panel

PARAMS = read_params()
OCCASION = Occasion({"sales_daily": 3}, None, datetime(2026, 6, 1))


@pytest.fixture(scope="module")
def learned_demand():
    return learn_demand(weekly_panel(), PARAMS, OCCASION)


@pytest.fixture(scope="module")
def learned_returns():
    return learn_returns(sale_cases(), PARAMS, OCCASION)


def test_demand_beats_the_seasonal_naive_on_days_it_has_not_seen(learned_demand):
    assert learned_demand.card.decision.code == PROMOTED
    assert learned_demand.card.loss.name == "wape"
    assert learned_demand.card.loss.value < learned_demand.card.loss.baseline
    every = next(metric for metric in learned_demand.card.metrics if metric.name == "wape_all_cutoffs")
    # The same weekday of last week doubles the noise of a Poisson day; knowing its mean saves 1 - 1 / sqrt(2) = 29 % at best.
    assert every.value < 0.85 * every.baseline


def test_the_same_panel_in_any_order_gives_the_same_model(learned_demand):
    again = learn_demand(weekly_panel().sample(fraction=1, shuffle=True, seed=2), PARAMS, OCCASION)
    assert again.files.texts() == learned_demand.files.texts()
    assert again.card.model_version == learned_demand.card.model_version


def test_another_seed_gives_another_model(learned_demand):
    other = replace(PARAMS, training=replace(PARAMS.training, seed=1))
    assert learn_demand(weekly_panel(), other, OCCASION).card.model_version != learned_demand.card.model_version


def test_short_histories_are_not_learned_from():
    assert learn_demand(weekly_panel(days=56), PARAMS, OCCASION) is None
    assert learn_demand(weekly_panel(days=90), PARAMS, OCCASION).card.held_back.startswith("the 28 days after 2026-03-07; 3 cut-offs")


def test_a_panel_in_which_nothing_was_sold_is_neither_learned_from_nor_forecast(learned_demand):
    unsold = weekly_panel().with_columns(y=pl.lit(0.0))
    assert learn_demand(unsold, PARAMS, OCCASION) is None
    assert USE_CASES["demand"].score(learned_demand.files, unsold, PARAMS).is_empty()


def test_the_kept_model_forecasts_as_the_trained_one(learned_demand):
    forecast = forecast_demand(demand_engine(learned_demand.files), weekly_panel(), PARAMS)
    assert forecast.height == 12 * 28
    assert forecast.select((pl.col("units_p10") <= pl.col("units_p50")).all() & (pl.col("units_p50") <= pl.col("units_p90")).all()).item()
    expected = forecast.group_by("unique_id").agg(pl.col("expected_units").mean()).sort("unique_id")
    actual = weekly_panel().group_by("unique_id").agg(pl.col("y").mean()).sort("unique_id")
    assert (expected["expected_units"] / actual["y"] - 1).abs().max() < 0.35


def test_returns_find_the_customers_who_bring_things_back(learned_returns):
    figures = {metric.name: metric for metric in learned_returns.card.metrics}
    assert learned_returns.card.decision.code == PROMOTED
    assert figures["auc"].value > 0.65
    assert figures["log_loss"].value < figures["log_loss"].baseline
    assert learned_returns.importance["feature"][0].startswith("customer_")


def test_returns_of_a_coin_are_no_better_than_the_base_rate():
    cases = sale_cases()
    back = np.random.default_rng(9).random(cases.height) < 0.1
    coin = cases.with_columns(returned_at=pl.when(pl.Series(back)).then(pl.col("sold_at") + timedelta(days=5)))
    learned = learn_returns(coin, PARAMS, OCCASION)
    assert learned.card.decision.code == NOT_BETTER
    assert "not better" in learned.card.decision.reason


def test_what_is_too_good_is_refused():
    cases = sale_cases()
    leak = cases.with_columns(amount=pl.when(pl.col("returned_at").is_not_null()).then(1.0).otherwise(100.0))
    learned = learn_returns(leak, PARAMS, OCCASION)
    assert learned.card.decision.code == REFUSED
    assert "leaked from the future" in learned.card.decision.reason


def test_training_takes_only_sales_whose_window_had_ended():
    rows = case_rows(sale_cases(), PARAMS.returns)
    cutoffs = returns_cutoffs(rows, PARAMS.returns)
    last = rows["observed_until_at"].max()
    assert cutoffs[-1] == last - timedelta(days=30 + 14)
    tested = backtest_returns(rows, PARAMS).join(rows.select("case_id", "sold_at", "window_ends_at"), on="case_id")
    assert tested.select((pl.col("sold_at") >= pl.col("cutoff")).all()).item()
    assert tested["window_ends_at"].max() <= last


def test_too_few_known_outcomes_are_not_learned_from():
    assert learn_returns(sale_cases(cases=300), PARAMS, OCCASION) is None
    assert learn_returns(sale_cases().clear(), PARAMS, OCCASION) is None


def test_the_chance_that_remains_shrinks_as_the_days_go_by(learned_returns):
    rows = case_rows(sale_cases(), PARAMS.returns)
    scored = score_open_cases(returns_model(learned_returns.files), rows, PARAMS.returns)
    assert scored["returned_at"].null_count() == scored.height
    assert scored["days_since_sale"].max() == 29
    # All returns of this world come on day 7.
    assert scored.filter(pl.col("days_since_sale") >= 7)["remaining_probability"].max() == 0
    early = scored.filter(pl.col("days_since_sale") < 7)
    assert early.select((pl.col("remaining_probability") - pl.col("return_probability")).abs().max()).item() < 1e-9
