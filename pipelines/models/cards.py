"""Cards: what is written down about each training, and whether its model may be used.

The content of a card, its rendering, and the decision to promote belong here. Where cards and models are kept does not
(pipelines/models/registry.py).
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from typing import Any

import polars as pl

from pipelines.models.metrics import Metric

__all__ = ["NOT_BETTER", "ON_TRIAL", "PROMOTED", "REFUSED", "Decision", "ModelCard", "decide", "features_version"]

PROMOTED, ON_TRIAL, NOT_BETTER, REFUSED = "promoted", "on_trial", "not_better", "refused"

_READ_AS = "Float32"
"""Type as which the learner reads a feature of which nothing else is told."""


@dataclass(frozen=True)
class Decision:
    """What becomes of a model: a code and the reason in words."""

    code: str
    reason: str


@dataclass(frozen=True)
class ModelCard:
    """One training. `metrics` begins with the loss that decides; `data_versions` are Delta versions by table.

    `segments` has one row per segment with its loss, its baseline's, and their intervals; `feature_types` the type of each feature;
    `labels_mature_until` the last day whose outcome cannot change any more; `artefact_sha256` the digest of the model's texts.
    """

    model_name: str
    model_version: str
    trained_as_of: date
    trained_at: datetime
    held_back: str
    baseline_name: str
    metrics: Sequence[Metric]
    calibration: Sequence[Mapping[str, float]]
    training_rows: int
    features: Sequence[str]
    seed: int
    params_version: str
    params: Mapping[str, Any]
    data_versions: Mapping[str, int]
    learner_name: str
    decision: Decision
    segments: Sequence[Mapping[str, Any]] = ()
    feature_types: Mapping[str, str] | None = None
    labels_mature_until: date | None = None
    artefact_sha256: str | None = None
    product_commit: str | None = None

    @property
    def loss(self) -> Metric:
        """The loss that decides."""
        return self.metrics[0]

    def row(self, contract_schema: Mapping[str, pl.DataType]) -> pl.DataFrame:
        """The card as one row of the table model_cards."""
        values = {
            "model_name": self.model_name,
            "model_version": self.model_version,
            "decision_code": self.decision.code,
            "decision_reason": self.decision.reason,
            "loss_name": self.loss.name,
            "loss": self.loss.value,
            "baseline_name": self.baseline_name,
            "baseline_loss": self.loss.baseline,
            "skill": skill(self.loss),
            "held_back": self.held_back,
            "training_rows": self.training_rows,
            "seed": self.seed,
            "features_version": features_version(self.features),
            "params_version": self.params_version,
            "learner_name": self.learner_name,
            "metrics_json": json.dumps({m.name: {"value": m.value, "baseline": m.baseline} for m in self.metrics}),
            "calibration_json": json.dumps(list(self.calibration)),
            "features_json": json.dumps({name: (self.feature_types or {}).get(name, _READ_AS) for name in self.features}),
            "segments_json": json.dumps(list(self.segments)),
            "params_json": json.dumps(dict(self.params)),
            "data_versions_json": json.dumps(dict(self.data_versions)),
            "artefact_sha256": self.artefact_sha256,
            "product_commit": self.product_commit,
            "labels_mature_until_date": self.labels_mature_until,
            "trained_as_of_date": self.trained_as_of,
            "trained_at": self.trained_at,
        }
        return pl.DataFrame([values | {"alias_name": None}], schema=dict(contract_schema))

    def text(self) -> str:
        """The card for people, as Markdown."""
        measured = "\n".join(f"| {m.name} | {m.value:.4f} | {'' if m.baseline is None else f'{m.baseline:.4f}'} |" for m in self.metrics)
        calibrated = "\n".join(f"- {', '.join(f'{key} {value:.3f}' for key, value in line.items())}" for line in self.calibration)
        versions = ", ".join(f"{name} {version}" for name, version in self.data_versions.items())
        segments = "\n".join(_segment_line(each) for each in self.segments)
        return f"""# {self.model_name} {self.model_version}

**{self.decision.code}**: {self.decision.reason}

Trained on what was known by {self.trained_as_of}, {self.training_rows:,} rows, {self.learner_name}, seed {self.seed}.
Judged on {self.held_back}; baseline: {self.baseline_name}.

| metric | model | baseline |
|---|---|---|
{measured}

By segment, with the interval that resampled series give:

| segment | series | loss | from | to | baseline | skill from | to |
|---|---|---|---|---|---|---|---|
{segments}

Calibration on held-back data:

{calibrated}

Knobs {self.params_version}: `{json.dumps(dict(self.params))}`

Features: {", ".join(self.features)}

Delta versions of the data: {versions}; outcomes final up to {self.labels_mature_until}

Product {self.product_commit or "of unknown commit"}; artefact sha256 {self.artefact_sha256}
"""


def _segment_line(segment: Mapping[str, Any]) -> str:
    figures = (segment[name] for name in ("loss", "loss_low", "loss_high", "baseline_loss", "skill_low", "skill_high"))
    return f"| {segment['segment']} | {segment['blocks']} | {' | '.join('' if f is None else f'{f:.4f}' for f in figures)} |"


def skill(loss: Metric) -> float:
    """Share of the baseline's loss that the model saves; 0 where it saves nothing."""
    return 1 - loss.value / loss.baseline if loss.baseline else 0.0


def decide(
    loss: Metric, *, unfit: Sequence[str], champion_skill: float | None, tolerated_skill_loss: float, is_tried: bool = False
) -> Decision:
    """Promote a model that is fit, better than its baseline, and not clearly worse than the champion was.

    Where the champion can be challenged on nights of both (`is_tried`), such a model is put on trial instead.
    """
    told = f"{loss.name} {loss.value:.4f} against {loss.baseline:.4f} of the baseline"
    if unfit:
        return Decision(REFUSED, "; ".join(unfit))
    if loss.value >= loss.baseline:
        return Decision(NOT_BETTER, f"{told}: not better")
    if champion_skill is not None and is_tried:
        return Decision(ON_TRIAL, f"{told}; stands beside the champion until enough nights have matured")
    if champion_skill is not None and skill(loss) < champion_skill - tolerated_skill_loss:
        return Decision(NOT_BETTER, f"{told}: skill {skill(loss):.3f}, the champion had {champion_skill:.3f} and stays")
    return Decision(PROMOTED, told)


def features_version(features: Sequence[str]) -> str:
    """Hash of the features and their order; the learner reads all of them as one type."""
    return hashlib.sha256(",".join(features).encode()).hexdigest()[:12]
