"""Trials: a challenger stands beside the champion, and is judged when enough nights of both have matured.

Doing what the verdict asks for belongs here; what both lost is in pairs.py, the rule in promotion.py. Also here, since they are the
other two ways in which a version is put to the proof: rolling back, and training a version again from its card.
"""

from __future__ import annotations

import json
from dataclasses import asdict, replace
from datetime import datetime
from typing import Any

import polars as pl

from pipelines.contracts import Contract
from pipelines.home import Home
from pipelines.lake import Lake
from pipelines.models.aliases import CHALLENGER, CHAMPION, AliasError, move_alias, standing, version_before
from pipelines.models.artefacts import digest_of, read_input
from pipelines.models.cards import NOT_BETTER, PROMOTED
from pipelines.models.learning import Occasion, is_comparable
from pipelines.models.promotion import Verdict, judge_trial
from pipelines.models.registry import CARDS, challenger, champion, set_decision
from pipelines.models.use_cases import UseCase
from pipelines.params import Params

__all__ = ["hold_trial", "roll_back", "train_again"]


def hold_trial(
    home: Home, lake: Lake, use_case: UseCase, contract: Contract, table: pl.DataFrame, *, params: Params, now: datetime
) -> Verdict | None:
    """Judge the challenger on the nights that matured, and promote it or end its trial. Returns the verdict; None without a trial."""
    own, rival = champion(home, lake, use_case.name), challenger(home, lake, use_case.name)
    if own is None or rival is None:
        return None
    if is_comparable(rival, use_case.features, params, use_case.name):
        trial = use_case.trial(lake, contract, table, own, rival, params)
        verdict = judge_trial(trial, params.promotion, seed=params.training.seed)
    else:
        verdict = Verdict(False, "the features or knobs that it was made with are no longer those of today", 0)
    if verdict.is_won:
        set_decision(lake, use_case.name, rival.model_version, PROMOTED, verdict.reason)
        move_alias(lake, use_case.name, CHAMPION, rival.model_version, reason=verdict.reason, now=now)
    elif verdict.is_won is False:
        set_decision(lake, use_case.name, rival.model_version, NOT_BETTER, verdict.reason)
        move_alias(lake, use_case.name, CHALLENGER, None, reason=verdict.reason, now=now)
    return verdict


def roll_back(lake: Lake, model_name: str, *, to: str | None, now: datetime) -> str:
    """Let an earlier version be the champion again: the one named, or the one before the present. Returns its version.

    Raises AliasError where there is no such version, or where it was refused.
    """
    version = to or version_before(lake, model_name)
    cards = lake.read(CARDS).filter((pl.col("model_name") == model_name) & (pl.col("model_version") == version))
    if cards.is_empty():
        raise AliasError(f"{model_name}: no version {version}; `serialake model list` shows the versions there are")
    if cards["decision_code"][0] == "refused":
        raise AliasError(f"{model_name}: version {version} was refused ({cards['decision_reason'][0]}) and cannot serve")
    present = standing(lake, model_name, CHAMPION)
    move_alias(lake, model_name, CHAMPION, version, reason=f"rolled back from {present}", now=now)
    if standing(lake, model_name, CHALLENGER):
        move_alias(lake, model_name, CHALLENGER, None, reason="the champion it was to challenge was rolled back", now=now)
    return version


def train_again(lake: Lake, use_case: UseCase, card: dict[str, Any], params: Params) -> tuple[str, str | None]:
    """Train the version of a card once more, on the data and with the knobs that it names. Returns both digests of the texts.

    The data come from the lake as of the Delta version in the card. The digests are equal if the training repeats itself; the second
    is None where the training finds too little history.
    """
    table = read_input(lake, use_case.relation, json.loads(card["data_versions_json"]))
    learned = use_case.learn(table, _knobs_of(card, params), Occasion({}, None, card["trained_at"]))
    return card["artefact_sha256"], None if learned is None else digest_of(learned.files.texts())


def _knobs_of(card: dict[str, Any], params: Params) -> Params:
    """The knobs of a card over today's."""
    sections = {}
    for name, values in json.loads(card["params_json"]).items():
        today = getattr(params, name)
        sections[name] = type(today)(**{key: values.get(key, value) for key, value in asdict(today).items()})
    return replace(params, **sections)
