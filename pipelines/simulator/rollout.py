"""Roll-out: what the project that brings serial numbers to the stores plans, measures, and what it finds.

Besides the simulated stores there are as many that wait for their wave, eight at least (W101 and following): their goods are in the
legacy system alone, so that they deliver counts and task times and nothing else. Planted, and told in the truth: serial numbers cut
the minutes a unit takes to receive by 20 % and to count by 40 % and leave transfers as they were; a bulk count is wrong for 4.5 % of the
book quantity. Early waves work faster from the start, everybody slows down a little week by week, and every week has a chance of its
own: a comparison of before with after, or of live with waiting sites, misleads. The feeds are in feeds_rollout.py.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import polars as pl

from pipelines.simulator.master import CENTRES, NEVER
from pipelines.simulator.story import Story

__all__ = ["BASELINE_DAYS", "BULK_COUNT_ERROR", "TASKS", "Taking", "Task", "bulk_counts", "take_part", "task_times"]

BASELINE_DAYS = 56
"""Days before the horizon over which the project measured all stores."""
BULK_COUNT_ERROR = 0.045
_COUNT_EVERY = 7
_ARTICLES_PER_COUNT = 24


@dataclass(frozen=True)
class Task:
    """A task of the stores: minutes per unit in bulk, units on a day, share of days on which it is done, and what serial numbers change.

    `effect` is the natural logarithm of the factor on the minutes.
    """

    name: str
    minutes: float
    units: int
    frequency: float
    effect: float


TASKS = (
    Task("receipt", 0.9, 18, 0.5, float(np.log(0.8))),
    Task("transfer", 0.6, 8, 0.8, 0.0),
    Task("count", 0.25, 40, 0.4, float(np.log(0.6))),
)


@dataclass(frozen=True)
class Taking:
    """One entry per site of the plan: centres, simulated stores, waiting stores. Days count from the start of the horizon."""

    code: pl.Series
    wave: np.ndarray
    planned: np.ndarray
    go_live: np.ndarray
    size: np.ndarray

    @property
    def stores(self) -> np.ndarray:
        """Positions of the stores."""
        return np.arange(CENTRES, len(self.code))


def take_part(story: Story) -> Taking:
    """The plan: waves by day of go-live; the last simulated store went live two days late, the waiting ones have two waves ahead."""
    config, sites = story.config, story.master.sites
    waiting = max(8, config.stores)
    first = config.days + 14
    ahead = first + 14 * (np.arange(waiting) * 2 // waiting)
    planned = np.concatenate([sites.go_live, ahead])
    wave = np.unique(planned, return_inverse=True)[1] + 1
    last = np.flatnonzero(sites.go_live == sites.go_live.max())[-1]
    planned[last] -= 2 if sites.go_live[last] > 2 else 0
    rng = config.rng("waiting")
    return Taking(
        code=pl.concat([sites.code, pl.Series([f"W{101 + k}" for k in range(waiting)])]),
        wave=wave,
        planned=planned,
        go_live=np.concatenate([sites.go_live, np.full(waiting, NEVER)]),
        size=np.concatenate([sites.size, rng.uniform(0.5, 1.6, waiting)]),
    )


def task_times(story: Story, taking: Taking) -> pl.DataFrame:
    """One row per store, day and task that was done: site, day, task, units, minutes."""
    rng = story.config.rng("task_times")
    days = np.arange(-BASELINE_DAYS, story.config.days)
    site, day, task = (grid.ravel() for grid in np.meshgrid(taking.stores, days, np.arange(len(TASKS)), indexing="ij"))
    frequency, base, units, effect = (np.array([getattr(t, name) for t in TASKS]) for name in ("frequency", "minutes", "units", "effect"))
    week = (day + BASELINE_DAYS) // 7
    count = len(taking.code)
    early = np.clip(6 - taking.wave, 0, 5) * -0.03
    of_site = early[:, None] + rng.normal(0, 0.12, (count, len(TASKS)))
    of_week = 0.004 * np.arange(week.max() + 1)[:, None] + rng.normal(0, 0.03, (week.max() + 1, len(TASKS)))
    of_both = rng.normal(0, 0.05, (count, week.max() + 1, len(TASKS)))
    size = np.maximum(1, rng.poisson(units[task] * taking.size[site]))
    logarithm = of_site[site, task] + of_week[week, task] + of_both[site, week, task] + rng.normal(0, 0.12, len(site))
    logarithm += np.where(day >= taking.go_live[site], effect[task], 0.0)
    done = rng.random(len(site)) < frequency[task]
    minutes = np.round(size * base[task] * np.exp(logarithm) * 100).astype(np.int64)
    return pl.DataFrame({"site": site, "day": day, "task": task, "units": size, "hundredths": minutes}).filter(pl.Series(done))


def bulk_counts(story: Story, taking: Taking) -> pl.DataFrame:
    """One row per article in a weekly count of a store until three days before its go-live: site, day, article, book, counted.

    Every unit of the book is wrong with the same chance; all errors of one line point the same way, more often down.
    """
    rng = story.config.rng("bulk_counts")
    days = np.arange(-BASELINE_DAYS, story.config.days)
    site, day = (grid.ravel() for grid in np.meshgrid(taking.stores, days, indexing="ij"))
    counts = ((day + BASELINE_DAYS) % _COUNT_EVERY == site % _COUNT_EVERY) & (day < taking.go_live[site] - 3)
    site, day = site[counts], day[counts]
    variants = story.master.articles.variants
    shown = min(_ARTICLES_PER_COUNT, variants)
    first = (day + BASELINE_DAYS) // _COUNT_EVERY * shown
    article = (first[:, None] + np.arange(shown)) % variants
    site, day, article = np.repeat(site, shown), np.repeat(day, shown), article.ravel()
    book = 1 + rng.poisson(11 * taking.size[site])
    rate = (
        BULK_COUNT_ERROR
        + rng.normal(0, 0.006, len(taking.code))[site]
        + rng.normal(0, 0.004, day.max(initial=0) + BASELINE_DAYS + 1)[day + BASELINE_DAYS]
    )
    wrong = rng.binomial(book, np.clip(rate, 0, 1)) * np.where(rng.random(len(site)) < 0.7, -1, 1)
    return pl.DataFrame({"site": site, "day": day, "article": article, "book": book, "counted": book + wrong})
