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

__all__ = ["DemandParams", "Params", "ParamsError", "PromotionParams", "ReturnsParams", "RolloutParams", "TrainingParams", "read_params"]


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
class DemandParams:
    """Knobs of the demand model."""

    horizon_days: int
    quantiles: list[float]
    seasonal_period_days: int
    minimum_history_days: int
    cutoffs: int
    cutoff_step_days: int
    as_of_step_days: int
    as_of_window_days: int
    maximum_training_rows: int
    level_half_life_days: int
    weekday_weeks: int
    quantile_bins: int
    minimum_bin_rows: int
    tolerated_coverage_error: float
    label_maturity_days: int
    lightgbm: dict[str, Any]


@dataclass(frozen=True)
class ReturnsParams:
    """Knobs of the returns model."""

    within_days: int
    cutoffs: int
    cutoff_step_days: int
    minimum_training_cases: int
    minimum_training_returns: int
    prior_cases: int
    expected_over_observed: list[float]
    suspicious_auc: float
    lightgbm: dict[str, Any]


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
class Params:
    """All knobs."""

    training: TrainingParams
    promotion: PromotionParams
    demand: DemandParams
    returns: ReturnsParams
    rollout: RolloutParams

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
