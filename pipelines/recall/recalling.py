"""Recalling: one recall from its request to its tables and files, the same bytes for the same request on the same facts.

The order of steps belongs here, and what tables and files hold; questions and their answers do not (answers.py). Tables are written
first and files after them, so that a recall that was killed is made whole by asking again. See RECALL.md.
"""

from __future__ import annotations

import json
import os
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path

import polars as pl

from pipelines.contracts import Contract
from pipelines.feeds.settings import FeedSettingsError, read_settings
from pipelines.home import Home
from pipelines.lake import Lake
from pipelines.prices import Prices, read_prices
from pipelines.publish import ensure_gold, publication_facts, publish_scores, published_versions, replace_gold, shown_contracts
from pipelines.recall.answers import PLACES, Answers, answers
from pipelines.recall.blocking import block_files, with_block
from pipelines.recall.condition import RecallError, columns_named
from pipelines.recall.requests import Request
from pipelines.warehouse import QueryError

__all__ = ["PLACE_CODES", "Recalled", "recall_units"]

PLACE_CODES = (*dict.fromkeys(PLACES.values()), "unknown")
_TABLES = ("recalls", "recall_units", "recall_contacts")
_NEEDED = {"serials", "serial_movements", "articles", "customers", "unit_origins", "unit_traits"}


@dataclass(frozen=True)
class Recalled:
    """What a recall found: its one row of `recalls`, its units and contacts as published, and its files below outbox/."""

    summary: Mapping[str, object]
    units: pl.DataFrame
    contacts: pl.DataFrame
    files: tuple[str, ...]


def recall_units(home: Home, lake: Lake, contracts: Mapping[str, Contract], request: Request, *, now: datetime) -> Recalled:
    """Answer a recall, publish its tables and write its files. The writer's lock has to be held.

    Raises RecallError for a condition that cannot be asked or that no unit fits, and for a name that another condition has.
    """
    columns = columns_named(request.condition)
    versions = published_versions(home)
    if missing := _NEEDED - versions.keys():
        raise RecallError(f"{home.published.name} does not show {', '.join(sorted(missing))} yet: serialake run")
    ensure_gold(lake, contracts)
    _must_be_free(lake, request)
    try:
        # Where a home was moved, the published file names files where they lay before.
        lakes = [home.lake, Path(str(publication_facts(home)["home"])) / "lake"]
        found = answers(home.published, lakes, request.condition, columns)
    except QueryError as error:
        raise RecallError(f"The condition cannot be answered: {str(error).splitlines()[0]}") from error
    if found.units.is_empty():
        raise RecallError("No unit fits the condition; nothing was written. Article and serial numbers stand without leading zeros")
    tables = _tables(found, request, prices=_prices(home, lake), contracts=contracts)
    units = tables["recall_units"]
    files = block_files(units, name=request.name, day=found.as_of_date)
    for name, frame in tables.items():
        _store(lake, contracts[name], request.name, frame)
    publish_scores(home, lake, shown_contracts(home, contracts, _TABLES), _TABLES, now=now)
    summary = tables["recalls"].row(0, named=True)
    files |= {"recall.json": json.dumps(summary, default=str, indent=1, ensure_ascii=False).encode() + b"\n"}
    files |= {f"{name}.csv": tables[name].write_csv().encode() for name in _TABLES[1:]}
    _write(home.root / "outbox" / "recalls" / request.name, files)
    written = tuple(f"recalls/{request.name}/{name}" for name in sorted(files))
    return Recalled(summary, units, tables["recall_contacts"], written)


def _must_be_free(lake: Lake, request: Request) -> None:
    known = lake.read("gold/recalls", ["recall_name", "condition"]).filter(pl.col("recall_name") == request.name)
    if known.height and known["condition"][0] != request.condition:
        raise RecallError(f"{request.name} is the name of another recall, where {known['condition'][0]}; give this one another --name")


def _tables(found: Answers, request: Request, *, prices: Prices, contracts: Mapping[str, Contract]) -> dict[str, pl.DataFrame]:
    """The recall's rows of each published table, in the contract's columns and order."""
    place = pl.col("unit_state").replace_strict(PLACES, default="unknown", return_dtype=pl.String)
    units = with_block(prices.of(found.units).with_columns(place_code=place)).with_columns(
        site_id=pl.when(pl.col("place_code") == "with_customer").then("sold_site_id").otherwise("site_id"),
        sold_date=pl.when(pl.col("place_code") == "with_customer").then("sold_date"),
        repair_vendor_id=pl.when(pl.col("place_code") == "at_repair_vendor").then("vendor_id"),
        as_of_date=pl.lit(found.as_of_date),
    )
    contacts = found.contacts.with_columns(is_to_contact=pl.col("reason_code").is_null())
    others = prices.of(found.others)
    frames = {"recalls": _summary(units, contacts, others, request), "recall_units": units, "recall_contacts": contacts}
    return {name: _conformed(frame.with_columns(recall_name=pl.lit(request.name)), contracts[name]) for name, frame in frames.items()}


def _summary(units: pl.DataFrame, contacts: pl.DataFrame, others: pl.DataFrame, request: Request) -> pl.DataFrame:
    same_batch = others.filter("is_same_batch")
    places = dict(units["place_code"].value_counts().iter_rows())
    recalled = units.with_columns(units=pl.lit(1))
    currencies = pl.concat([recalled["currency_code"], others["currency_code"]]).drop_nulls().unique()
    currency = currencies[0] if len(currencies) == 1 else None
    amounts = {"recall_amount": recalled, "same_batch_amount": same_batch, "same_article_amount": others}
    without_value = [frame.filter(pl.col("unit_cost").is_null())["units"].sum() for frame in (recalled, others)]
    no_contact = contacts.filter(pl.col("reason_code").is_not_null() & (pl.col("reason_code") != "returned_since"))
    row = {
        "condition": request.condition,
        "notice_id": request.notice_id,
        "reason": request.reason,
        "as_of_date": units["as_of_date"][0],
        "units": units.height,
        **{f"units_{code}": places.get(code, 0) for code in PLACE_CODES},
        "units_to_block": int((units["block_code"] == "proposed").sum()),
        "customers_to_contact": int(contacts["is_to_contact"].sum()),
        "units_without_contact": int(no_contact["units"].sum()),
        "units_same_batch": int(same_batch["units"].sum()),
        "units_same_article": int(others["units"].sum()),
        **{name: (frame["unit_cost"] * frame["units"]).sum() if currency else None for name, frame in amounts.items()},
        "units_without_value": int(sum(without_value)),
        "currency_code": currency,
    }
    return pl.DataFrame([row])


def _prices(home: Home, lake: Lake) -> Prices:
    try:
        base_currency = read_settings(home).base_currency
    except FeedSettingsError as error:
        raise RecallError(f"The currency of standard prices cannot be read: {error}") from error
    return read_prices(lake, base_currency=base_currency)


def _conformed(frame: pl.DataFrame, contract: Contract) -> pl.DataFrame:
    rows = frame.select(pl.col(name).cast(dtype) for name, dtype in contract.polars_schema.items())
    return rows.sort(contract.custom("sortedBy"), nulls_last=True)


def _store(lake: Lake, contract: Contract, name: str, rows: pl.DataFrame) -> None:
    """Put the recall's rows in place of those it had; the rows of other recalls stay."""
    gold = f"gold/{contract.name}"
    others = lake.read(gold).filter(pl.col("recall_name") != name).select(rows.columns)
    replace_gold(lake, contract, pl.concat([others, rows]))


def _write(folder: Path, files: Mapping[str, bytes]) -> None:
    """Write the files, each in one step, unless it is there with the same bytes; blocks of sites that have none any more go."""
    folder.mkdir(parents=True, exist_ok=True)
    for name, content in files.items():
        path = folder / name
        if not path.exists() or path.read_bytes() != content:
            part = folder / f".{name}.part"
            part.write_bytes(content)
            os.replace(part, path)  # noqa: PTH105 - one step, so that nobody sees half a file
    for path in folder.glob("block_*.xml"):
        if path.name not in files:
            path.unlink()
