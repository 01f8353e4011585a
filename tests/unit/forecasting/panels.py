"""Panels with known properties for the tests of forecasting."""

from datetime import date, timedelta

import numpy as np
import polars as pl


def weekly_panel(series: int = 40, weeks: int = 80, seed: int = 3, promotions: bool = False) -> pl.DataFrame:
    """Poisson demand around levels from 0.3 to 40; with promotions, a feature known ahead doubles it (store by article)."""
    generator = np.random.default_rng(seed)
    level = np.exp(np.linspace(np.log(0.3), np.log(40), series))
    feature = (generator.random((series, weeks)) < 0.2).astype(float)
    season = 1 + 0.3 * np.sin(np.arange(weeks) / 52 * 2 * np.pi)
    mean = level[:, None] * season[None, :] * (2.0**feature if promotions else 1.0)
    y = generator.poisson(mean).astype(float)
    ids = [f"s{n:03d}" for n in range(series)]
    frame = pl.DataFrame(
        {
            "unique_id": np.repeat(ids, weeks),
            "ds": [date(2024, 1, 1) + timedelta(weeks=w) for w in range(weeks)] * series,
            "y": y.ravel(),
            "category": np.repeat([f"c{n % 3}" for n in range(series)], weeks),
        }
    )
    return frame.with_columns(pl.Series("feature", feature.ravel())) if promotions else frame
