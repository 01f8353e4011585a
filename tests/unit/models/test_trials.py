"""Trials: nights that both models forecast decide; and a version can be trained again from its card."""

from __future__ import annotations

from dataclasses import replace
from datetime import date, datetime, timedelta

import polars as pl
import pytest

from pipelines.contracts import published_contracts
from pipelines.lake import Lake
from pipelines.models.aliases import CHALLENGER, CHAMPION, alias_log, standing
from pipelines.models.artefacts import keep_input
from pipelines.models.cards import NOT_BETTER, ON_TRIAL, PROMOTED
from pipelines.models.learning import Occasion, learn_returns
from pipelines.models.memory import quantile_levels, remember
from pipelines.models.pairs import returns_trial
from pipelines.models.registry import CARDS, ModelFiles, challenger, champion, record, save
from pipelines.models.trials import hold_trial, train_again
from pipelines.models.use_cases import USE_CASES
from pipelines.params import read_params
from tests.unit.features.panels import sale_cases
from tests.unit.models.test_promotion import world
from tests.unit.models.test_registry import _card

PARAMS = read_params()
CONTRACTS = published_contracts()
FORECASTS, CARD = CONTRACTS["demand_forecasts"], CONTRACTS["model_cards"]
NOW = datetime(2026, 4, 1, 3)
LENIENT = replace(PARAMS, demand=replace(PARAMS.demand, tolerated_coverage_error=0.2))
"""The made quantiles of 0.75 and 0.95 are those of 0.9."""


def prepared(home, champion_error: float, challenger_error: float, nights: int = 14) -> tuple[Lake, pl.DataFrame, dict[str, str]]:
    """A lake with a champion and a challenger that forecast beside each other, and the panel of what came."""
    lake = Lake(home.lake)
    versions = {}
    for name, code, day in (("old", PROMOTED, date(2026, 3, 1)), ("new", ON_TRIAL, date(2026, 3, 8))):
        files = ModelFiles(name, {})
        card = replace(_card(files, day=day, code=code, knobs=LENIENT.version("demand")), features=USE_CASES["demand"].features)
        save(home, lake, card, files)
        record(lake, CARD, card)
        versions[name] = card.model_version
    remembered, actual = world(champion_error, challenger_error, nights=nights)
    quantiles = quantile_levels(FORECASTS.polars_schema)
    for (_, name), night in remembered.group_by("cutoff", "model_version"):
        said = night.rename({"cutoff": "features_as_of_date", "ds": "forecast_date", "lead": "lead_time_days"}).with_columns(
            *(pl.col("units_p90" if level > 0.5 else "units_p50").alias(quantile) for quantile, level in quantiles.items()),
            article_id=pl.col("unique_id").str.split("/").list.get(0),
            site_id=pl.col("unique_id").str.split("/").list.get(1),
            model_version=pl.lit(versions[name]),
            model_name=pl.lit("trees"),
            fallback_reason=pl.lit(None, pl.String),
            scored_at=pl.lit(NOW),
        )
        remember(lake, FORECASTS, said, CHAMPION if name == "old" else CHALLENGER)
    ahead = actual.filter(pl.col("ds") == actual["ds"].max()).with_columns(pl.col("ds").dt.offset_by("28d"), y=pl.lit(None, pl.Float64))
    return lake, pl.concat([actual, ahead]), versions


def held(home, lake, panel):
    return hold_trial(home, lake, USE_CASES["demand"], FORECASTS, panel, params=LENIENT, now=NOW)


def decisions(lake) -> dict[str, str]:
    return dict(lake.read(CARDS).select("model_version", "decision_code").iter_rows())


def test_a_challenger_that_wins_becomes_the_champion(home):
    lake, panel, versions = prepared(home, 1.6, 1.0)
    assert held(home, lake, panel).is_won
    assert standing(lake, "demand", CHAMPION) == versions["new"]
    assert standing(lake, "demand", CHALLENGER) is None
    assert decisions(lake) == {versions["old"]: PROMOTED, versions["new"]: PROMOTED}
    assert "7 matured nights" in alias_log(lake, "demand")["reason"][-1]
    assert held(home, lake, panel) is None


def test_a_challenger_that_does_not_win_ends_its_trial(home):
    lake, panel, versions = prepared(home, 1.0, 1.3)
    assert held(home, lake, panel).is_won is False
    assert standing(lake, "demand", CHAMPION) == versions["old"]
    assert standing(lake, "demand", CHALLENGER) is None
    assert decisions(lake)[versions["new"]] == NOT_BETTER


def test_a_trial_without_enough_nights_changes_nothing(home):
    lake, panel, versions = prepared(home, 1.6, 1.0, nights=3)
    before = lake.read(CARDS)
    assert held(home, lake, panel).is_won is None
    assert standing(lake, "demand", CHALLENGER) == versions["new"]
    assert lake.read(CARDS).equals(before)


def known_by(cases: pl.DataFrame, days: int) -> pl.DataFrame:
    """The cases as they stood so many days after the first."""
    moment = cases["sold_at"].min().replace(hour=0, minute=0, second=0, microsecond=0) + timedelta(days=days)
    returned = pl.when(pl.col("returned_at") < moment).then("returned_at")
    return cases.filter(pl.col("sold_at") < moment).with_columns(returned_at=returned, observed_until_at=pl.lit(moment, pl.Datetime("us")))


def blurred(cases: pl.DataFrame) -> pl.DataFrame:
    """The cases, of which every other one was written down as sold to anybody: little can be learned from who bought."""
    anybody = pl.col("customer_id").shuffle(seed=3)
    return cases.with_columns(customer_id=pl.when(pl.int_range(pl.len()) % 2 == 0).then(anybody).otherwise("customer_id"))


def learned_by_two(home, champion_cases: pl.DataFrame, challenger_cases: pl.DataFrame) -> tuple[Lake, dict[str, str]]:
    """A lake with two returns models, one on trial; they learned from these cases."""
    lake, versions = Lake(home.lake), {}
    for name, cases, is_tried in (("old", champion_cases, False), ("new", challenger_cases, True)):
        learned = learn_returns(cases, PARAMS, Occasion({}, champion(home, lake, "returns"), NOW, is_tried))
        save(home, lake, learned.card, learned.files)
        record(lake, CARD, learned.card)
        versions[name] = learned.card.model_version
    assert decisions(lake) == {versions["old"]: PROMOTED, versions["new"]: ON_TRIAL}
    return lake, versions


def judged(home, lake, cases):
    return hold_trial(home, lake, USE_CASES["returns"], CONTRACTS["return_risk"], cases, params=PARAMS, now=NOW)


def test_a_returns_model_that_knows_better_wins_once_enough_sales_have_matured(home):
    cases = sale_cases(cases=6000, days=200)
    lake, versions = learned_by_two(home, blurred(known_by(cases, 110)), known_by(cases, 130))
    early = judged(home, lake, known_by(cases, 143))
    assert early.is_won is None
    assert early.reason == f"13 of {PARAMS.returns.trial_days} nights have matured"
    told = judged(home, lake, known_by(cases, 150))
    assert told.is_won, told.reason
    assert standing(lake, "returns", CHAMPION) == versions["new"]


def test_a_returns_model_that_is_newer_and_knows_less_does_not_win(home):
    cases = sale_cases(cases=6000, days=200)
    lake, versions = learned_by_two(home, known_by(cases, 125), blurred(known_by(cases, 130)))
    told = judged(home, lake, known_by(cases, 150))
    assert told.is_won is False
    assert "not better beyond chance" in told.reason
    assert decisions(lake)[versions["new"]] == NOT_BETTER
    assert standing(lake, "returns", CHAMPION) == versions["old"]


def test_a_trial_ends_where_features_or_knobs_are_no_longer_those_of_the_challenger(home):
    cases = sale_cases(cases=6000, days=200)
    lake, versions = learned_by_two(home, known_by(cases, 110), known_by(cases, 130))
    other = replace(PARAMS, returns=replace(PARAMS.returns, prior_cases=PARAMS.returns.prior_cases + 1))
    told = hold_trial(home, lake, USE_CASES["returns"], CONTRACTS["return_risk"], known_by(cases, 131), params=other, now=NOW)
    assert told.is_won is False
    assert told.reason == "the features or knobs that it was made with are no longer those of today"
    assert standing(lake, "returns", CHAMPION) == versions["old"]
    assert standing(lake, "returns", CHALLENGER) is None


def test_sales_that_either_model_could_have_learned_from_are_not_judged(home):
    cases = sale_cases(cases=6000, days=200)
    lake, _ = learned_by_two(home, known_by(cases, 125), known_by(cases, 130))
    own, rival = champion(home, lake, "returns"), challenger(home, lake, "returns")
    table = known_by(cases, 150)
    pairs = returns_trial(lake, CONTRACTS["return_risk"], table, own, rival, PARAMS).pairs
    window = timedelta(days=PARAMS.returns.within_days)
    first, last = (table["sold_at"].min().date() + timedelta(days=days) - window for days in (130, 150))
    assert (pairs["cutoff"].min(), pairs["cutoff"].max()) == (first, last - timedelta(days=1))


def test_a_version_trained_again_from_its_card_gives_the_same_texts(home):
    lake, cases, use_case = Lake(home.lake), sale_cases(), USE_CASES["returns"]
    kept, version = keep_input(lake, use_case.relation, cases)
    learned = learn_returns(cases, PARAMS, Occasion({kept: version}, None, NOW))
    save(home, lake, learned.card, learned.files)
    record(lake, CARD, learned.card)
    # The next training reads other data; the card still names its own.
    keep_input(lake, use_case.relation, cases.head(1000))
    card = lake.read(CARDS).row(0, named=True)
    other_knobs = replace(PARAMS, training=replace(PARAMS.training, seed=1))
    told, found = train_again(lake, use_case, card, other_knobs)
    assert told == found == learned.card.artefact_sha256
    assert card["labels_mature_until_date"] < card["trained_as_of_date"]
    assert {"all"} == set(pl.Series([row["segment"] for row in learned.card.segments]))
    only = learned.card.segments[0]
    assert only["loss_low"] <= only["loss"] <= only["loss_high"]
    assert only["loss"] == pytest.approx(learned.card.loss.value)
