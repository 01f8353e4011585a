"""Roll-out feeds: the plan, the legacy system's stock at cut-over, its counts, and the task times of the stores.

The columns of rollout/waves, rollout/legacy_stock, rollout/task_times, sap/ikpf and sap/iseg belong here, and the truth about loads
and effects. Who takes part and what is planted is in rollout.py; which units a load gets wrong is in faults.py.
"""

from __future__ import annotations

import numpy as np
import polars as pl

from pipelines.simulator.arrays import days_to_dates, decimals, numbers, run_starts
from pipelines.simulator.config import DAY_SECONDS
from pipelines.simulator.events import Kind
from pipelines.simulator.master import CENTRES
from pipelines.simulator.postings import Postings
from pipelines.simulator.rollout import BULK_COUNT_ERROR, TASKS, Taking, bulk_counts, take_part, task_times
from pipelines.simulator.shaping import conform, dated_files, weekly_files
from pipelines.simulator.story import Story

__all__ = ["rollout_feeds", "rollout_truth"]

_FIRST_COUNT = 100_000_001


def rollout_feeds(story: Story, postings: Postings) -> dict[str, pl.DataFrame]:
    """The feeds of the roll-out by contract table."""
    taking = take_part(story)
    return {
        "rollout/waves": _waves(story, taking),
        "rollout/legacy_stock": _legacy_stock(story, postings),
        "rollout/task_times": _task_times(story, taking),
        **_inventory_documents(story, taking),
    }


def rollout_truth(story: Story, postings: Postings) -> dict[str, pl.DataFrame]:
    """`load_deviations`: what is wrong with which initial load; `rollout_effects`: what serial numbers change, by measure."""
    return {"load_deviations": _load_deviations(story, postings), "rollout_effects": _effects(story)}


def _waves(story: Story, taking: Taking) -> pl.DataFrame:
    """The whole plan, anew on the first day, at each go-live and on the last day."""
    config = story.config
    issued = np.unique(np.concatenate([[0, config.days - 1], taking.go_live[taking.go_live < config.days]]))
    day, site = (grid.ravel() for grid in np.meshgrid(issued, np.arange(len(taking.code)), indexing="ij"))
    columns = {
        "wave": taking.wave[site],
        "site": taking.code.gather(site),
        "planned_go_live_on": days_to_dates(story.start, taking.planned[site]),
        "status": pl.Series(["planned", "live"]).gather((taking.go_live[site] <= day).astype(np.int64)),
        "issued_on": days_to_dates(story.start, day),
    }
    return conform("rollout/waves", columns, dated_files(story.start, "rollout/waves_", day, suffix=".csv", days=config.days))


def _opened(postings: Postings) -> pl.DataFrame:
    """What stood at each site at its cut-over: site, day, article, quantity."""
    true = (pl.col("kind") == int(Kind.OPENING)) & ((pl.col("unit") < 0) | (pl.col("event") >= 0))
    stood = postings.lines.filter(true).group_by("site", "day", "article").agg(pl.col("quantity").sum())
    return stood.select(pl.all().cast(pl.Int64)).sort("site", "article")


def _legacy_differences(story: Story, postings: Postings) -> pl.DataFrame:
    """Legacy quantities that are wrong, three articles of each site with a wrong load: site, article, kind, stock type, difference."""
    wrong = np.unique(story.units.site[story.plan.units["load_missing"]])
    variants = story.master.articles.variants
    stood = _opened(postings).filter(pl.col("site").is_in(wrong), pl.col("article") < variants, pl.col("quantity") > 1)
    ranked = stood.with_columns(nth=pl.col("quantity").rank("ordinal", descending=True).over("site"))
    kinds = (
        ("legacy_over", 1, "01", 2),
        ("legacy_short", 2, "01", -1),
        ("legacy_stock_type", 3, "01", -1),
        ("legacy_stock_type", 3, "07", 1),
    )
    named = pl.DataFrame(kinds, schema=["kind", "nth", "stock_type", "difference"], orient="row").cast({"nth": pl.UInt32})
    return ranked.join(named, on="nth", maintain_order="left_right").select("site", "day", "article", "kind", "stock_type", "difference")


def _legacy_stock(story: Story, postings: Postings) -> pl.DataFrame:
    """One full load per site, of the close of business before its go-live."""
    stood = _opened(postings).with_columns(stock_type=pl.lit("01"))
    wrong = _legacy_differences(story, postings).rename({"difference": "quantity"})
    rows = pl.concat([stood, wrong.select(stood.columns)]).group_by("site", "day", "article", "stock_type").agg(pl.col("quantity").sum())
    rows = rows.sort("day", "site", "article", "stock_type")
    columns = {
        "site": story.master.sites.code.gather(rows["site"]),
        "storage_location": "0001",
        "article": story.master.articles.plain.gather(rows["article"]),
        "stock_type": rows["stock_type"],
        "stock_on": days_to_dates(story.start, rows["day"] - 1),
        "quantity": decimals(rows["quantity"], 3),
    }
    prefix = "rollout/legacy_stock_" + columns["site"] + "_"
    day = dated_files(story.start, "", rows["day"], suffix=".csv", days=story.config.days)
    return conform("rollout/legacy_stock", columns, (prefix + day).alias("_file"))


def _task_times(story: Story, taking: Taking) -> pl.DataFrame:
    """Weekly files; the first holds the weeks before the horizon as well."""
    rows = task_times(story, taking).sort("day", "site", "task")
    columns = {
        "site": taking.code.gather(rows["site"]),
        "worked_on": days_to_dates(story.start, rows["day"]),
        "task": pl.Series([task.name for task in TASKS]).gather(rows["task"]),
        "units": rows["units"],
        "minutes": decimals(rows["hundredths"], 2, divisor=100),
    }
    files = weekly_files(story.start, "rollout/task_times_", rows["day"].clip(lower_bound=0), days=story.config.days)
    return conform("rollout/task_times", columns, files)


def _inventory_documents(story: Story, taking: Taking) -> dict[str, pl.DataFrame]:
    """Counts of the stores before their go-live, as physical inventory documents of the legacy ERP."""
    rows = bulk_counts(story, taking).sort("day", "site", "article")
    starts = run_starts(rows["day"].to_numpy(), rows["site"].to_numpy())
    document = np.cumsum(starts) - 1
    date = days_to_dates(story.start, rows["day"])
    number = numbers("", document + _FIRST_COUNT, 10)
    filed = rows["day"].clip(lower_bound=0)
    known = days_to_dates(story.start, filed)
    line = np.arange(len(rows)) - np.flatnonzero(starts)[document] + 1
    iseg = {
        "iblnr": number,
        "gjahr": date.dt.year(),
        "zeili": line,
        "matnr": story.master.articles.padded.gather(rows["article"]),
        "werks": taking.code.gather(rows["site"]),
        "lgort": "0001",
        "bstar": "1",
        "xzael": "X",
        "xdiff": "X",
        "buchm": decimals(rows["book"], 3),
        "menge": decimals(rows["counted"], 3),
        "meins": "EA",
        "extract_date": known,
    }
    head = {name: iseg[name].filter(pl.Series(starts)) for name in ("iblnr", "gjahr", "werks", "extract_date")}
    counted = date.filter(pl.Series(starts))
    ikpf = {**head, "lgort": "0001", "bldat": counted, "gidat": counted, "zldat": counted, "budat": counted}
    days = story.config.days
    return {
        "sap/ikpf": conform(
            "sap/ikpf", ikpf, dated_files(story.start, "sap/ikpf_", filed.filter(pl.Series(starts)), suffix=".csv", days=days)
        ),
        "sap/iseg": conform("sap/iseg", iseg, dated_files(story.start, "sap/iseg_", filed, suffix=".csv", days=days)),
    }


def _load_deviations(story: Story, postings: Postings) -> pl.DataFrame:
    """Units by what is wrong with them at a site, and legacy quantities that are wrong, with their difference."""
    plan, codes, articles = story.plan, story.master.sites.code, story.master.articles.plain
    elsewhere = plan.units["load_elsewhere"]
    parts = [
        ("counted_not_loaded", plan.units["load_missing"], story.serial, None),
        ("counted_not_loaded", plan.units["load_mistyped"], story.serial, None),
        ("loaded_not_counted", plan.units["load_mistyped"], story.typed, None),
        ("loaded_twice", plan.units["load_twice"], story.serial, None),
        ("loaded_at_two_sites", elsewhere, story.serial, plan.loaded_elsewhere_at),
    ]
    units = [
        pl.DataFrame(
            {
                "kind": pl.Series([kind] * len(unit), dtype=pl.String),
                "site": codes.gather(story.units.site[unit] if site is None else site),
                "article": articles.gather(story.units.variant[unit]),
                "serial_number": serial.gather(pl.Series(unit).cast(pl.Int64)),
                "stock_type": pl.Series(["01"] * len(unit), dtype=pl.String),
                "quantity": pl.Series([1] * len(unit), dtype=pl.Int64),
            }
        )
        for kind, unit, serial, site in parts
    ]
    legacy = _legacy_differences(story, postings)
    quantities = legacy.select(
        "kind",
        codes.gather(legacy["site"]).alias("site"),
        articles.gather(legacy["article"]).alias("article"),
        pl.lit(None, dtype=pl.String).alias("serial_number"),
        "stock_type",
        pl.col("difference").alias("quantity"),
    )
    return pl.concat([*units, quantities])


def _effects(story: Story) -> pl.DataFrame:
    """Effects of serial numbers: on the logarithm of minutes per unit, and on accuracy, whose level afterwards is what counts found."""
    taken = story.life.counted.filter(pl.col("site") >= CENTRES, pl.col("time") % DAY_SECONDS > DAY_SECONDS // 2).height
    differs = pl.col("kind").is_in([int(Kind.LOSS), int(Kind.GAIN)]) & (pl.col("site") >= CENTRES)
    wrong = story.life.events.filter(differs).height
    accuracy = BULK_COUNT_ERROR - wrong / max(1, taken)
    rows = [*((f"{task.name}_minutes_per_unit", "log", task.effect) for task in TASKS), ("accuracy_share", "level", accuracy)]
    return pl.DataFrame(rows, schema=["measure", "scale", "effect"], orient="row")
