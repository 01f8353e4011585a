"""Planning feed: what the retailer's planners keep in a file: packs of accessories, displays of the first variant and the first store."""

from __future__ import annotations

import numpy as np
import polars as pl

from pipelines.simulator.master import CENTRES
from pipelines.simulator.shaping import conform, dated_files
from pipelines.simulator.story import Story

__all__ = ["stock_rules_feed"]

ACCESSORY_PACK, FIRST_DISPLAY, FIRST_CAPACITY = 10, 3, 40


def stock_rules_feed(story: Story) -> pl.DataFrame:
    """The feed planning/stock_rules, delivered once: a row per accessory, one of the first variant, one of the first store."""
    articles = story.master.articles
    accessories = articles.padded.slice(articles.variants)
    count = len(accessories)
    columns = {
        "article_number": pl.concat([accessories, articles.padded.head(1), pl.Series([None], dtype=pl.String)]),
        "site": pl.concat([pl.Series([None] * (count + 1), dtype=pl.String), story.master.sites.code.slice(CENTRES, 1)]),
        "display_units": pl.Series([None] * count + [FIRST_DISPLAY, 2], dtype=pl.Int32),
        "pack_units": pl.Series([ACCESSORY_PACK] * count + [None, None], dtype=pl.Int32),
        "capacity_units": pl.Series([None] * count + [FIRST_CAPACITY, None], dtype=pl.Int32),
        "holding_pct_per_year": pl.Series([None] * (count + 1) + ["35.000"]).cast(pl.Decimal(15, 3)),
    }
    first = np.zeros(count + 2, dtype=np.int64)
    files = dated_files(story.start, "planning/stock_rules_", first, suffix=".csv", days=story.config.days)
    return conform("planning/stock_rules", columns, files)
