"""Batches: cases that are proposed, or approved, together: one site, one business day, one file of goods movements and one list.

What the files hold and how they are called belongs here; which cases are due does not (sweeping.py), nor what a crash leaves (log.py).
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date

import polars as pl

from pipelines.sources.idoc.proposals import proposal_file
from pipelines.sweeper.log import facts_of
from pipelines.sweeper.postings import posting_lines, proposals_of

__all__ = ["Batch", "batches"]

_FACTS = ["kind_code", "action_code", "document_id", "delivery_id", "lane_kind", "origin_id", "to_site_id", "vendor_id", "carrier_id",
          "units_concerned", "opened_date"]  # fmt: skip
_LISTED = ["case_id", "kind_code", "action_code", "document_id", "origin_id", "to_site_id", "vendor_id", "carrier_id", "claim_id",
           "units_outstanding", "outstanding_amount", "currency_code", "opened_date", "reason"]  # fmt: skip


@dataclass(frozen=True)
class Batch:
    """A batch before it is written: its number, its cases as the log keeps them, and its files by path below outbox/sweeper/."""

    batch_id: str
    cases: pl.DataFrame
    files: dict[str, bytes]


def batches(step: str, cases: pl.DataFrame, units: pl.DataFrame, *, day: date) -> Iterator[Batch]:
    """One batch per site, of cases that are due and their outstanding units. The same cases give the same files, byte for byte.

    Raises ProposalError where our own reader does not read a file as it was meant.
    """
    due = cases.with_columns(site=pl.coalesce("to_site_id", "origin_id", pl.lit("none"))).sort("site", "case_id")
    lines = posting_lines(units, day=day)
    for (site,), of_site in due.group_by("site", maintain_order=True):
        digest = hashlib.sha256("\n".join([step, str(day), *of_site["case_id"]]).encode()).hexdigest()[:8]
        name = f"{step}/{day:%Y%m%d}_{site}_{digest}"
        of_batch = lines.filter(pl.col("case_id").is_in(of_site["case_id"].implode()))
        files = {f"{name}.csv": of_site.select(_LISTED).write_csv().encode()}
        if of_batch.height:
            files[f"{name}.xml"] = proposal_file(proposals_of(of_batch, day=day), title=str(site))
        yield Batch(f"{step}/{day:%Y%m%d}/{site}/{digest}", _entries(of_site, of_batch, units, name=name, day=day), files)


def _entries(cases: pl.DataFrame, lines: pl.DataFrame, units: pl.DataFrame, *, name: str, day: date) -> pl.DataFrame:
    """One row per case, as the log keeps it: its file, and its facts with the movements of each unit."""
    serial = pl.col("serial_number").fill_null("")
    roles = units.select("case_id", "role_code", "article_id", "serial_number", "action_code")
    told = lines.select("case_id", "article_id", "movement_type", "reference", "step", serial_number=serial).join(
        roles.filter(pl.col("action_code").is_in(["receive_late", "receive_and_push_back", "post_issue", "provide_to_vendor"])),
        on=["case_id", "article_id", "serial_number"],
    )
    by_case = {
        case_id: part.drop("case_id", "action_code").to_dicts() for (case_id,), part in told.group_by("case_id", maintain_order=True)
    }
    rows = [
        {
            "case_id": case["case_id"],
            "file": f"{name}.{'xml' if case['case_id'] in by_case else 'csv'}",
            "as_of_date": day,
            "facts": facts_of({**{column: case[column] for column in _FACTS}, "lines": by_case.get(case["case_id"], [])}),
        }
        for case in cases.iter_rows(named=True)
    ]
    return pl.DataFrame(rows, schema={"case_id": pl.String, "file": pl.String, "as_of_date": pl.Date, "facts": pl.String})
