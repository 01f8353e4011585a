"""Proposing: units to move become files that a person may post, once, and a table that follows each unit to its end.

What a file holds, the log of what was proposed, and the state of each proposal belong here; which units go does not (rebalancing.py). The
log, and how a killed run is made whole, are the sweeper's (pipelines/sweeper/log.py); so is the rule that nothing is ever posted by us.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterator
from datetime import date

import polars as pl

from pipelines.home import Home
from pipelines.lake import Lake
from pipelines.sources.idoc.proposals import FITS, REFERENCES_FIT, Proposal, proposal_file
from pipelines.sweeper.log import facts_of, logged, note, write_unwritten
from pipelines.warehouse import query

__all__ = ["FOLDER", "followed", "promised", "propose", "proposed_before", "write_proposals"]

_LOG = "rebalancing_batches"
FOLDER = "rebalancing"
_REMOVAL, _TRANSFER = "303", "04"
"""Transfer between sites in two steps: the giver posts the removal, the receiver the placement (305) when the goods are there."""
_FACTS = {
    "proposal_id": pl.String, "as_of_date": pl.Date, "article_id": pl.String, "serial_number": pl.String, "valuation_type": pl.String,
    "from_site_id": pl.String, "from_storage_location_id": pl.String, "to_site_id": pl.String, "since_date": pl.Date,
    "value_gained": pl.Float64, "value_risked": pl.Float64, "transfer_cost": pl.Float64, "net_gain": pl.Float64,
}  # fmt: skip


def proposed_before(lake: Lake) -> pl.DataFrame:
    """One row per unit ever proposed, with the facts of then and `proposal_file`."""
    log = logged(lake, _LOG).filter(pl.col("step") == "proposed")
    rows = [{**json.loads(facts), "proposal_file": file} for facts, file in log.select("facts", "file").iter_rows()]
    dates = {"as_of_date", "since_date"}
    text = pl.DataFrame(
        rows, schema={name: pl.String if name in dates else kind for name, kind in {**_FACTS, "proposal_file": pl.String}.items()}
    )
    return text.with_columns(pl.col("as_of_date", "since_date").str.to_date()).sort(
        "as_of_date", "proposal_id", "article_id", "serial_number"
    )


def followed(home: Home, proposed: pl.DataFrame, *, day: date, stands_days: int) -> pl.DataFrame:
    """The proposed units with `state_code` and `ended_date`.

    posted: the ERP's own movement has come under the proposal's number; gone: the unit has left the place in another way; proposed: it
    waits for a person; expired: it waited longer than a proposal stands.
    """
    if proposed.is_empty():
        return proposed.with_columns(state_code=pl.lit(None, pl.String), ended_date=pl.lit(None, pl.Date))
    serials = proposed["serial_number"].unique().to_list()
    posted = query(
        home.published,
        """
        select article_id, serial_number, document_id as proposal_id, min(movement_date) as posted_date from serial_movements
        where serial_number in (select unnest(?::varchar[])) and document_id in (select unnest(?::varchar[])) group by all
        """,
        [serials, proposed["proposal_id"].unique().to_list()],
    )
    now = query(
        home.published,
        """
        select article_id, serial_number, site_id as present_site_id, unit_state, last_movement_date from serials
        where serial_number in (select unnest(?::varchar[]))
        """,
        [serials],
    )
    unit = ["article_id", "serial_number"]
    joined = proposed.join(posted, on=[*unit, "proposal_id"], how="left").join(now, on=unit, how="left")
    is_there = (pl.col("present_site_id") == pl.col("from_site_id")) & (pl.col("unit_state") == "in_stock")
    expires = pl.col("as_of_date") + pl.duration(days=stands_days)
    state = (
        pl.when(pl.col("posted_date").is_not_null()).then(pl.lit("posted"))
        .when(~is_there.fill_null(value=False)).then(pl.lit("gone"))
        .when(expires < pl.lit(day)).then(pl.lit("expired"))
        .otherwise(pl.lit("proposed"))
    )  # fmt: skip
    ended = (
        pl.when(pl.col("posted_date").is_not_null()).then("posted_date")
        .when(~is_there.fill_null(value=False)).then("last_movement_date")
        .when(expires < pl.lit(day)).then(expires)
    )  # fmt: skip
    return joined.with_columns(state_code=state, ended_date=ended).select(*proposed.columns, "state_code", "ended_date")


def promised(units: pl.DataFrame) -> pl.DataFrame:
    """article_id, serial_number, from_site_id and to_site_id of what is proposed and still waits."""
    return units.filter(pl.col("state_code") == "proposed").select("article_id", "serial_number", "from_site_id", "to_site_id")


def propose(lake: Lake, units: pl.DataFrame, *, day: date) -> None:
    """Enter proposals for these units into the log, one file of goods movements and one list per giving site.

    A day is proposed once: where the log has it, nothing is added, whatever has changed since. Raises ProposalError where our own reader
    does not read a file as it was meant.
    """
    if logged(lake, _LOG).filter(pl.col("as_of_date") == day).height:
        return
    for batch_id, entries, files in _batches(_with_ids(_fitting(units), day), day):
        note(lake, "proposed", batch_id, entries, files, log=_LOG)


def write_proposals(home: Home, lake: Lake) -> list[str]:
    """Write what the log holds and no file shows yet below outbox/rebalancing/. Returns the paths below it."""
    return write_unwritten(lake, home.root / "outbox" / FOLDER, _LOG)


def _fitting(units: pl.DataFrame) -> pl.DataFrame:
    """Units whose keys fit into an IDoc; systems with longer numbers move them by hand."""
    patterns = {**FITS, "to_site_id": REFERENCES_FIT["to_site_id"]}
    named = units.with_columns(site_id="from_site_id")
    return named.filter(pl.all_horizontal(pl.col(name).fill_null("").str.contains(pattern) for name, pattern in patterns.items())).drop(
        "site_id"
    )


def _with_ids(units: pl.DataFrame, day: date) -> pl.DataFrame:
    """The units with proposal_id, one per lane and day, and each unit's share of its line's money."""
    ids = {
        lane: "RB" + hashlib.sha256(f"{day}/{'/'.join(lane)}".encode()).hexdigest()[:12].upper()
        for lane in units.select("from_site_id", "to_site_id").unique().iter_rows()
    }
    lanes = pl.DataFrame(
        [(*lane, name) for lane, name in ids.items()],
        schema={"from_site_id": pl.String, "to_site_id": pl.String, "proposal_id": pl.String},
        orient="row",
    )
    money = [(pl.col(name) / pl.col("units")).round(2) for name in ("value_gained", "value_risked", "transfer_cost", "net_gain")]
    return units.join(lanes, on=["from_site_id", "to_site_id"]).with_columns(
        *money, as_of_date=pl.lit(day), from_storage_location_id="storage_location_id"
    ).sort("from_site_id", "to_site_id", "article_id", "since_date", "serial_number")  # fmt: skip


def _batches(units: pl.DataFrame, day: date) -> Iterator[tuple[str, pl.DataFrame, dict[str, bytes]]]:
    """Number, entries for the log and files of each giving site."""
    for (site,), of_site in units.group_by("from_site_id", maintain_order=True):
        digest = hashlib.sha256("\n".join(of_site["serial_number"]).encode()).hexdigest()[:8]
        name = f"proposed/{day:%Y%m%d}_{site}_{digest}"
        proposals = [
            Proposal(str(key[0]), str(key[0]), f"Rebalance to {key[1]}", _TRANSFER, day, day, _movement_lines(part))
            for key, part in of_site.group_by("proposal_id", "to_site_id", maintain_order=True)
        ]
        files = {
            f"{name}.csv": of_site.select(*_FACTS).write_csv().encode(),
            f"{name}.xml": proposal_file(proposals, title=str(site)),
        }
        entries = pl.DataFrame(
            [
                {"case_id": f"{row['article_id']}/{row['serial_number']}", "file": f"{name}.xml", "as_of_date": day, "facts": facts_of(row)}
                for row in of_site.select(*_FACTS).iter_rows(named=True)
            ]
        )
        yield f"{day:%Y%m%d}/{site}/{digest}", entries, files


def _movement_lines(units: pl.DataFrame) -> pl.DataFrame:
    return units.select(
        "article_id",
        "serial_number",
        pl.lit(1).cast(pl.Decimal(18, 3)).alias("quantity"),
        movement_type=pl.lit(_REMOVAL),
        site_id="from_site_id",
        storage_location_id="from_storage_location_id",
        to_site_id="to_site_id",
        batch_id="batch_id",
        valuation_type="valuation_type",
    ).sort("article_id", "batch_id", "valuation_type", "serial_number")
