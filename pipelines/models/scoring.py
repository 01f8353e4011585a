"""Scoring: the champion's scores become a published table.

Writing a scored table, and telling whether the published scores belong to the published facts, belong here. The scores
themselves come from the use cases (pipelines/models/use_cases.py).
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime

import polars as pl

from pipelines.contracts import Contract
from pipelines.derived import facts_told
from pipelines.home import Home
from pipelines.lake import Lake
from pipelines.models.accuracy import ACCURACY, BY_SEGMENT
from pipelines.models.aliases import CHALLENGER, CHAMPION, standing
from pipelines.models.memory import remember
from pipelines.models.registry import Champion, challenger, champion
from pipelines.models.use_cases import USE_CASES, UseCase
from pipelines.params import Params, read_params
from pipelines.publish import publish_scores, published_versions

__all__ = ["score", "score_beside", "scores_are_current", "write_scores"]


def score(home: Home, lake: Lake, use_case: UseCase, table: pl.DataFrame, params: Params) -> pl.DataFrame:
    """The champion's scores of the panel or case table with the model's version; no rows where there is no champion."""
    return _scored(champion(home, lake, use_case.name), use_case, table, params)


def score_beside(
    home: Home, lake: Lake, contract: Contract, use_case: UseCase, table: pl.DataFrame, *, params: Params, now: datetime
) -> int:
    """Keep what the challenger says of this night, for its trial; nobody is shown it. Returns the rows kept."""
    found = _scored(challenger(home, lake, use_case.name), use_case, table, params)
    if found.is_empty():
        return 0
    rows = _conformed(contract, found, now)
    remember(lake, contract, rows, CHALLENGER)
    return rows.height


def _scored(model: Champion | None, use_case: UseCase, table: pl.DataFrame, params: Params) -> pl.DataFrame:
    if model is None or table.is_empty():
        return pl.DataFrame()
    found = use_case.score(model.files, table, params)
    if found.is_empty():
        return pl.DataFrame()
    return found.with_columns(
        pl.lit(model.model_version).alias("model_version"), pl.lit(use_case.observed_until(table)).alias("features_as_of_date")
    )


def _conformed(contract: Contract, scores: pl.DataFrame, now: datetime) -> pl.DataFrame:
    """The scores in the contract's columns, types and order."""
    schema = contract.polars_schema
    if scores.is_empty():
        return pl.DataFrame(schema=schema)
    told = scores.with_columns(pl.lit(now).alias("scored_at")).select(pl.col(name).cast(dtype) for name, dtype in schema.items())
    return told.sort(contract.custom("sortedBy"))


def write_scores(
    home: Home, lake: Lake, contracts: Mapping[str, Contract], use_case: UseCase, scores: pl.DataFrame, *, params: Params, now: datetime
) -> int:
    """Replace the scored table and show it to analysts; keep what was said, where a trial needs it. Returns its rows."""
    contract = contracts[use_case.scored_table]
    rows = _conformed(contract, scores, now)
    if use_case.is_remembered:
        remember(lake, contract, rows, CHAMPION)
    lake.replace(f"gold/{contract.name}", rows, _made_from(home, lake, use_case, params))
    publish_scores(home, lake, contracts, [contract.name], now=now)
    return rows.height


def scores_are_current(home: Home, lake: Lake) -> bool:
    """Whether every scored table, and what came of past scores, was made from the facts that are published, and is shown as it is."""
    params, shown, told = read_params(), published_versions(home), facts_told(home)
    judged = {name: lake.fingerprint(f"gold/{name}") or {} for name in (ACCURACY, BY_SEGMENT)}
    if not all(told.items() <= note.items() and lake.version(f"gold/{name}") == shown.get(name) for name, note in judged.items()):
        return False
    return all(
        lake.fingerprint(f"gold/{u.scored_table}") == _made_from(home, lake, u, params)
        # A run killed between writing scores and showing them leaves a table newer than the one that is shown.
        and lake.version(f"gold/{u.scored_table}") == shown.get(u.scored_table)
        for u in USE_CASES.values()
    )


def _made_from(home: Home, lake: Lake, use_case: UseCase, params: Params) -> dict[str, object]:
    return {
        **facts_told(home),
        "params_version": params.version(use_case.name),
        "champion": standing(lake, use_case.name, CHAMPION),
    }
