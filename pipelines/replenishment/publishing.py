"""Publishing: one pass from the published facts to the tables stock_targets and rebalance_proposals, and the files of the proposals.

The order of steps, and telling whether anything has to be done, belong here. Proposals enter the log before their files are written, and
tables are published last: a run that was killed is made whole by the next.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime

import polars as pl
from polars import selectors

from pipelines.contracts import Contract
from pipelines.derived import are_current, forecasts_told, replace_derived
from pipelines.home import Home
from pipelines.lake import Lake
from pipelines.params import Params, read_params
from pipelines.publish import ensure_gold, publish_scores, shown_contracts
from pipelines.replenishment.facts import read_facts
from pipelines.replenishment.planning import Plan, plan
from pipelines.replenishment.proposing import followed, promised, propose, proposed_before, write_proposals

__all__ = ["TABLES", "Replenished", "replenish", "replenishment_is_current"]

TABLES = ("stock_targets", "rebalance_proposals")
_PUBLISHED_NAMES = {"lead_time_days": "usual_lead_time_days"}
"""In published tables, lead_time_days is how far ahead a day was forecast."""
_DIGITS = 6


@dataclass(frozen=True)
class Replenished:
    """What a pass left: rows by table, files written, the plan (None where nothing had changed, or nothing is forecast), and serial numbers
    that stand in two waiting proposals.
    """

    rows: Mapping[str, int]
    files: tuple[str, ...]
    plan: Plan | None
    promised_twice: tuple[str, ...] = ()


def replenish(home: Home, lake: Lake, contracts: Mapping[str, Contract], *, params: Params, now: datetime) -> Replenished:
    """Bring targets and proposals up to the published facts and forecasts, and show them. The writer's lock has to be held.

    Does nothing where both tables were made from what is published. Raises ProposalError where a proposal is not read back as it was meant.
    """
    ensure_gold(lake, {name: contracts[name] for name in TABLES})
    files = write_proposals(home, lake)
    if replenishment_is_current(home, lake, params):
        return Replenished({name: lake.row_count(f"gold/{name}") for name in TABLES}, tuple(files), None)
    knobs, facts = params.replenishment, read_facts(home)
    found, made = dict.fromkeys(TABLES, pl.DataFrame()), None
    if facts is not None:
        day, stands = facts.as_of, knobs.proposal_stands_days
        standing = followed(home, proposed_before(lake), day=day, stands_days=stands)
        made = plan(facts, knobs, promised=promised(standing))
        propose(lake, made.units_to_move, day=day)
        files += write_proposals(home, lake)
        found["stock_targets"] = made.targets
        found["rebalance_proposals"] = followed(home, proposed_before(lake), day=day, stands_days=stands)
    made_from = _made_from(home, params)
    for name in TABLES:
        rows = found[name] if found[name].is_empty() else _published(found[name], now)
        replace_derived(lake, contracts[name], rows, made_from)
    publish_scores(home, lake, shown_contracts(home, contracts, TABLES), TABLES, now=now)
    return Replenished({name: frame.height for name, frame in found.items()}, tuple(files), made, _twice(found[TABLES[1]]))


def replenishment_is_current(home: Home, lake: Lake, params: Params | None = None) -> bool:
    """Whether both tables were made from the facts and forecasts that are published, with today's knobs, and are shown as they are."""
    return are_current(home, lake, TABLES, _made_from(home, params or read_params()))


def _published(frame: pl.DataFrame, now: datetime) -> pl.DataFrame:
    """The rows as they are published: sums in another order differ in their last digits; tables do not."""
    return frame.rename(_PUBLISHED_NAMES, strict=False).with_columns(selectors.float().round(_DIGITS), scored_at=pl.lit(now))


def _twice(proposals: pl.DataFrame) -> tuple[str, ...]:
    if proposals.is_empty():
        return ()
    waiting = proposals.filter(pl.col("state_code") == "proposed")
    return tuple(waiting.filter(pl.struct("article_id", "serial_number").is_duplicated())["serial_number"].unique().sort())


def _made_from(home: Home, params: Params) -> dict[str, object]:
    return {**forecasts_told(home), "params_version": params.version("replenishment")}
