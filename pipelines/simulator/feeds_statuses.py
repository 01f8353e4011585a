"""Statuses: what the ERP's status management says of every equipment on the last day, and the deliveries still open then.

The feeds sap/jest, sap/tj02t, sap/likp, sap/ser01 and sap/objk belong here: status of each unit, and outbound deliveries that
hold some units fast. On purpose, a few units keep EDEL of a delivery long issued, and a few are in stock and at a customer at once.
Where the ERP keeps units is in feeds_equipment.py.
"""

from __future__ import annotations

import numpy as np
import polars as pl

from pipelines.simulator.arrays import days_to_dates, numbers
from pipelines.simulator.events import FLOOR, Kind
from pipelines.simulator.master import CENTRES
from pipelines.simulator.shaping import conform, dated_files
from pipelines.simulator.story import Story

__all__ = ["status_feeds"]

_TEXTS = {
    "I0099": ("AVLB", "Available"),
    "I0184": ("ESTO", "In the warehouse"),
    "I0186": ("ECUS", "At the customer site"),
    "I0188": ("EDEL", "Assigned in delivery"),
}
_CODE = {text: code for code, (text, _) in _TEXTS.items()}
_FIRST_LIST, _FIRST_DELIVERY = 900_000_001, 85_000_001


def status_feeds(story: Story, rows: pl.DataFrame, *, but: pl.Series) -> tuple[dict[str, pl.DataFrame], pl.DataFrame]:
    """The five feeds, and the truth about units whose status does not follow from what happened: kind, equipment, unit and site.

    `rows` has one row per equipment with its last posting; units in `but` get no planted status.
    """
    rng, rates = story.config.rng("statuses"), story.config.faults
    able = np.flatnonzero(
        (
            (rows["to_location"] == FLOOR) & (rows["to_site"] >= CENTRES) & (rows["ghost"] == 0) & ~rows["unit"].is_in(but.implode())
        ).to_numpy()
    )
    wanted = max(rates.minimum, round(rates.status_deviation * len(rows)))
    chosen = rng.choice(able, min(len(able), 4 * wanted), replace=False)
    stuck, twofold, reserved = np.sort(chosen[:wanted]), np.sort(chosen[wanted : 2 * wanted]), np.sort(chosen[2 * wanted :])
    # Half of the stuck units are on a delivery that left without them, the others on none that exists any more.
    listed = np.concatenate([reserved, stuck[::2]])
    is_issued = np.arange(len(listed)) >= len(reserved)
    feeds = {
        "sap/jest": _jest(story, rows, stuck=stuck, twofold=twofold, reserved=reserved),
        "sap/tj02t": _tj02t(story),
        **_deliveries(story, rows[listed], is_issued),
    }
    return feeds, _truth(story, rows, {"stuck_on_delivery": stuck, "in_stock_and_at_customer": twofold})


def _last(story: Story, height: int) -> tuple[np.ndarray, pl.Series]:
    day = np.full(height, story.config.days - 1)
    return day, days_to_dates(story.start, day)


def _feed(story: Story, table: str, columns: dict, height: int) -> pl.DataFrame:
    day, extracted = _last(story, height)
    files = dated_files(story.start, table + "_", day, suffix=".csv", days=story.config.days)
    return conform(table, columns | {"extract_date": extracted}, files)


def _jest(story: Story, rows: pl.DataFrame, *, stuck: np.ndarray, twofold: np.ndarray, reserved: np.ndarray) -> pl.DataFrame:
    """One active status of each equipment by its last posting, and the ones that deliveries and faults add."""
    sold = pl.col("kind") == int(Kind.SALE)
    plain = rows.select(
        "equnr",
        stat=pl.when(pl.col("to_site") >= 0)
        .then(pl.lit(_CODE["ESTO"]))
        .when(sold)
        .then(pl.lit(_CODE["ECUS"]))
        .otherwise(pl.lit(_CODE["AVLB"])),
    )
    added = [
        rows[at].select("equnr", stat=pl.lit(_CODE[status])) for at, status in ((stuck, "EDEL"), (reserved, "EDEL"), (twofold, "ECUS"))
    ]
    every = pl.concat([plain, *added]).sort("equnr", "stat")
    return _feed(story, "sap/jest", {"objnr": "IE" + every["equnr"], "stat": every["stat"]}, len(every))


def _tj02t(story: Story) -> pl.DataFrame:
    columns = {
        "istat": pl.Series(list(_TEXTS)),
        "spras": "E",
        "txt04": pl.Series([short for short, _ in _TEXTS.values()]),
        "txt30": pl.Series([long for _, long in _TEXTS.values()]),
    }
    return _feed(story, "sap/tj02t", columns, len(_TEXTS))


def _deliveries(story: Story, rows: pl.DataFrame, is_issued: np.ndarray) -> dict[str, pl.DataFrame]:
    """One delivery to a customer per unit: open, or issued on the last day."""
    count = len(rows)
    order = np.arange(count)
    delivery = numbers("00", order + _FIRST_DELIVERY, 8)
    _, last = _last(story, count)
    issued = pl.select(pl.when(pl.Series(is_issued)).then(last)).to_series()
    likp = {"vbeln": delivery, "lfart": "LF", "wadat": last, "wadat_ist": issued}
    ser01 = {"obknr": pl.Series(order + _FIRST_LIST), "lief_nr": delivery, "posnr": "000010", "datum": last, "vorgang": "SDLS"}
    objk = {
        "obknr": pl.Series(order + _FIRST_LIST),
        "obzae": pl.Series(np.ones(count, dtype=np.int64)),
        "equnr": rows["equnr"],
        "matnr": story.master.articles.padded.gather(story.units.variant[rows["unit"].cast(pl.Int64).to_numpy()]),
        "sernr": rows["serial"],
        "taser": "SER01",
    }
    made = {"sap/likp": likp, "sap/ser01": ser01, "sap/objk": objk}
    return {table: _feed(story, table, columns, count) for table, columns in made.items()}


def _truth(story: Story, rows: pl.DataFrame, planted: dict[str, np.ndarray]) -> pl.DataFrame:
    every = rows[np.concatenate(list(planted.values()))]
    unit = every["unit"].cast(pl.Int64).to_numpy()
    return pl.DataFrame(
        {
            "kind": pl.Series([kind for kind, at in planted.items() for _ in at], dtype=pl.String),
            "equipment": every["equnr"],
            "article": story.master.articles.plain.gather(story.units.variant[unit]),
            "serial_number": every["serial"],
            "site": story.master.sites.code.gather(every["to_site"].cast(pl.Int64)),
        }
    )
