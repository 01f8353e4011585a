"""Feeding: bring the files of closed business days up to date, each written once, in an order that no crash can break.

The order of steps belongs here: lines and file are recorded in the lake first, and a file that the record knows and the outbox lacks
is written. What a line is stands in lines.py, what was sent in sent.py; PEOPLESOFT.md tells the whole.
"""

from __future__ import annotations

import hashlib
import os
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from pathlib import Path

import polars as pl

from pipelines.contracts import Contract
from pipelines.feeds.acknowledged import publish_acknowledgements, refused_keys
from pipelines.feeds.journal import journal_bytes
from pipelines.feeds.lines import due_lines, movement_days
from pipelines.feeds.messages import control_totals, message_bytes
from pipelines.feeds.sent import FILE_SCHEMA, FILES, LINES, ensure_tables, lines_to_send, read_files, read_lines, with_keys
from pipelines.feeds.settings import FeedSettings, parse_settings
from pipelines.home import Home
from pipelines.lake import Lake
from pipelines.progress import report

__all__ = ["Fed", "FeedError", "feed_peoplesoft"]


class FeedError(ValueError):
    """A feed that cannot be written; the message says why, and what to do."""


@dataclass(frozen=True)
class Fed:
    """What one feeding did: files written for the first time, files put back that the outbox lacked, and states of all files."""

    written: tuple[str, ...] = ()
    put_back: tuple[str, ...] = ()
    states: Mapping[str, int] | None = None


def feed_peoplesoft(
    home: Home,
    lake: Lake,
    contracts: Mapping[str, Contract],
    settings: FeedSettings,
    *,
    now: datetime,
    days: tuple[date, date] | None = None,
    is_resent: bool = False,
) -> Fed:
    """Write what is due about the closed business days from the first to the last of `days`, or those a night looks at.

    Raises FeedError where nothing is published, or where a day is not over. The writer's lock has to be held.
    """
    ensure_tables(lake)
    first_day, last_day = _days(home, lake, settings, days=days, now=now)
    written, put_back = [], []
    if first_day <= last_day:
        refused = refused_keys(lake)
        due = due_lines(home, lake, settings, first_day=first_day, last_day=last_day)
        sent = read_lines(lake, first_day=first_day, last_day=last_day)
        # Lines of a run that was killed before it had entered their file: nobody has seen it, so it is written now.
        written = _record_files(lake, sent.join(read_files(lake), on="feed_key", how="anti"), settings, now=now)
        lines = with_keys(lines_to_send(due, sent, refused), read_files(lake), refused, is_resent=is_resent)
        if lines.height:
            lake.append_batch_once(LINES, lines, f"lines/{_batch_id(lines)}")
            written += _record_files(lake, lines, settings, now=now)
        put_back = _put_back(home, lake, first_day=first_day, last_day=last_day, new=written)
    states = publish_acknowledgements(home, lake, contracts, overdue_after_days=settings.overdue_after_days, now=now)["state_code"]
    return Fed(tuple(written), tuple(put_back), dict(states.value_counts().sort("state_code").iter_rows()))


def _days(home: Home, lake: Lake, settings: FeedSettings, *, days: tuple[date, date] | None, now: datetime) -> tuple[date, date]:
    """First and last day to look at; the first is after the last where there is none."""
    if not home.published.exists():
        raise FeedError(f"Nothing is published in {home.root} yet: serialake run")
    yesterday, known = now.date() - timedelta(days=1), movement_days(home)
    if days and days[1] > yesterday:
        raise FeedError(f"{days[1]} is not over: a business day is sent when it is closed, from the next day (UTC) on")
    if known is None:
        return now.date(), yesterday
    if days:
        return max(days[0], settings.first_day or days[0]), days[1]
    sent = lake.read(FILES, ["business_date"])["business_date"].max()
    # A day that was sent and has no movement any more is looked at too.
    first, last = max(known[0], settings.first_day or known[0]), min(max(known[1], sent or known[1]), yesterday)
    # Days that no file speaks of yet are taken, however many they are: the feed may have stood still.
    return (first if sent is None else max(first, min(last, sent) - timedelta(days=settings.correction_days))), last


def _record_files(lake: Lake, lines: pl.DataFrame, settings: FeedSettings, *, now: datetime) -> list[str]:
    """Enter the files of the lines in the lake. Returns their names."""
    rows, count = [], lines["feed_key"].n_unique()
    for done, (_, of_file) in enumerate(lines.sort("feed_key", maintain_order=True).group_by("feed_key", maintain_order=True), 1):
        rows.append(_file_row(of_file, settings, now=now))
        report("write feed", done, count)
    files = pl.DataFrame(rows, schema=FILE_SCHEMA, orient="row")
    if rows:
        lake.append_batch_once(FILES, files, f"files/{_batch_id(files)}")
    return files["file"].to_list()


def _batch_id(frame: pl.DataFrame) -> str:
    """The same for the same files of the same lines."""
    names = frame.select(pl.concat_str("feed_key", "lines_sha256", separator="/").unique().sort()).to_series()
    return hashlib.sha256("\n".join(names).encode()).hexdigest()


def _file_row(lines: pl.DataFrame, settings: FeedSettings, *, now: datetime) -> tuple:
    key, kind, day, revision = lines.select("feed_key", "kind_name", "business_date", "revision_number").row(0)
    totals = control_totals(lines)
    priced = totals.filter(pl.col("currency_code").is_not_null())
    # Amounts of several currencies have no sum; the file itself has one total for each.
    amount, currency = priced.select("amount", "currency_code").row(0) if priced.height == 1 else (None, None)
    return (
        key,
        kind,
        day,
        revision,
        f"peoplesoft/{day:%Y%m%d}_{kind}_{revision:02}.{'csv' if kind == 'journal' else 'xml'}",
        lines.height,
        lines["quantity"].sum(),
        amount,
        currency,
        lines["unit_cost"].null_count(),
        lines["lines_sha256"][0],
        hashlib.sha256(_content(lines, settings)).hexdigest(),
        settings.text,
        now,
    )


def _content(lines: pl.DataFrame, settings: FeedSettings) -> bytes:
    """The bytes of one file."""
    kind = lines["kind_name"][0]
    return journal_bytes(lines, settings) if kind == "journal" else message_bytes(lines, settings.messages[kind])


def _put_back(home: Home, lake: Lake, *, first_day: date, last_day: date, new: list[str]) -> list[str]:
    """Write every recorded file of the days that the outbox lacks, or holds with other bytes. Returns those that are not new."""
    files = read_files(lake).filter(pl.col("business_date").is_between(first_day, last_day))
    outbox, done = home.root / "outbox", []
    wanted = [row for row in files.iter_rows(named=True) if _differs(outbox / row["file"], row["content_sha256"])]
    lines = read_lines(lake, first_day=first_day, last_day=last_day) if wanted else None
    for row in wanted:
        content = _content(lines.filter(pl.col("feed_key") == row["feed_key"]).select(lines.columns), parse_settings(row["settings"]))
        if hashlib.sha256(content).hexdigest() != row["content_sha256"]:
            raise FeedError(f"{row['file']} cannot be written as it was: this release writes it in another form. Take it from a backup.")
        _write(outbox / row["file"], content)
        done.append(row["file"])
    return [file for file in done if file not in new]


def _differs(path: Path, sha256: str) -> bool:
    return not path.exists() or hashlib.sha256(path.read_bytes()).hexdigest() != sha256


def _write(path: Path, content: bytes) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    part = path.with_name(f"{path.name}.part")
    part.write_bytes(content)
    os.replace(part, path)  # noqa: PTH105 - one step, so that nobody sees half a file
