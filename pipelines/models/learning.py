"""Learning: from a panel or case table to a judged model with its card, the same steps for every model.

Backtest, calibrate on earlier cut-offs, judge on the newest, fit on everything, decide. Reading and keeping do not belong here
(pipelines/defs/models.py, pipelines/models/registry.py); the models themselves are in demand.py and returns.py beside this.
"""

from __future__ import annotations

import json
import math
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from datetime import date, datetime, timedelta

import polars as pl

from pipelines.features import returns as returns_features
from pipelines.forecasting.backtest import CHAMPION
from pipelines.forecasting.engine import DemandEngine
from pipelines.forecasting.quantiles import quantile_name
from pipelines.home import product_commit
from pipelines.models import demand, returns
from pipelines.models.artefacts import digest_of
from pipelines.models.cards import Decision, ModelCard, decide, features_version
from pipelines.models.intervals import segment_losses
from pipelines.models.metrics import Metric, coverage, forecast_metrics, log_loss, probability_metrics
from pipelines.models.registry import Champion, ModelFiles, model_version
from pipelines.models.summing import correlations
from pipelines.models.training import FittedTrees, learner_version
from pipelines.params import Params, ReturnsParams

__all__ = [
    "Learned",
    "Occasion",
    "demand_engine",
    "is_comparable",
    "is_due",
    "learn_demand",
    "learn_returns",
    "ratio_warning",
    "returns_model",
]


@dataclass(frozen=True)
class Occasion:
    """What a training is told from outside: Delta versions of its data, the standing champion, and the clock.

    `is_tried`: the champion can be challenged on nights of both, so that a fit model goes on trial.
    """

    data_versions: Mapping[str, int]
    champion: Champion | None
    now: datetime
    is_tried: bool = False


@dataclass(frozen=True)
class Learned:
    """A trained model with its card; `judged` holds the newest cut-off's held-back rows beside what the model said."""

    card: ModelCard
    files: ModelFiles
    judged: pl.DataFrame
    importance: pl.DataFrame
    calibration_warning: str | None


def is_comparable(champion: Champion | None, features: Sequence[str], params: Params, model_name: str) -> bool:
    """Whether there is a champion and it was made with today's features and knobs, so that it can forecast beside a new model."""
    if champion is None:
        return False
    return (champion.features_version, champion.params_version) == (features_version(features), params.version(model_name))


def is_due(champion: Champion | None, observed_until: date, features: Sequence[str], params: Params, model_name: str) -> str | None:
    """Why a training is due; None where the champion stands."""
    if champion is None:
        return "no model is in use yet"
    if champion.params_version != params.version(model_name):
        return "the knobs changed"
    if champion.features_version != features_version(features):
        return "the features changed"
    age = (observed_until - champion.trained_as_of).days
    return f"the champion is {age} days old" if age >= params.training.retrain_after_days else None


def learn_demand(panel: pl.DataFrame, params: Params, occasion: Occasion) -> Learned | None:
    """Learn demand and judge it; None where the history is too short for one cut-off."""
    knobs = params.demand
    learned = demand.learn(panel, params)
    if learned is None:
        return None
    quantiles = {quantile_name(q): q for q in knobs.quantiles}
    metrics = forecast_metrics(learned.newest, quantiles)
    covered = coverage(learned.newest, quantiles)
    served, naive, best = (learned.figures[name] for name in (CHAMPION, demand.BASELINE, learned.best_baseline))
    metrics += [
        Metric("wape_all_cutoffs", served["wape"], naive["wape"]),
        Metric("wape_against_best_baseline", served["wape"], best["wape"]),
        Metric("mase_all_cutoffs", served["mase"], naive["mase"]),
        Metric("rmsse_all_cutoffs", served["rmsse"], naive["rmsse"]),
    ]
    kept = learned.engine.as_texts() | {"correlations": correlations(learned.backtest.forecasts)}
    trees = kept.pop("trees")
    files = ModelFiles(json.dumps(trees, sort_keys=True), kept)
    found = learned.backtest
    cutoffs = [found.panel.ds[cutoff] for cutoff in found.cutoffs]
    card = _card(
        "demand", files, demand.observed_until(panel), params, occasion,
        metrics=metrics,
        calibration=covered.to_dicts(),
        unfit=_not_finite(metrics),
        held_back=f"the {knobs.horizon_days} days after {cutoffs[-1]}; {len(cutoffs)} cut-offs, best baseline {learned.best_baseline}",
        baseline="seasonal naive (7 days)",
        training_rows=panel.filter(pl.col("y").is_not_null()).height,
        features=demand.demand_features(params),
        losses=_demand_losses(learned.newest),
        labels_mature_until=demand.observed_until(panel) - timedelta(days=knobs.label_maturity_days),
    )  # fmt: skip
    importance = found.importance if found.importance is not None else pl.DataFrame(schema={"feature": pl.String, "gain_share": pl.Float64})
    return Learned(card, files, learned.newest, importance, _coverage_warning(covered, knobs.tolerated_coverage_error))


def learn_returns(cases: pl.DataFrame, params: Params, occasion: Occasion) -> Learned | None:
    """Train and judge the returns model; None where too few outcomes are known."""
    knobs = params.returns
    if cases.is_empty():
        return None
    rows = returns_features.case_rows(cases, knobs)
    cutoffs = returns.returns_cutoffs(rows, knobs)
    if not cutoffs:
        return None
    backtest = returns.backtest_returns(rows, params)
    earlier = returns.calibration_of(backtest.filter(pl.col("cutoff") < cutoffs[-1]))
    newest = backtest.filter(pl.col("cutoff") == cutoffs[-1])
    if newest["is_returned"].n_unique() < 2:
        return None
    newest = newest.with_columns(pl.Series("probability", earlier.apply(newest["logit"].to_numpy())))
    metrics = probability_metrics(newest["is_returned"].to_list(), newest["probability"].to_numpy(), newest["base_rate"].to_numpy())
    figures = {metric.name: metric for metric in metrics}
    model = returns.train_returns(rows, returns.calibration_of(backtest), params)
    rest = {
        "base_rate": model.base_rate,
        "calibration": asdict(model.calibration),
        "lags": model.lags.to_dicts(),
        "features": list(model.trees.features),
    }
    files = ModelFiles(model.trees.text, rest)
    leaked = [f"AUC {figures['auc'].value:.3f} is better than anything honest: look for what leaked from the future"]
    unfit = _not_finite(metrics) + (leaked if figures["auc"].value > knobs.suspicious_auc else [])
    card = _card(
        "returns", files, returns.last_observed_day(rows), params, occasion,
        metrics=metrics,
        calibration=[{"expected_over_observed": figures["expected_over_observed"].value, **asdict(earlier)}],
        unfit=unfit,
        held_back=f"{newest.height:,} sales of {cutoffs[-1]:%Y-%m-%d} and {knobs.cutoff_step_days - 1} days on; {len(cutoffs)} cut-offs",
        baseline="base rate known at the cut-off",
        training_rows=rows.height,
        features=returns_features.FEATURES,
        losses=_returns_losses(newest),
        labels_mature_until=returns.last_observed_day(rows) - timedelta(days=knobs.within_days),
    )  # fmt: skip
    return Learned(card, files, newest, model.trees.importance(), ratio_warning(figures["expected_over_observed"].value, knobs))


def demand_engine(files: ModelFiles) -> DemandEngine:
    """The demand engine that was kept."""
    return DemandEngine.of_texts({**files.rest, "trees": json.loads(files.trees)})


def returns_model(files: ModelFiles) -> returns.ReturnsModel:
    """The returns model that was kept."""
    rest = files.rest
    trees, lags = FittedTrees(files.trees, rest["features"]), pl.DataFrame(rest["lags"])
    return returns.ReturnsModel(trees, rest["base_rate"], returns.Calibration(**rest["calibration"]), lags)


def ratio_warning(ratio: float, knobs: ReturnsParams) -> str | None:
    """What is wrong with returns expected over returns observed; None where they are close enough."""
    low, high = knobs.expected_over_observed
    return None if low <= ratio <= high else f"{ratio:.2f} returns expected for each observed"


def _card(name: str, files: ModelFiles, trained_as_of: date, params: Params, occasion: Occasion, **told) -> ModelCard:
    decision: Decision = decide(
        told["metrics"][0],
        unfit=told.pop("unfit"),
        champion_skill=occasion.champion.skill if occasion.champion else None,
        tolerated_skill_loss=params.training.tolerated_skill_loss,
        is_tried=occasion.is_tried,
    )
    trial = params.promotion
    segments = segment_losses(told.pop("losses"), draws=trial.draws, confidence_level=trial.confidence_level, seed=params.training.seed)
    return ModelCard(
        model_name=name,
        model_version=model_version(files, trained_as_of, params.version(name)),
        trained_as_of=trained_as_of,
        trained_at=occasion.now,
        baseline_name=told.pop("baseline"),
        seed=params.training.seed,
        params_version=params.version(name),
        params={"training": asdict(params.training), name: asdict(getattr(params, name))},
        data_versions=occasion.data_versions,
        learner_name=learner_version(),
        decision=decision,
        segments=segments.to_dicts(),
        artefact_sha256=digest_of(files.texts()),
        product_commit=product_commit(),
        **told,
    )


def _demand_losses(judged: pl.DataFrame) -> pl.DataFrame:
    """Absolute errors by series, beside the baseline's, in units."""
    segment = pl.col("segment") if "segment" in judged.columns else pl.lit("all")
    return judged.select(
        segment.alias("segment"),
        block="unique_id",
        loss=(pl.col("y") - pl.col("expected_units")).abs(),
        baseline_loss=(pl.col("y") - pl.col("seasonal_naive")).abs(),
        weight="y",
    )


def _returns_losses(judged: pl.DataFrame) -> pl.DataFrame:
    """Log losses by article, beside the base rate's."""
    return judged.select(
        pl.lit("all").alias("segment"), pl.lit(1.0).alias("weight"),
        block="article_id", loss=log_loss("probability"), baseline_loss=log_loss("base_rate"),
    )  # fmt: skip


def _not_finite(metrics: Sequence[Metric]) -> list[str]:
    return [f"{metric.name} is {metric.value}" for metric in metrics if not math.isfinite(metric.value)]


def _coverage_warning(covered: pl.DataFrame, tolerance: float) -> str | None:
    """Quantiles below the share of days without a sale cannot be covered exactly, so only 0.5 and above are judged."""
    off = covered.filter((pl.col("nominal") >= 0.5) & ((pl.col("observed") - pl.col("nominal")).abs() > tolerance))
    return "; ".join(f"quantile {n} held {o:.3f} of the days" for n, o in off.iter_rows()) or None
