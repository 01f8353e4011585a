"""Small panels and case tables for tests of features and models."""

from __future__ import annotations

from datetime import date, datetime, timedelta

import numpy as np
import polars as pl

FIRST_DAY = date(2026, 1, 5)


def weekly_panel(*, series: int = 12, days: int = 120, seed: int = 5) -> pl.DataFrame:
    """Poisson demand with a strong weekday pattern and series of different size; a Monday is the first day."""
    rng = np.random.default_rng(seed)
    weekday = np.array([0.5, 0.6, 0.8, 1.0, 1.4, 2.0, 0.7])
    frames = []
    for number in range(series):
        level = 0.5 * (number + 1)
        frames.append(
            pl.DataFrame(
                {
                    "unique_id": f"A{number % 4}/S{number // 4}",
                    "article_id": f"A{number % 4}",
                    "site_id": f"S{number // 4}",
                    "ds": [FIRST_DAY + timedelta(days=day) for day in range(days)],
                    "y": rng.poisson(level * weekday[np.arange(days) % 7]).astype(float),
                }
            )
        )
    return pl.concat(frames)


def sale_cases(*, cases: int = 3000, days: int = 120, seed: int = 5) -> pl.DataFrame:
    """Sales of which every fifth customer brings back 40 %, all others 4 %, a week later."""
    rng = np.random.default_rng(seed)
    start = datetime(2026, 1, 5)
    sold_at = np.sort(rng.integers(0, days * 86_400, cases))
    customer = rng.integers(0, 60, cases)
    back = rng.random(cases) < np.where(customer % 5 == 0, 0.4, 0.04)
    end = start + timedelta(days=days)
    moments = [start + timedelta(seconds=int(second)) for second in sold_at]
    returned = [m + timedelta(days=7) if b and m + timedelta(days=7) < end else None for m, b in zip(moments, back, strict=True)]
    return pl.DataFrame(
        {
            "case_id": [f"C{number:05d}" for number in range(cases)],
            "article_id": [f"A{number % 7}" for number in range(cases)],
            "site_id": [f"S{number % 3}" for number in range(cases)],
            "customer_id": [f"K{number}" for number in customer],
            "sold_at": moments,
            "returned_at": pl.Series(returned, dtype=pl.Datetime("us")),
            "observed_until_at": end,
        }
    )
