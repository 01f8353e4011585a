"""Sweeping: one sweep from the published facts to cases, proposals and files.

The order of steps belongs here. A batch enters the log before its files are written, so that a sweep that was killed is made whole by
the next one; cases are published last. See SWEEPER.md.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date, datetime

import polars as pl

from pipelines.contracts import Contract
from pipelines.feeds.settings import read_settings
from pipelines.home import Home
from pipelines.lake import Lake
from pipelines.prices import read_prices
from pipelines.publish import ensure_gold, publish_scores, published_versions, replace_gold, shown_contracts
from pipelines.sweeper.batches import batches
from pipelines.sweeper.cases import case_facts, with_states
from pipelines.sweeper.decisions import read_decisions
from pipelines.sweeper.log import logged, note, write_unwritten
from pipelines.sweeper.reasons import with_reasons
from pipelines.sweeper.sources import UNIT_KEY, as_of_date, freight_claims, logged_lines, posted_units, valued
from pipelines.warehouse import query

__all__ = ["TABLES", "Swept", "sweep"]

TABLES = ("discrepancy_cases", "discrepancy_decisions")
_NEEDED = {"serial_movements", "unit_origins", "discrepancy_case_units"}
_GONE = {"kind_code": pl.String, "action_code": pl.String, "document_id": pl.String, "delivery_id": pl.String, "lane_kind": pl.String,
         "origin_id": pl.String, "to_site_id": pl.String, "vendor_id": pl.String, "carrier_id": pl.String}  # fmt: skip


@dataclass(frozen=True)
class Swept:
    """What a sweep left: cases by state, files written, decisions by outcome, and units that stand in more than one proposal."""

    states: Mapping[str, int]
    files: tuple[str, ...]
    outcomes: Mapping[str, int]
    proposed_twice: tuple[str, ...]


def sweep(home: Home, lake: Lake, contracts: Mapping[str, Contract], *, now: datetime) -> Swept:
    """Bring cases, proposals and decisions up to date with the published facts. The writer's lock has to be held.

    Does nothing where no facts are published yet. Raises ProposalError where a proposal is not read back as it was meant, and
    FeedSettingsError where the base currency of standard prices cannot be read.
    """
    folder = home.root / "outbox" / "sweeper"
    ensure_gold(lake, {name: contracts[name] for name in TABLES})
    files = write_unwritten(lake, folder)
    published = published_versions(home)
    if not published.keys() >= _NEEDED:
        return Swept({}, tuple(files), {}, ())
    found = query(home.published, "select * from discrepancy_case_units")
    if (day := as_of_date(home, found)) is None:
        return Swept({}, tuple(files), {}, ())
    units = valued(home, found, _prices(home, lake))
    claims, decisions = freight_claims(lake, units), read_decisions(lake)
    for step in ("proposed", "approved"):
        cases, _, open_units = _state(home, lake, units, claims, decisions, day)
        _enter(lake, step, cases, open_units, day)
        files += write_unwritten(lake, folder)
    cases, told, _ = _state(home, lake, units, claims, decisions, day)
    tables = dict(zip(TABLES, (cases, told), strict=True))
    for name, frame in tables.items():
        replace_gold(lake, contracts[name], frame)
    publish_scores(home, lake, shown_contracts(home, contracts, TABLES), TABLES, now=now)
    return Swept(_counted(cases, "state_code"), tuple(files), _counted(told, "outcome_code"), tuple(_proposed_twice(lake)))


def _state(home: Home, lake: Lake, units, claims, decisions, day: date) -> tuple[pl.DataFrame, pl.DataFrame, pl.DataFrame]:
    """Cases, decisions, and the units that are outstanding, by what the log holds now."""
    log = logged(lake)
    lines = logged_lines(log)
    posted = posted_units(home, lines)
    facts = case_facts(units, posted).with_columns(is_gone=pl.lit(value=False))
    every = pl.concat([facts, _gone(facts, log, lines, posted)], how="diagonal_relaxed")
    cases, told = with_states(every.join(claims, on="case_id", how="left"), log, decisions, day=day)
    outstanding = units.filter(pl.col("resolved_at").is_null()).join(posted, on=UNIT_KEY, how="anti")
    return with_reasons(cases), told, outstanding


def _gone(facts: pl.DataFrame, log: pl.DataFrame, lines: pl.DataFrame, posted: pl.DataFrame) -> pl.DataFrame:
    """Cases that were proposed and that the facts do not show any more, as they were then: what was delivered since tells otherwise."""
    old = log.filter(pl.col("step") == "proposed").unique("case_id", keep="first").join(facts, on="case_id", how="anti").sort("case_id")
    told = [json.loads(text) for text in old["facts"]]
    known = pl.DataFrame([{name: each[name] for name in _GONE} for each in told], schema=_GONE)
    whole = lines.filter(pl.col("serial_number") != "").select(UNIT_KEY).unique().join(posted, on=UNIT_KEY, how="left")
    ends = whole.group_by("case_id").agg(
        is_posted=pl.col("posted_date").is_not_null().all(),
        ended_date=pl.col("posted_date").max(),
        ended_by=pl.col("posted_by").drop_nulls().unique().sort().str.join(", "),
    )
    frame = known.with_columns(
        case_id=old["case_id"],
        units_concerned=pl.Series([each["units_concerned"] for each in told], dtype=pl.String).cast(pl.Decimal(18, 3)),
        opened_date=pl.Series([each["opened_date"] for each in told], dtype=pl.String).str.to_date(),
        units_outstanding=pl.lit(0).cast(pl.Decimal(18, 3)),
        units_unvalued=pl.lit(0).cast(pl.Decimal(18, 3)),
        seen=pl.lit(0),
        is_gone=pl.lit(value=True),
    ).join(ends, on="case_id", how="left")
    is_posted = pl.col("is_posted").fill_null(value=False)
    return frame.with_columns(
        is_posted=is_posted, ended_date=pl.when(is_posted).then("ended_date"), ended_by=pl.when(is_posted).then("ended_by")
    )


def _enter(lake: Lake, step: str, cases: pl.DataFrame, units: pl.DataFrame, day: date) -> None:
    """Enter batches of the cases that are due: what is open is proposed, and what was approved is written once more, alone."""
    state, entered = ("open", "proposal_file") if step == "proposed" else ("approved", "approved_file")
    due = cases.filter((pl.col("state_code") == state) & pl.col(entered).is_null() & (pl.col("units_outstanding") > 0))
    if step == "approved":
        # Nothing is released that nobody could look at.
        due = due.filter(pl.col("proposal_file").is_not_null())
    else:
        # What stands in a proposal under another case is not proposed again, whatever the discrepancy is called now.
        held = logged_lines(logged(lake)).filter(pl.col("serial_number") != "").select("article_id", "serial_number", other="case_id")
        twice = units.join(held, on=["article_id", "serial_number"]).filter(pl.col("other") != pl.col("case_id"))
        active = cases.filter(pl.col("state_code").is_in(["proposed", "approved"]) | pl.col("is_gone"))["case_id"]
        due = due.filter(~pl.col("case_id").is_in(twice.filter(pl.col("other").is_in(active.implode()))["case_id"].implode()))
    wanted = units.filter(pl.col("case_id").is_in(due["case_id"].implode()))
    for batch in batches(step, due, wanted, day=day):
        note(lake, step, batch.batch_id, batch.cases, batch.files)


def _proposed_twice(lake: Lake) -> list[str]:
    """Cases that stand in more than one batch of a step; there are none, unless something else wrote into the log."""
    log = logged(lake).group_by("case_id", "step").len().filter(pl.col("len") > 1)
    return sorted(log["case_id"].unique())


def _prices(home: Home, lake: Lake):
    return read_prices(lake, base_currency=read_settings(home).base_currency)


def _counted(frame: pl.DataFrame, column: str) -> dict[str, int]:
    return dict(sorted(frame[column].value_counts().iter_rows()))
