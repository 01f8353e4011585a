"""Judging: the published facts of the roll-out become the tables rollout_effects and rollout_decisions.

Reading, writing and telling whether the tables belong to the published facts belong here; how effects and decisions come about does
not (effects.py, decisions.py).
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime

import polars as pl

from pipelines.contracts import Contract
from pipelines.derived import are_current, facts_told, replace_derived
from pipelines.home import Home
from pipelines.lake import Lake
from pipelines.params import Params, read_params
from pipelines.publish import publish_scores
from pipelines.rollout.decisions import decisions_of
from pipelines.rollout.effects import effects_of
from pipelines.warehouse import query

__all__ = ["JUDGED", "held_sites", "judge_rollout", "judgements_are_current"]

JUDGED = ("rollout_effects", "rollout_decisions")


def judge_rollout(home: Home, lake: Lake, contracts: Mapping[str, Contract], *, params: Params, now: datetime) -> dict[str, pl.DataFrame]:
    """Bring effects and decisions up to the published facts, and show them. Returns both tables."""
    knobs = params.rollout
    sites = query(home.published, "select * from rollout_sites order by all")
    measures = query(home.published, "select * from rollout_measures order by all")
    effects = effects_of(measures, knobs)
    found = {"rollout_effects": effects, "rollout_decisions": decisions_of(sites, measures, effects, knobs)}
    for name, frame in found.items():
        replace_derived(lake, contracts[name], frame, _made_from(home, params))
    publish_scores(home, lake, contracts, JUDGED, now=now)
    return found


def judgements_are_current(home: Home, lake: Lake) -> bool:
    """Whether both tables were made from the facts that are published, with today's knobs, and are shown as they are."""
    return are_current(home, lake, JUDGED, _made_from(home, read_params()))


def held_sites(home: Home) -> pl.DataFrame:
    """The held sites of the published file: site_id, difference_id, places_off, units_off, explanation."""
    return query(
        home.published,
        "select site_id, difference_id, places_off, units_off, explanation from rollout_sites where is_held order by site_id",
    )


def _made_from(home: Home, params: Params) -> dict[str, object]:
    return {**facts_told(home), "params_version": params.version("rollout")}
