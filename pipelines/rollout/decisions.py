"""Decisions: go or no-go for the next wave, from where sites stand, what was measured, and what changed.

Criteria and their words belong here; thresholds stand in pipelines/params.yaml, section rollout. A decision is a proposal: the plan is
changed by people, and arrives as the next issue of rollout/waves. What cannot be measured is not met.
"""

from __future__ import annotations

import math
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date

import polars as pl

from pipelines.params import RolloutParams

__all__ = ["Criterion", "decisions_of"]

_TASKS = ("receipt", "transfer", "count")


@dataclass(frozen=True)
class Criterion:
    """One condition of a go: its value (None where unknown) against a threshold, and what it is about in words."""

    code: str
    value: float | None
    threshold: float
    comparison: str
    about: str
    remedy: str
    unit: str = ""

    @property
    def is_met(self) -> bool:
        """Whether the value is known and on the right side."""
        if self.value is None:
            return False
        return self.value >= self.threshold if self.comparison == "at_least" else self.value <= self.threshold

    @property
    def verdict(self) -> str:
        """The criterion in words."""
        wanted = f"{self.comparison.replace('_', ' ')} {self.threshold:g}{self.unit}"
        if self.value is None:
            return f"{self.about}: not known, wanted {wanted}. {self.remedy}"
        found = f"{self.about}: {self.value:.4g}{self.unit}, wanted {wanted}."
        return found if self.is_met else f"{found} {self.remedy}"


def decisions_of(sites: pl.DataFrame, measures: pl.DataFrame, effects: pl.DataFrame, knobs: RolloutParams) -> pl.DataFrame:
    """One row per criterion for the next wave, in the columns of `rollout_decisions`; no rows where none is ahead.

    `sites`, `measures` and `effects` are rollout_sites, rollout_measures and rollout_effects.
    """
    ahead = sites.filter((pl.col("state_name") == "waiting") & (pl.col("plan_status_name") == "planned"))
    if ahead.is_empty() or measures.is_empty():
        return pl.DataFrame()
    wave = ahead["wave_number"].min()
    coming, as_of = ahead.filter(pl.col("wave_number") == wave), measures["week_start_date"].max()
    criteria = [*_readiness(sites, as_of, knobs), _accuracy(measures, as_of, knobs), *_changes(effects, knobs)]
    decision = "go" if all(criterion.is_met for criterion in criteria) else "no_go"
    rows = [
        {
            "wave_number": wave,
            "planned_go_live_date": coming["planned_go_live_date"].min(),
            "sites": coming.height,
            "decision_code": decision,
            "criterion_code": criterion.code,
            "is_met": criterion.is_met,
            "value": criterion.value,
            "threshold": criterion.threshold,
            "comparison_code": criterion.comparison,
            "verdict": criterion.verdict,
            "as_of_date": as_of,
        }
        for criterion in criteria
    ]
    return pl.DataFrame(rows, infer_schema_length=None)


def _readiness(sites: pl.DataFrame, as_of: date, knobs: RolloutParams) -> Iterator[Criterion]:
    held = sites.filter(pl.col("is_held"))["site_id"].sort().to_list()
    named = f" ({', '.join(held[:10])}{', ...' if len(held) > 10 else ''})" if held else ""
    yield Criterion(
        "held_sites",
        float(len(held)),
        knobs.held_sites_at_most,
        "at_most",
        f"Sites whose initial load does not reconcile{named}",
        "Mend the loads, or accept their differences with a reason.",
    )
    unchecked = sites.filter(pl.col("state_name") == "loaded").height
    yield Criterion(
        "unchecked_sites",
        float(unchecked),
        knobs.unchecked_sites_at_most,
        "at_most",
        "Sites that were loaded and could not be checked",
        "Deliver their legacy stock, and count them.",
    )
    newest = sites["go_live_date"].max()
    yield Criterion(
        "weeks_since_last_wave",
        None if newest is None else max(0.0, (as_of - newest).days / 7),
        knobs.weeks_between_waves,
        "at_least",
        "Weeks since the last go-live",
        "Let the last wave settle.",
    )


def _accuracy(measures: pl.DataFrame, as_of: date, knobs: RolloutParams) -> Criterion:
    """Accuracy of all live sites over the last weeks together: units right over units in the books."""
    recent = measures.filter(
        (pl.col("tracking_name") == "serial") & ((as_of - pl.col("week_start_date")).dt.total_days() < 7 * knobs.recent_weeks)
    )
    book = float(recent["book_units"].cast(pl.Float64).sum())
    value = 1 - float(recent["units_off"].cast(pl.Float64).sum()) / book if book else None
    about = f"Accuracy of live sites over the last {knobs.recent_weeks} weeks"
    return Criterion(
        "accuracy_of_live_sites",
        value,
        knobs.accuracy_at_least,
        "at_least",
        about,
        "Find out what live sites count wrong before more follow.",
    )


def _changes(effects: pl.DataFrame, knobs: RolloutParams) -> Iterator[Criterion]:
    """What is certain at the confidence level: the bad end of each interval."""
    bounds = {} if effects.is_empty() else {row["measure_name"]: row for row in effects.filter(pl.col("scope_code") == "all").to_dicts()}
    yield Criterion(
        "accuracy_effect",
        bounds.get("accuracy_share", {}).get("lower_bound"),
        knobs.accuracy_effect_at_least,
        "at_least",
        "Change of accuracy against waiting sites, lower end",
        "It is not certain that serial numbers make stock more accurate: wait for more weeks, or look for what went wrong.",
    )
    for task in _TASKS:
        upper = bounds.get(f"{task}_minutes_per_unit", {}).get("upper_bound")
        yield Criterion(
            f"{task}_minutes_effect",
            None if upper is None else math.expm1(upper) * 100,
            knobs.slowdown_pct_at_most,
            "at_most",
            f"Change of the minutes per unit of a {task} against waiting sites, upper end",
            "It may have become too slow: train people, or wait for more weeks.",
            " %",
        )
