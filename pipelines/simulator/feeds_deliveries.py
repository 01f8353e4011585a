"""Deliveries and handling units: what vendors and centres announce, in the columns of sap/deliveries and
sap/handling_units.

IDoc numbers, headers, dates, partners and weights belong here; which items and cartons there are is in
delivery_items.py. The delivery document of a store is its goods issue 641.
"""

from __future__ import annotations

import numpy as np
import polars as pl

from pipelines.simulator.arrays import (
    clock_text,
    days_to_dates,
    decimals,
    numbers,
    run_starts,
    seconds_to_times,
    text,
)
from pipelines.simulator.config import DAY_SECONDS
from pipelines.simulator.delivery_items import DeliveryItems
from pipelines.simulator.master import CARRIERS, MAKERS
from pipelines.simulator.shaping import conform, dated_files
from pipelines.simulator.story import Story

__all__ = ["deliveries_feed", "handling_units_feed"]

_UNIT_GRAMS, _CARTON_GRAMS = 350, 800


def _headers(story: Story, items: DeliveryItems) -> pl.DataFrame:
    """One row per document with all header columns, in order of document."""
    inbound, deliveries, sites = story.inbound, story.deliveries, story.master.sites
    issued = np.concatenate([inbound.sent * DAY_SECONDS + 5 * 3600, deliveries.issued_at])
    day = np.clip(issued // DAY_SECONDS, 0, story.config.days - 1)
    number = np.arange(len(issued)) + 1
    is_vendor = pl.Series(number <= items.first_delivery)
    centre = sites.code.gather(np.concatenate([inbound.centre, deliveries.centre]))
    site = np.concatenate([inbound.centre, deliveries.site])
    none = {"stores": np.full(len(deliveries.site), -1), "vendors": np.full(len(inbound.sent), -1)}
    frame = pl.DataFrame({"issued": issued, "file_day": story.file_days.of("delvry", day), "day": day})
    return frame.with_columns(
        credat=days_to_dates(story.start, day),
        cretim=clock_text(issued + 300),
        lfart=pl.when(is_vendor).then(pl.lit("EL")).otherwise(pl.lit("NL")),
        vstel=pl.when(~is_vendor).then(centre),
        lifex=pl.when(is_vendor).then(numbers("ASN-", number, 8)),
        bolnr=numbers("BOL", number, 8),
        traid=pl.when(~is_vendor).then(numbers("1Z", number, 12)),
        route=pl.when(~is_vendor).then(numbers("R", site, 5)),
        partner_we=sites.code.gather(site),
        partner_lf=text(MAKERS, np.concatenate([inbound.maker, none["stores"]])),
        partner_sp=text(CARRIERS, np.concatenate([none["vendors"], deliveries.carrier])),
        werks=centre,
        vbeln=items.delivery,
        vgbel=items.order,
        **_weights(items, len(issued)),
        **_dates(story, issued),
    )


def _weights(items: DeliveryItems, count: int) -> dict[str, pl.Series]:
    """Gross and net weight in kilograms and number of cartons, by document."""
    document, quantity = items.lines["document"].to_numpy(), items.lines["quantity"].to_numpy()
    units = np.bincount(document, weights=quantity, minlength=count).astype(np.int64)
    cartons = np.bincount(items.lines.unique("carton")["document"].to_numpy(), minlength=count)
    return {
        "btgew": decimals(units * _UNIT_GRAMS + cartons * _CARTON_GRAMS, 3, divisor=1000),
        "ntgew": decimals(units * _UNIT_GRAMS, 3, divisor=1000),
        "anzpk": pl.Series(cartons).cast(pl.Int64),
    }


def _dates(story: Story, issued: np.ndarray) -> dict[str, pl.Series]:
    """Planned and actual goods issue, planned delivery."""
    inbound, deliveries = story.inbound, story.deliveries
    planned_hour = np.concatenate([np.full(len(inbound.sent), 5), np.full(len(deliveries.site), 14)])
    due = np.concatenate([inbound.sent + 2, deliveries.receipt - deliveries.days_late])
    planned = issued - issued % DAY_SECONDS + planned_hour * 3600
    return {
        "goods_issue_planned_at": seconds_to_times(story.start, planned),
        "goods_issue_actual_at": seconds_to_times(story.start, issued),
        "delivery_planned_at": seconds_to_times(story.start, due * DAY_SECONDS + 9 * 3600),
    }


def _numbered(story: Story, items: DeliveryItems) -> tuple[pl.DataFrame, pl.DataFrame]:
    """Lines in order of their files, and the headers with IDoc numbers."""
    headers = _headers(story, items).with_row_index("document").with_columns(pl.col("document").cast(pl.Int64))
    used = items.lines.select(pl.col("document").unique())
    ranked = (
        headers.join(used, on="document", how="semi")
        .sort("file_day", "issued", "document")
        .select("document")
        .with_row_index("rank", offset=1)
    )
    rank = np.zeros(len(headers), dtype=np.int64)
    rank[ranked["document"].to_numpy()] = ranked["rank"].to_numpy()
    headers = headers.with_columns(docnum=numbers("", rank, 16))
    order = np.argsort(rank[items.lines["document"].to_numpy()], kind="stable")
    return items.lines[order], headers


def deliveries_feed(story: Story, items: DeliveryItems) -> pl.DataFrame:
    """The feed sap/deliveries: one row per announced item and unit, bulk items without serial number."""
    lines, headers = _numbered(story, items)
    document, article, unit = (lines[c] for c in ("document", "article", "unit"))
    header = headers[document].drop("document", "issued", "day")
    articles = story.master.articles
    quantity = decimals(lines["item_quantity"], 3)
    posnr = numbers("", np.arange(int(lines["item"].max()) + 1) * 10, 6).gather(lines["item"])
    columns = {
        **header.drop("file_day").to_dict(),
        "idoctyp": "DELVRY07",
        "mestyp": "DESADV",
        "sndprn": "E01CLNT100",
        "gewei": "KGM",
        "qualf": "ORI",
        "posnr": posnr,
        "matnr": articles.padded.gather(article),
        "arktx": articles.text.gather(article),
        "lgort": "0001",
        "charg": text(pl.Series(["NEW"]), np.where(unit.to_numpy() < 0, -1, 0)),
        "lfimg": quantity,
        "vrkme": "EA",
        "lgmng": quantity,
        "meins": "EA",
        "ean11": numbers("0614141", articles.number, 7).gather(article),
        "vgpos": posnr,
        **_identified(story, unit, article),
    }
    return conform("sap/deliveries", columns, _files(story, header["file_day"]))


def _identified(story: Story, unit: pl.Series, article: pl.Series) -> dict[str, pl.Series]:
    """Serial number and UII: one unit in fifty bears its serial number as UII, one in fifty a UII of its own."""
    serial = text(story.serial, unit)
    own = "UII." + story.master.articles.plain.gather(article) + "." + serial
    uii = pl.select(pl.when(unit % 50 == 7).then(serial).when(unit % 50 == 11).then(own)).to_series()
    return {"sernr": serial, "uii": uii}


def handling_units_feed(story: Story, items: DeliveryItems) -> pl.DataFrame:
    """The feed sap/handling_units: one row per carton and packed item."""
    lines, headers = _numbered(story, items)
    starts = run_starts(lines["carton"].to_numpy(), lines["item"].to_numpy())
    row = np.flatnonzero(starts)
    packed = np.add.reduceat(lines["quantity"].to_numpy(), row)
    weight = np.bincount(lines["carton"].to_numpy(), weights=lines["quantity"].to_numpy()).astype(np.int64) * _UNIT_GRAMS
    part = lines[row]
    header = headers[part["document"]]
    carton = part["carton"].to_numpy()
    columns = {
        "docnum": header["docnum"],
        "sndprn": "E01CLNT100",
        "vbeln": header["vbeln"],
        "exidv": items.cartons.gather(part["carton"]),
        "vhilm": "CARTON",
        "brgew": decimals(weight[carton] + _CARTON_GRAMS, 3, divisor=1000),
        "ntgew": decimals(weight[carton], 3, divisor=1000),
        "gewei": "KGM",
        "posnr": numbers("", part["item"] * 10, 6),
        "matnr": story.master.articles.padded.gather(part["article"]),
        "charg": text(pl.Series(["NEW"]), np.where(part["unit"].to_numpy() < 0, -1, 0)),
        "vemng": decimals(packed, 3),
        "vemeh": "EA",
    }
    return conform("sap/handling_units", columns, _files(story, header["file_day"]))


def _files(story: Story, day: pl.Series) -> pl.Series:
    return dated_files(story.start, "sap/idoc/delvry_", day, suffix=".xml", days=story.config.days)
