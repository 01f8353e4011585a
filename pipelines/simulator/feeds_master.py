"""Master data feeds: SAP extracts of sites, articles, vendors, customers and profiles; campaigns and the trading
calendar.

Everything comes in full on day 0; articles that launch later come 30 days before their launch, a site's MARC rows
again at its go-live. A serial number profile stands in MARC from the go-live on, before that the field is blank. The
data itself is drawn in master.py.
"""

from __future__ import annotations

import numpy as np
import polars as pl

from pipelines.simulator.arrays import days_to_dates, decimals, numbers, text
from pipelines.simulator.calendar import REGIONS, trading_calendar
from pipelines.simulator.demand import UNITS_PER_STORE_DAY
from pipelines.simulator.master import CARRIERS, CENTRES, MAKERS, REPAIR_VENDORS
from pipelines.simulator.shaping import conform, dated_files
from pipelines.simulator.story import Story

__all__ = ["marketing_feeds", "master_feeds"]

_PROFILES = (
    # serail, sertx, serex, eqtyp, bstvp, iuid_compatible, uid_used, mmsl_usage
    ("0001", "Integrated serial no", None, "S", None, None, None, "03"),
    ("0002", "Serial numbers in SD", "X", "S", None, None, None, "01"),
    ("0003", "Stock check", None, "S", "2", None, None, "03"),
    ("0004", "HU processing", None, "S", "2", None, None, "03"),
    ("SPL", "HU processing", None, None, None, None, None, "02"),
)
_LOCATIONS = (("0001", "Main stock"), ("0002", "Back room"), ("0006", "Hold"))
_AHEAD = 30


def master_feeds(story: Story) -> dict[str, pl.DataFrame]:
    """The feeds mara, makt, marc, t001w, t001l, lfa1, kna1 and t377p."""
    return {
        **_article_feeds(story),
        "sap/marc": _marc(story),
        **_site_feeds(story),
        "sap/lfa1": _vendors(story),
        "sap/kna1": _customers(story),
        "sap/t377p": _profiles(story),
    }


def _feed(story: Story, table: str, columns: dict, day: np.ndarray) -> pl.DataFrame:
    """A feed in order of its extract days."""
    prefix = table + "_"
    files = dated_files(story.start, prefix, day, suffix=".csv", days=story.config.days)
    dated = conform(table, columns | {"extract_date": days_to_dates(story.start, day)}, files)
    return dated[np.argsort(day, kind="stable")]


def _known_from(story: Story) -> np.ndarray:
    """Day on which each article reaches the ERP."""
    return np.maximum(0, story.master.articles.launch - _AHEAD)


def _article_feeds(story: Story) -> dict[str, pl.DataFrame]:
    articles = story.master.articles
    generics = len(articles.generic_number)
    of_generic = np.searchsorted(articles.generic[: articles.variants], np.arange(generics))
    source = np.concatenate([of_generic, np.arange(len(articles.number))])
    number = pl.Series(np.concatenate([articles.generic_number, articles.number])).cast(pl.String).str.zfill(18)
    is_generic = np.arange(len(source)) < generics
    is_variant = ~is_generic & (source < articles.variants)
    generic = np.where(is_variant, articles.generic[source], -1)
    attyp = np.where(is_generic, 1, np.where(is_variant, 2, 0))
    day = _known_from(story)[source]
    category = articles.category.gather(source)
    mara = {
        "matnr": number,
        "ersda": days_to_dates(story.start, articles.launch[source]),
        "mtart": "HAWA",
        "matkl": category,
        "meins": "EA",
        "ean11": text(numbers("0614141", articles.number, 7), np.where(is_generic, -1, source)),
        "attyp": pl.Series(["00", "01", "02"]).gather(attyp),
        "satnr": text(pl.Series(articles.generic_number).cast(pl.String).str.zfill(18), generic),
        "color": text(articles.color, np.where(is_variant, source, -1)),
        "size1": text(articles.size, np.where(is_variant, source, -1)),
        "prdha": pl.select(pl.lit("RETAIL/") + category).to_series(),
        "mfrnr": MAKERS.gather(articles.maker[source]),
        "mfrpn": pl.select(pl.lit("MP-") + number.str.strip_chars_start("0")).to_series(),
    }
    labels = pl.concat([articles.generic_text, articles.text])
    makt = {"matnr": number, "spras": "EN", "maktx": labels}
    return {"sap/mara": _feed(story, "sap/mara", mara, day), "sap/makt": _feed(story, "sap/makt", makt, day)}


def _marc(story: Story) -> pl.DataFrame:
    """Rows by article and site when the article becomes known, and again at the site's go-live."""
    articles, sites = story.master.articles, story.master.sites
    article, site = (a.ravel() for a in np.meshgrid(np.arange(len(articles.number)), np.arange(len(sites.go_live)), indexing="ij"))
    known, live = _known_from(story)[article], sites.go_live[site]
    again = np.flatnonzero((live > 0) & (known < live))
    article, site, day = (np.concatenate([a, b[again]]) for a, b in ((article, article), (site, site), (known, live)))
    serialised = (article < articles.variants) & (day >= sites.go_live[site])
    store = site >= CENTRES
    share = articles.popularity[article] / articles.popularity.sum()
    daily = np.where(store, sites.size[site], 5.0) * share * UNITS_PER_STORE_DAY * story.config.scale
    columns = {
        "matnr": articles.padded.gather(article),
        "werks": sites.code.gather(site),
        "sernp": text(pl.Series(["0003"]), np.where(serialised, 0, -1)),
        "plifz": np.where(store, 2, 7),
        "eisbe": decimals(np.ceil(daily * 3).astype(np.int64), 3),
        "minbe": decimals(np.ceil(daily * 7).astype(np.int64), 3),
        "mabst": decimals(np.ceil(daily * 21).astype(np.int64), 3),
        "bwtty": text(pl.Series(["C"]), np.where(article < articles.variants, 0, -1)),
    }
    return _feed(story, "sap/marc", columns, day)


def _site_feeds(story: Story) -> dict[str, pl.DataFrame]:
    sites = story.master.sites
    count = len(sites.go_live)
    centre = np.arange(count) < CENTRES
    kind = pl.Series(["Store ", "Distribution centre "]).gather(centre.astype(np.int64))
    t001w = {
        "werks": sites.code,
        "name1": kind + sites.code.str.slice(1) if count else kind,
        "vlfkz": pl.Series(["A", "B"]).gather(centre.astype(np.int64)),
        "kunnr": numbers("00009", np.arange(count) + 1, 5),
        "regio": pl.Series(REGIONS).gather(sites.region),
        "land1": "US",
        "ort01": sites.city,
        "zzlat": sites.latitude,
        "zzlon": sites.longitude,
    }
    site, location = np.repeat(np.arange(count), 3), np.tile(np.arange(3), count)
    t001l = {
        "werks": sites.code.gather(site),
        "lgort": pl.Series([code for code, _ in _LOCATIONS]).gather(location),
        "lgobe": pl.Series([name for _, name in _LOCATIONS]).gather(location),
    }
    first = np.zeros(count, dtype=np.int64)
    return {
        "sap/t001w": _feed(story, "sap/t001w", t001w, first),
        "sap/t001l": _feed(story, "sap/t001l", t001l, np.repeat(first, 3)),
    }


def _vendors(story: Story) -> pl.DataFrame:
    codes = pl.concat([MAKERS, REPAIR_VENDORS, CARRIERS])
    names = [
        "Vexa Devices",
        "Norra Mobile",
        "Quanta Wear",
        "Repair Works",
        "Fixit Services",
        "Parcel One",
        "Freight Two",
    ]
    columns = {
        "lifnr": codes,
        "name1": pl.Series(names),
        "land1": "US",
        "regio": pl.Series(["CA", "NY", "TX", "TX", "IL", "TX", "IL"]),
        "ort01": pl.Series(["San Jose", "Albany", "Austin", "Dallas", "Chicago", "Houston", "Joliet"]),
        "ktokk": pl.Series(["MANU"] * 3 + ["REPA"] * 2 + ["CARR"] * 2),
    }
    return _feed(story, "sap/lfa1", columns, np.zeros(len(codes), dtype=np.int64))


def _customers(story: Story) -> pl.DataFrame:
    customer = np.arange(story.master.customers)
    home = CENTRES + customer % story.config.stores
    columns = {
        "kunnr": numbers("0000", customer + 700_001, 6),
        "land1": "US",
        "regio": pl.Series(REGIONS).gather(story.master.sites.region[home]),
        "ktokd": "CONS",
    }
    return _feed(story, "sap/kna1", columns, np.zeros(len(customer), dtype=np.int64))


def _profiles(story: Story) -> pl.DataFrame:
    names = ("serail", "sertx", "serex", "eqtyp", "bstvp", "iuid_compatible", "uid_used", "mmsl_usage")
    columns = {name: pl.Series([row[k] for row in _PROFILES], dtype=pl.String) for k, name in enumerate(names)}
    return _feed(story, "sap/t377p", columns, np.zeros(len(_PROFILES), dtype=np.int64))


def marketing_feeds(story: Story) -> dict[str, pl.DataFrame]:
    """The feeds marketing/calendar (horizon and 60 days, in the first file) and marketing/campaigns (by day of
    planning).
    """
    campaigns, config = story.campaigns, story.config
    calendar = trading_calendar(story.start, config.days + 60)
    files = dated_files(story.start, "marketing/calendar_", np.zeros(len(calendar), dtype=np.int64), suffix=".csv", days=config.days)
    pairs = [(k, g) for k, offered in enumerate(campaigns.generics) for g in offered if campaigns.planned[k] < config.days]
    index, generic = np.array([k for k, _ in pairs]), np.array([g for _, g in pairs])
    columns = {
        "campaign_number": pl.Series(campaigns.number).gather(index),
        "campaign_name": pl.select(pl.lit("Offer ") + (pl.Series(index) + 1).cast(pl.String)).to_series(),
        "planned_on": days_to_dates(story.start, campaigns.planned[index]),
        "starts_on": days_to_dates(story.start, campaigns.starts[index]),
        "ends_on": days_to_dates(story.start, campaigns.ends[index]),
        "region": text(pl.Series(REGIONS), campaigns.region[index]),
        "generic_article": pl.Series(story.master.articles.generic_number[generic]).cast(pl.String),
        "discount_pct": decimals(campaigns.discount[index], 3),
    }
    delivered = np.maximum(0, campaigns.planned[index])
    offered = conform(
        "marketing/campaigns",
        columns,
        dated_files(story.start, "marketing/campaigns_", delivered, suffix=".csv", days=config.days),
    )
    table = {name: calendar[name] for name in calendar.columns}
    return {"marketing/calendar": conform("marketing/calendar", table, files), "marketing/campaigns": offered}
