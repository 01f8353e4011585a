"""Use cases: the models there are, each as the same few functions over its own panel or case table.

Naming a model's input, learning, scoring and plots belongs here, so that training and scoring need no case distinction. What
the functions do is in learning.py, demand.py and returns.py.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import date

import polars as pl

from pipelines.contracts import Contract
from pipelines.features import returns as returns_features
from pipelines.lake import Lake
from pipelines.models import demand, returns
from pipelines.models.learning import Learned, Occasion, demand_engine, learn_demand, learn_returns, returns_model
from pipelines.models.metrics import coverage
from pipelines.models.pairs import demand_trial, returns_trial
from pipelines.models.plots import calibration_plot, coverage_plot, fan_plot, importance_plot
from pipelines.models.promotion import Trial
from pipelines.models.registry import Champion, ModelFiles
from pipelines.params import Params, read_params

__all__ = ["USE_CASES", "UseCase"]


@dataclass(frozen=True)
class UseCase:
    """One model: what it reads, how it learns and scores, and the published table that its scores fill.

    `learn` gives None where there is too little to learn from. `score` gives the table's own columns, without the model's
    version and the moments. `plots` gives pictures by title. `trial` gives what a challenger is judged on beside the
    champion. `is_remembered`: for that, the scores of each night are kept, the challenger's among them.
    """

    name: str
    relation: str
    source_table: str
    scored_table: str
    question: str
    features: Sequence[str]
    observed_until: Callable[[pl.DataFrame], date]
    learn: Callable[[pl.DataFrame, Params, Occasion], Learned | None]
    score: Callable[[ModelFiles, pl.DataFrame, Params], pl.DataFrame]
    plots: Callable[[Learned], dict[str, bytes]]
    trial: Callable[[Lake, Contract, pl.DataFrame, Champion, Champion, Params], Trial]
    is_remembered: bool = False


def _score_demand(files: ModelFiles, panel: pl.DataFrame, params: Params) -> pl.DataFrame:
    if not demand.has_sold(panel):
        return pl.DataFrame()
    series = panel.select("unique_id", "article_id", "site_id").unique()
    forecast = demand.forecast_demand(demand_engine(files), panel, params)
    return forecast.join(series, on="unique_id").rename({"ds": "forecast_date", "lead": "lead_time_days"})


def _demand_plots(learned: Learned) -> dict[str, bytes]:
    quantiles = sorted(name for name in learned.judged.columns if name.startswith("units_p"))
    known = learned.judged
    levels = {name: int(name.removeprefix("units_p")) / 100 for name in quantiles}
    return {
        "forecast against actual, newest held-back days": fan_plot(known, quantiles[0], quantiles[-1]),
        "quantiles held": coverage_plot(coverage(known, levels)),
        "importance": importance_plot(learned.importance),
    }


def _score_returns(files: ModelFiles, cases: pl.DataFrame, params: Params) -> pl.DataFrame:
    return returns.score_open_cases(returns_model(files), returns_features.case_rows(cases, params.returns), params.returns)


def _returns_plots(learned: Learned) -> dict[str, bytes]:
    return {"calibration on held-back sales": calibration_plot(learned.judged), "importance": importance_plot(learned.importance)}


USE_CASES = {
    "demand": UseCase(
        name="demand",
        relation="learning.demand_panel",
        source_table="sales_daily",
        scored_table="demand_forecasts",
        question="How many units of a variant will a site sell on each of the coming days?",
        features=demand.demand_features(read_params()),
        observed_until=demand.observed_until,
        learn=learn_demand,
        score=_score_demand,
        plots=_demand_plots,
        trial=demand_trial,
        is_remembered=True,
    ),
    "returns": UseCase(
        name="returns",
        relation="learning.return_cases",
        source_table="returns",
        scored_table="return_risk",
        question="Will a sold unit come back within 30 days?",
        features=returns_features.FEATURES,
        observed_until=returns.last_observed_day,
        learn=learn_returns,
        score=_score_returns,
        plots=_returns_plots,
        trial=returns_trial,
    ),
}
"""All models by name, in the order in which they run."""
