"""Aliases: which model is the champion and which the challenger, as a log that is only ever added to.

Moving an alias, rolling back and reading where it stands belong here; `model_cards` shows where it stands. Whether it should move is
decided in promotion.py and cards.py.
"""

from __future__ import annotations

from datetime import datetime

import polars as pl

from pipelines.lake import Lake

__all__ = ["ALIASES", "CHALLENGER", "CHAMPION", "AliasError", "alias_log", "move_alias", "standing", "version_before"]

ALIASES = "ml/model_aliases"
CHAMPION, CHALLENGER = "champion", "challenger"
_CARDS = "gold/model_cards"
_SCHEMA = {
    "model_name": pl.String(),
    "alias_name": pl.String(),
    "model_version": pl.String(),
    "reason": pl.String(),
    "moved_at": pl.Datetime("us"),
    "move_number": pl.Int64(),
}


class AliasError(ValueError):
    """An alias that cannot be moved; the message says why and what can be done."""


def alias_log(lake: Lake, model_name: str) -> pl.DataFrame:
    """All moves of a model's aliases, oldest first: alias_name, model_version (empty where it was taken away), reason, moved_at."""
    if not lake.exists(ALIASES):
        return pl.DataFrame(schema=_SCHEMA)
    return lake.read(ALIASES).filter(pl.col("model_name") == model_name).sort("move_number")


def standing(lake: Lake, model_name: str, alias_name: str) -> str | None:
    """The version that the alias names; None where it names none."""
    moves = alias_log(lake, model_name).filter(pl.col("alias_name") == alias_name)
    return moves["model_version"][-1] if moves.height else None


def version_before(lake: Lake, model_name: str) -> str:
    """The champion before the one that stands. Raises AliasError where there was none."""
    moves = alias_log(lake, model_name).filter(pl.col("alias_name") == CHAMPION)["model_version"].drop_nulls().to_list()
    earlier = [version for version in moves if version != moves[-1]]
    if not earlier:
        raise AliasError(f"{model_name}: no champion before the one that stands; `serialake model list` shows the versions there are")
    return earlier[-1]


def move_alias(lake: Lake, model_name: str, alias_name: str, model_version: str | None, *, reason: str, now: datetime) -> bool:
    """Let the alias name a version, or none; a version that becomes champion is no challenger any more. Returns whether it moved."""
    log = alias_log(lake, model_name)
    moves = [] if standing(lake, model_name, alias_name) == model_version else [(alias_name, model_version)]
    if alias_name == CHAMPION and model_version and standing(lake, model_name, CHALLENGER) == model_version:
        moves.append((CHALLENGER, None))
    if moves:
        first = (log["move_number"].max() or 0) + 1
        rows = [(model_name, alias, version, reason, now, first + place) for place, (alias, version) in enumerate(moves)]
        lake.ensure(ALIASES, _SCHEMA)
        lake.append_batch_once(ALIASES, pl.DataFrame(rows, schema=_SCHEMA, orient="row"), f"{model_name}/{first}")
    show_aliases(lake, model_name)
    return bool(moves)


def show_aliases(lake: Lake, model_name: str) -> None:
    """Bring the column alias_name of model_cards to where the aliases stand."""
    if not lake.exists(_CARDS):
        return
    cards = lake.read(_CARDS, ["model_name", "model_version", "alias_name"]).filter(pl.col("model_name") == model_name)
    named = {standing(lake, model_name, alias): alias for alias in (CHALLENGER, CHAMPION)}
    wanted = cards.with_columns(wanted=pl.col("model_version").replace_strict(named, default=None, return_dtype=pl.String))
    for version, alias in wanted.filter(pl.col("alias_name").ne_missing(pl.col("wanted"))).select("model_version", "wanted").iter_rows():
        changes = {"alias_name": f"'{alias}'" if alias else "NULL"}
        lake.update(_CARDS, f"model_name = '{model_name}' AND model_version = '{version}'", changes)
