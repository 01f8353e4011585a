"""Params: the knobs of the models, read from params.yaml into typed values.

Reading and refusing what does not fit belong here. What a knob means stands beside it in params.yaml.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from dataclasses import asdict, dataclass, fields
from pathlib import Path
from typing import Any

import yaml

__all__ = [
    "AccuracyParams",
    "CensoringParams",
    "DemandParams",
    "DriftParams",
    "LaunchParams",
    "Params",
    "ParamsError",
    "PromotionParams",
    "ReplenishmentParams",
    "ReturnsParams",
    "RolloutParams",
    "TrainingParams",
    "read_params",
]


class ParamsError(ValueError):
    """A params file that cannot be used; the message names the file, the knob and the remedy."""


@dataclass(frozen=True)
class TrainingParams:
    """Knobs that all models share."""

    seed: int
    threads: int
    retrain_after_days: int
    tolerated_skill_loss: float


@dataclass(frozen=True)
class PromotionParams:
    """Knobs of the trial that a challenger has to win against the champion, and of the intervals of metrics."""

    nights: int
    lead_time_days: int
    draws: int
    confidence_level: float
    tolerated_segment_loss: float
    minimum_segment_series: int


@dataclass(frozen=True)
class AccuracyParams:
    """Which days the accuracy of forecasts, and the drift of what they read, are judged on."""

    reach_days: int
    recent_days: int
    reference_days: int
    least_days: int


@dataclass(frozen=True)
class DemandParams:
    """Knobs of the demand model."""

    horizon_days: int
    quantiles: list[float]
    minimum_history_days: int
    cutoffs: int
    cutoff_step_days: int
    validation_cutoffs: int
    static: list[str]
    known: list[str]
    past: list[str]
    launch_effects: list[str]
    shares_days: int
    models: list[str]
    tolerated_coverage_error: float
    label_maturity_days: int
    trees: dict[str, Any]


@dataclass(frozen=True)
class ReturnsParams:
    """Knobs of the returns model."""

    within_days: int
    cutoffs: int
    cutoff_step_days: int
    trial_days: int
    minimum_training_cases: int
    minimum_training_returns: int
    prior_cases: int
    expected_over_observed: list[float]
    suspicious_auc: float
    lightgbm: dict[str, Any]


@dataclass(frozen=True)
class CensoringParams:
    """Knobs of the estimate of what was asked for on days without stock."""

    seed: int
    level_periods: int
    effect_events: float
    least_spread: float
    rounds: int
    tolerance: float
    dispersions: list[float]
    dispersion_rows: int


@dataclass(frozen=True)
class LaunchParams:
    """Knobs of the forecast of series without history."""

    curve_steps: int
    level_steps: int
    curve_events: float
    least_spread: float
    rounds: int


@dataclass(frozen=True)
class DriftParams:
    """Limits beyond which a measure drifts."""

    psi: float
    ks: float
    unseen_share: float
    poisson_sigmas: float
    tracking_signal: float
    volume_change: float
    bins: int


@dataclass(frozen=True)
class RolloutParams:
    """Knobs of the roll-out's comparison of live with waiting sites, and thresholds of a go."""

    seed: int
    draws: int
    confidence_level: float
    baseline_weeks: int
    minimum_sites: int
    measures: dict[str, str]
    recent_weeks: int
    held_sites_at_most: int
    unchecked_sites_at_most: int
    weeks_between_waves: float
    accuracy_at_least: float
    accuracy_effect_at_least: float
    slowdown_pct_at_most: float


@dataclass(frozen=True)
class ReplenishmentParams:
    """Knobs of stock targets and of moves between stores; money is in the currency of the valuation."""

    seed: int
    holding_share_per_year: float
    lost_margin_share: float
    late_share_per_day: float
    ageing_loss_per_year: float
    salvage_share: float
    store_order_cost: float
    centre_order_cost: float
    value_shares: list[float]
    variations: list[float]
    class_weeks: int
    mode: str
    asked_fill: dict[str, float]
    handling_days: float
    prior_trips: float
    default_lead_time_days: float
    default_review_days: float
    trailing_days: int
    window_step_days: int
    dispersion_bins: int
    prior_windows: float
    pack_units: int
    display_units: int
    capacity_units: int
    least_expected_units: float
    ageing_after_days: int
    ending_level_share: float
    ageing_cover_days: int
    validation_days: int
    warm_up_days: int
    validation_paths: int
    shifts: list[float]
    minimum_class_series: int
    frontier_ratios: list[float]
    transfer_cost: float
    shipment_cost: float
    minimum_gain: float
    transfer_days: int
    valuation_types: list[str]
    proposal_stands_days: int


@dataclass(frozen=True)
class Params:
    """All knobs."""

    training: TrainingParams
    promotion: PromotionParams
    accuracy: AccuracyParams
    demand: DemandParams
    returns: ReturnsParams
    censoring: CensoringParams
    launches: LaunchParams
    drift: DriftParams
    rollout: RolloutParams
    replenishment: ReplenishmentParams

    def version(self, model: str) -> str:
        """Hash of the knobs that decide one section's results: its own and the shared ones of training."""
        knobs = {"training": asdict(self.training), model: asdict(getattr(self, model))}
        return hashlib.sha256(json.dumps(knobs, sort_keys=True).encode()).hexdigest()[:12]


def read_params(path: Path | None = None) -> Params:
    """Read params.yaml; raises ParamsError naming a section or knob that is missing or unknown."""
    path = path or Path(__file__).with_name("params.yaml")
    document = yaml.safe_load(path.read_text(encoding="utf-8"))
    sections = {field.name: globals()[field.type] for field in fields(Params)}
    _must_name(path, "the file", document, sections)
    for name, kind in sections.items():
        _must_name(path, f"section {name}", document[name], {field.name: field for field in fields(kind)})
    return Params(**{name: kind(**document[name]) for name, kind in sections.items()})


def _must_name(path: Path, where: str, found: Mapping[str, Any], expected: Mapping[str, Any]) -> None:
    missing, unknown = sorted(expected.keys() - found.keys()), sorted(found.keys() - expected.keys())
    if missing or unknown:
        raise ParamsError(f"{path}: {where} lacks {missing or 'nothing'} and has unknown {unknown or 'nothing'}; mend these names")
