"""Pairs: what champion and challenger lose on the very same days or sales, none of which either of them has learned from.

How the pairs of each model come about belongs here; the rule that judges them is in promotion.py. Forecasts of past nights come from
memory.py.
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime, time, timedelta

import polars as pl

from pipelines.contracts import Contract
from pipelines.features.returns import case_rows
from pipelines.forecasting.unconstrained import with_unconstrained_demand
from pipelines.lake import Lake
from pipelines.models import demand
from pipelines.models.learning import ratio_warning, returns_model
from pipelines.models.memory import quantile_levels, recall
from pipelines.models.metrics import held, log_loss
from pipelines.models.promotion import Trial
from pipelines.models.registry import Champion
from pipelines.models.returns import sale_probabilities
from pipelines.params import Params, PromotionParams

__all__ = ["demand_trial", "paired_losses", "returns_trial", "uncovered"]

_LEVEL_DAYS = 91
"""Days before those judged that show what a series usually sells, for days on which stock ran out."""


def demand_trial(lake: Lake, contract: Contract, panel: pl.DataFrame, own: Champion, rival: Champion, params: Params) -> Trial:
    """Absolute errors in units, on nights that both forecast; at fault are quantiles that do not hold."""
    last = demand.observed_until(panel)
    horizon = panel["ds"].max().toordinal() - last.toordinal()
    reach = timedelta(days=params.promotion.nights + params.promotion.lead_time_days + horizon)
    remembered = recall(lake, contract, first=last - reach, last=last, horizon_days=horizon)
    recent = panel.filter(pl.col("ds") > last - reach - timedelta(days=_LEVEL_DAYS))
    actual = with_unconstrained_demand(recent.select("unique_id", "ds", "y", "is_stock_out"))
    pairs = paired_losses(remembered, actual, champion=own.model_version, challenger=rival.model_version, params=params.promotion)
    faults = uncovered(pairs, quantile_levels(contract.polars_schema), params.demand.tolerated_coverage_error)
    return Trial(pairs, params.promotion.nights, faults)


def paired_losses(
    remembered: pl.DataFrame, actual: pl.DataFrame, *, champion: str, challenger: str, params: PromotionParams
) -> pl.DataFrame:
    """One row per night, series and day that both models forecast within the lead times that count, on the last matured nights.

    `remembered`: unique_id, cutoff, ds, lead, expected_units, model_version, and `segment` where known. `actual`: unique_id, ds and
    demand, null where it is not known. Adds y (demand), champion_loss and challenger_loss (absolute errors, units).
    """
    near = remembered.filter(pl.col("lead") <= params.lead_time_days).unique(["model_version", "unique_id", "cutoff", "ds"])
    own, rival = (near.filter(pl.col("model_version") == version) for version in (champion, challenger))
    keys = ["unique_id", "cutoff", "ds"]
    segment = pl.col("segment") if "segment" in remembered.columns else pl.lit("all")
    pairs = rival.with_columns(segment=segment.fill_null("all")).join(
        own.select(*keys, champion_units="expected_units"), on=keys, how="inner"
    )
    known = actual.filter(pl.col("demand").is_not_null()).select("unique_id", "ds", y="demand")
    last = known["ds"].max()
    if last is None:
        return pairs.clear().with_columns(y=0.0, champion_loss=0.0, challenger_loss=0.0)
    matured = pairs.filter(pl.col("cutoff").dt.offset_by(f"{params.lead_time_days}d") <= last)
    nights = matured["cutoff"].unique().sort().tail(params.nights)
    return (
        matured.filter(pl.col("cutoff").is_in(nights.implode()))
        .join(known, on=["unique_id", "ds"], how="inner")
        .with_columns(
            champion_loss=(pl.col("y") - pl.col("champion_units")).abs(), challenger_loss=(pl.col("y") - pl.col("expected_units")).abs()
        )
    )


def uncovered(pairs: pl.DataFrame, quantiles: Mapping[str, float], tolerated: float) -> list[str]:
    """Quantiles of 0.5 and above that hold too many or too few days; lower ones cannot be covered where many days sell nothing."""
    judged = {name: level for name, level in quantiles.items() if level >= 0.5 and name in pairs.columns}
    if pairs.is_empty() or not judged:
        return []
    shares = {name: pairs.select(held(pairs, name, judged).mean()).item() for name in judged}
    return [f"quantile {level} held {shares[name]:.3f}" for name, level in judged.items() if abs(shares[name] - level) > tolerated]


def returns_trial(lake: Lake, contract: Contract, cases: pl.DataFrame, own: Champion, rival: Champion, params: Params) -> Trial:  # noqa: ARG001 - as demand_trial
    """Log losses by day of sale, of sales whose window was open when the later of the two was trained, and has ended since.

    No score need have been kept: what is known of a sale is what was known when it was made, and both models can be asked again. What
    is resampled are customers. At fault is a challenger that expects too many or too few returns.
    """
    knobs = params.returns
    rows = case_rows(cases, knobs)
    trained = datetime.combine(max(own.trained_as_of, rival.trained_as_of), time()) + timedelta(days=1)
    unseen = rows.filter((pl.col("window_ends_at") > trained) & (pl.col("window_ends_at") <= pl.col("observed_until_at").max()))
    asked = {"champion": returns_model(own.files), "challenger": returns_model(rival.files)}
    pairs = unseen.select(
        "is_returned",
        unique_id=pl.coalesce("customer_id", "case_id"),
        segment=pl.lit("all"),
        cutoff=pl.col("sold_at").dt.date(),
        **{name: pl.Series(sale_probabilities(model, unseen), dtype=pl.Float64) for name, model in asked.items()},
    ).with_columns(log_loss(name).alias(f"{name}_loss") for name in asked)
    returned = pairs["is_returned"].sum()
    warning = ratio_warning(pairs["challenger"].sum() / returned, knobs) if returned else "none of the sales came back"
    return Trial(pairs, knobs.trial_days, [warning] if warning else [])
