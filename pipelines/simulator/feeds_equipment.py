"""Equipment: the ERP's own view of every unit on the last day, as sap/equi and sap/eqbs; its statuses are in feeds_statuses.py.

The view is a replay of what was posted, counterfeits and typing errors included; a few EQBS rows deviate from it on
purpose. Where units really are is in truth.py.
"""

from __future__ import annotations

import numpy as np
import polars as pl

from pipelines.simulator.arrays import days_to_dates, numbers, run_starts, sorted_by, text
from pipelines.simulator.config import DAY_SECONDS
from pipelines.simulator.events import AT_VENDOR, FLOOR, IN_TRANSIT, Kind
from pipelines.simulator.feeds_pos import Till
from pipelines.simulator.feeds_statuses import status_feeds
from pipelines.simulator.master import CENTRES, REPAIR_VENDORS
from pipelines.simulator.postings import LOCATIONS
from pipelines.simulator.shaping import conform, dated_files
from pipelines.simulator.story import Story

__all__ = ["equipment_feeds"]

_FIRST_EQUIPMENT = 400_000_000
_BACK_ROOM = 2


def equipment_feeds(story: Story, till: Till) -> tuple[dict[str, pl.DataFrame], dict[str, pl.DataFrame]]:
    """The feeds sap/equi, sap/eqbs and those of the statuses, and the truth about what does not follow from the documents."""
    posted = _posted(story, till)
    last = posted.filter(pl.Series(np.append(run_starts(posted["unit"].to_numpy(), posted["ghost"].to_numpy())[1:], True)))
    first = posted.filter(pl.Series(run_starts(posted["unit"].to_numpy(), posted["ghost"].to_numpy())))
    rows = last.with_columns(created=first["time"] // DAY_SECONDS, row=pl.Series(np.arange(len(last))))
    equnr = numbers("", rows["row"] + _FIRST_EQUIPMENT, 18)
    rows = rows.with_columns(equnr=equnr, serial=_serials(story, rows))
    stock, deviations = _stock(story, rows)
    statuses, odd = status_feeds(story, rows, but=rows.filter(pl.col("equnr").is_in(deviations["equipment"].implode()))["unit"])
    feeds = {"sap/equi": _equi(story, till, rows), "sap/eqbs": stock, **statuses}
    return feeds, {"eqbs_deviations": deviations, "status_deviations": odd}


def _posted(story: Story, till: Till) -> pl.DataFrame:
    """Postings by unit and time; `ghost` rows belong to a serial number that exists only by a typing error."""
    names = ("unit", "time", "kind", "to_site", "to_location", "reference", "used")
    events = story.life.events
    # What vanished unseen stays in the books.
    real = events.filter(pl.col("posted") & (pl.col("kind") != int(Kind.VANISH))).select(*names, ghost=pl.lit(0, dtype=pl.Int8))
    typed = (
        (pl.col("kind") == int(kind)) & pl.col("unit").is_in(story.plan.units[fault].astype(np.int32))
        for kind, fault in ((Kind.STORE_RECEIPT, "mistyped_receipt"), (Kind.OPENING, "load_mistyped"))
    )
    ghosts = events.filter(pl.any_horizontal(*typed)).select(*names, ghost=pl.lit(1, dtype=pl.Int8))
    false = till.of(2, 3)
    back = (false["origin"] == 3).to_numpy()
    clones = pl.DataFrame(
        {
            "unit": false["unit"],
            "time": false["time"],
            "kind": np.where(back, int(Kind.RETURN), int(Kind.SALE)),
            "to_site": np.where(back, false["site"].to_numpy(), -1),
            "to_location": np.where(back, FLOOR, -1),
            "reference": np.full(len(false), -1),
            "used": back,
            "ghost": np.zeros(len(false), dtype=np.int8),
        }
    ).cast(dict(real.schema))
    return sorted_by(pl.concat([real, ghosts, clones]), "unit", "ghost", "time")


def _serials(story: Story, rows: pl.DataFrame) -> pl.Series:
    unit = rows["unit"].cast(pl.Int64)
    ghost = np.flatnonzero(rows["ghost"].to_numpy())
    true = story.serial.gather(unit)
    return true.scatter(ghost, story.typed.gather(unit.to_numpy()[ghost])) if len(ghost) else true


def _last_day(story: Story, prefix: str, height: int) -> pl.Series:
    day = np.full(height, story.config.days - 1)
    return dated_files(story.start, prefix, day, suffix=".csv", days=story.config.days)


def _equi(story: Story, till: Till, rows: pl.DataFrame) -> pl.DataFrame:
    unit = rows["unit"].cast(pl.Int64).to_numpy()
    sold = (rows["kind"] == int(Kind.SALE)).to_numpy()
    bought = till.of(0).select("unit", "customer")
    customer = np.full(len(story.units), -1)
    customer[bought["unit"].to_numpy()] = bought["customer"].to_numpy()
    customers = numbers("0000", np.arange(story.master.customers) + 700_001, 6)
    warranty = days_to_dates(story.start, rows["time"] // DAY_SECONDS + 365)
    columns = {
        "equnr": rows["equnr"],
        "eqtyp": "S",
        "matnr": story.master.articles.padded.gather(story.units.variant[unit]),
        "sernr": rows["serial"],
        "serge": rows["serial"],
        "charge": pl.Series(["NEW", "USED"]).gather(rows["used"].cast(pl.Int64)),
        "kunde": text(customers, np.where(sold, customer[unit], -1)),
        "objnr": "IE" + rows["equnr"],
        "erdat": days_to_dates(story.start, rows["created"]),
        "gwlen": pl.select(pl.when(pl.Series(sold)).then(warranty)).to_series(),
        "extract_date": days_to_dates(story.start, np.full(len(rows), story.config.days - 1)),
    }
    return conform("sap/equi", columns, _last_day(story, "sap/equi_", len(rows)))


def _stock(story: Story, rows: pl.DataFrame) -> tuple[pl.DataFrame, pl.DataFrame]:
    """Rows of units in stock, and the truth about those with a wrong location, a wrong site or a unit long gone."""
    rng, stores = story.config.rng("equipment"), story.config.stores
    here = rows.filter(pl.col("to_site") >= 0)
    gone = rows.filter((pl.col("to_site") < 0) & (pl.col("kind") == int(Kind.SALE)))
    count = max(3, round(story.config.faults.equipment_deviation * len(here)))
    simple = np.flatnonzero(((here["to_location"] == FLOOR) & (here["to_site"] >= CENTRES)).to_numpy())
    wrong = np.sort(rng.choice(simple, min(len(simple), count), replace=False))
    stale = gone[np.sort(rng.choice(len(gone), min(len(gone), max(1, count // 3)), replace=False))]
    site = here["to_site"].to_numpy().astype(np.int64)
    location = here["to_location"].to_numpy().astype(np.int64)
    half = np.arange(len(wrong)) % 2 == 0
    location[wrong[half]] = _BACK_ROOM
    site[wrong[~half]] = CENTRES + (site[wrong[~half]] - CENTRES + 1) % stores
    at_store = story.units.site[stale["unit"].to_numpy()]
    kind = np.where(half, "wrong_location", "wrong_site")
    picked = here[wrong]
    every = pl.concat([here, stale])
    feed = _eqbs(story, every, np.concatenate([site, at_store]), np.concatenate([location, np.full(len(stale), FLOOR)]))
    sites = story.master.sites.code
    deviations = pl.DataFrame(
        {
            "kind": pl.concat([pl.Series(kind, dtype=pl.String), pl.Series(["already_sold"] * len(stale), dtype=pl.String)]),
            "equipment": pl.concat([picked["equnr"], stale["equnr"]]),
            "serial_number": pl.concat([picked["serial"], stale["serial"]]),
            "article": story.master.articles.plain.gather(story.units.variant[pl.concat([picked["unit"], stale["unit"]]).to_numpy()]),
            "erp_site": sites.gather(np.concatenate([site[wrong], at_store])),
            "erp_storage_location": LOCATIONS.gather(np.concatenate([location[wrong], np.full(len(stale), FLOOR)])),
            "posted_site": text(sites, np.concatenate([picked["to_site"].to_numpy(), np.full(len(stale), -1)])),
        }
    )
    return feed, deviations


def _eqbs(story: Story, rows: pl.DataFrame, site: np.ndarray, location: np.ndarray) -> pl.DataFrame:
    moving = location == IN_TRANSIT
    transfer = moving & (rows["kind"] == int(Kind.REMOVE)).to_numpy()
    vendor = location == AT_VENDOR
    columns = {
        "equnr": rows["equnr"],
        "lbbsa": pl.Series(["01", "06", "05"]).gather(np.where(transfer, 2, np.where(moving, 1, 0))),
        "b_werk": story.master.sites.code.gather(site),
        "b_lager": text(LOCATIONS, location),
        "b_charge": pl.Series(["NEW", "USED"]).gather(rows["used"].cast(pl.Int64)),
        "sobkz": text(pl.Series(["O"]), np.where(vendor, 0, -1)),
        "lifnr": text(REPAIR_VENDORS, np.where(vendor, rows["reference"].to_numpy(), -1)),
        "extract_date": days_to_dates(story.start, np.full(len(rows), story.config.days - 1)),
    }
    return conform("sap/eqbs", columns, _last_day(story, "sap/eqbs_", len(rows)))
