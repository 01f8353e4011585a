"""Trees: one LightGBM for all series per block of lead times, started from the level and what a regression makes of it.

The trees learn only by what to multiply (tweedie mean), from features that know no scale. The same panel, knobs and
seed give the same model. Nothing else of this package imports lightgbm.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from functools import cached_property
from typing import Any

import numpy as np
import polars as pl

from pipelines.forecasting.config import ForecastConfig
from pipelines.forecasting.features import FeatureMaker
from pipelines.forecasting.regression import LevelRegression, fit_regression

__all__ = ["LeadBlock", "TreeModel", "fit_trees", "lead_blocks", "training_rows"]


_LEAST_BLOCK_ROWS = 100
"""Fewer rows than this teach nothing about a block of lead times."""
_LEAST_SHARE = 0.2


@dataclass(frozen=True)
class LeadBlock:
    """What serves the leads from `first` to `last`: the regression, and the trees as LightGBM's text."""

    first: int
    last: int
    regression: LevelRegression
    text: str

    @cached_property
    def booster(self):
        """The trees as LightGBM has them."""
        import lightgbm  # noqa: PLC0415 - three seconds that only training and scoring pay

        return lightgbm.Booster(model_str=self.text)


@dataclass(frozen=True)
class TreeModel:
    """All blocks of lead times, the features they read, how many rows they were fitted on, and the share of correction believed."""

    blocks: Sequence[LeadBlock]
    features: Sequence[str]
    rows: int
    shrinkage: float

    def predict(self, maker: FeatureMaker, origin: int, horizon: int) -> tuple[np.ndarray, np.ndarray]:
        """Units by series and lead, of the regression alone and of the trees upon it; not a number for series without history."""
        level = maker.level(origin)
        history = maker.history(origin)[1]
        straight = np.full((maker.panel.series, horizon), np.nan)
        corrected = straight.copy()
        alive = maker.is_alive(origin)
        for lead in range(1, horizon + 1):
            block = next(block for block in self.blocks if lead <= block.last)
            matrix = maker.rows(origin, lead, history)[alive]
            start = np.log(level[alive]) + block.regression.correction(matrix)
            straight[alive, lead - 1] = np.exp(start)
            corrected[alive, lead - 1] = np.exp(start + self.shrinkage * block.booster.predict(matrix, raw_score=True, num_threads=1))
        return straight, corrected

    def contributions(
        self, maker: FeatureMaker, origin: int, lead: int, rows: np.ndarray, is_by_trees: np.ndarray
    ) -> tuple[np.ndarray, np.ndarray]:
        """Per row (a series) and feature: what it adds to the logarithm of the level; the features' values.

        It is the regression's part, and TreeSHAP's where trees have their say (`is_by_trees`, one value per row).
        """
        block = next(block for block in self.blocks if lead <= block.last)
        matrix = maker.rows(origin, lead, maker.history(origin)[1])[rows]
        added = np.zeros(matrix.shape)
        if is_by_trees.any():
            told = block.booster.predict(matrix[is_by_trees], pred_contrib=True, num_threads=1)
            added[is_by_trees] = told[:, : len(self.features)] * self.shrinkage
        added[:, block.regression.columns] += block.regression.parts(matrix)
        return added, matrix

    def importance(self) -> pl.DataFrame:
        """One row per feature: share of the total gain of its splits over all blocks, largest first."""
        gain = np.sum([block.booster.feature_importance("gain") for block in self.blocks], axis=0)
        share = gain / gain.sum() if gain.sum() else gain
        return pl.DataFrame({"feature": list(self.features), "gain_share": share}).sort("gain_share", "feature", descending=[True, False])

    def as_texts(self) -> dict[str, Any]:
        """All of it as texts and numbers that JSON can hold."""
        blocks = [
            {
                "first": block.first, "last": block.last, "text": block.text, "columns": list(block.regression.columns),
                "coefficients": block.regression.coefficients.tolist(), "scales": block.regression.scales.tolist(),
            }
            for block in self.blocks
        ]  # fmt: skip
        return {"blocks": blocks, "features": list(self.features), "rows": self.rows, "shrinkage": self.shrinkage}

    @staticmethod
    def of_texts(kept: Mapping[str, Any]) -> TreeModel:
        """The model that as_texts gave."""
        blocks = [
            LeadBlock(
                b["first"], b["last"], LevelRegression(b["columns"], np.array(b["coefficients"]), np.array(b["scales"])), b["text"]
            )
            for b in kept["blocks"]
        ]  # fmt: skip
        return TreeModel(blocks, kept["features"], kept["rows"], kept["shrinkage"])


def lead_blocks(horizon: int, season: int) -> list[tuple[int, int]]:
    """First and last lead of each block: whole seasons, at least four leads, at most four blocks."""
    length = max(season, 4, -(-horizon // 4))
    length = -(-length // season) * season
    return [(first, min(first + length - 1, horizon)) for first in range(1, horizon + 1, length)]


def fit_trees(maker: FeatureMaker, origin: int, horizon: int, config: ForecastConfig) -> TreeModel:
    """Fit on rows whose target periods all lie at or before the end of the origin period."""
    names = maker.names()

    def fitted(leads: tuple[int, int]) -> tuple[LeadBlock, int]:
        first, last = leads
        matrix, y, level = training_rows(maker, origin, range(first, last + 1), config, len(names))
        # Where the history is too young to show so long a lead time, a shorter one stands for it.
        nearer = first
        while len(y) < _LEAST_BLOCK_ROWS and nearer > 1:
            nearer = max(1, nearer - (last - first + 1))
            matrix, y, level = training_rows(maker, origin, range(nearer, nearer + last - first + 1), config, len(names))
        regression = fit_regression(matrix, maker.start_columns(names), y, level)
        start = np.log(level) + regression.correction(matrix)
        return LeadBlock(first, last, regression, _fit(matrix, y, start, names, config)), len(y)

    maker.prepare()
    with ThreadPoolExecutor(config.threads) as pool:
        blocks = list(pool.map(fitted, lead_blocks(horizon, maker.panel.frequency.season_length)))
    return TreeModel([block for block, _ in blocks], names, sum(rows for _, rows in blocks), config.trees.shrinkage)


def training_rows(
    maker: FeatureMaker, origin: int, leads: Sequence[int], config: ForecastConfig, columns: int
) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Matrix, demand and level of the rows that earlier origins give; beyond maximum_rows a seeded sample, drawn before any is made."""
    frequency = maker.panel.frequency
    oldest = max(2, origin - (2 * frequency.year_length or origin))
    origins = np.arange(origin - leads[0], oldest - 1, -1)
    if len(origins) > config.trees.maximum_origins:
        step = -(-len(origins) // config.trees.maximum_origins)
        # A step of whole seasons would show one weekday only.
        step += step % frequency.season_length == 0 and frequency.season_length > 1
        origins = origins[::step]
    pairs = [(int(o), lead) for o in origins for lead in leads if o + lead <= origin]
    usable = {(o, lead): np.flatnonzero(maker.is_alive(o) & np.isfinite(maker.demand[:, o + lead])) for o, lead in pairs}
    generator = np.random.default_rng(config.seed)
    share = min(1.0, config.trees.maximum_rows / max(sum(map(len, usable.values())), 1))
    if share < _LEAST_SHARE:
        # Features are made for all series at once: fewer pairs of origin and lead cost less than few series of each.
        kept = sorted(generator.choice(len(pairs), max(1, int(len(pairs) * share / _LEAST_SHARE)), replace=False))
        usable = {pairs[k]: usable[pairs[k]] for k in kept}
        share = min(1.0, config.trees.maximum_rows / max(sum(map(len, usable.values())), 1))
    matrix = np.empty((sum(int(len(rows) * share) for rows in usable.values()), columns), dtype=np.float32)
    y, level = np.empty(len(matrix)), np.empty(len(matrix))
    filled, history, at = 0, None, None
    for (o, lead), every in usable.items():
        rows = every if share == 1 else np.sort(generator.choice(every, int(len(every) * share), replace=False))
        if at != o:
            history, levels, at = maker.history(o)[1], maker.level(o), o
        here = slice(filled, filled + len(rows))
        matrix[here] = maker.rows(o, lead, history)[rows]
        y[here], level[here] = maker.demand[rows, o + lead], levels[rows]
        filled += len(rows)
    return matrix[:filled], y[:filled], level[:filled]


def _fit(matrix: np.ndarray, y: np.ndarray, start: np.ndarray, names: Sequence[str], config: ForecastConfig) -> str:
    import lightgbm  # noqa: PLC0415 - see above

    knobs = config.trees
    fixed = {
        "objective": "tweedie",
        "tweedie_variance_power": knobs.variance_power,
        "learning_rate": knobs.learning_rate,
        "num_leaves": knobs.leaves,
        "min_data_in_leaf": knobs.minimum_leaf_rows,
        "feature_fraction": knobs.feature_share,
        "bagging_fraction": knobs.row_share,
        "bagging_freq": 1,
        "lambda_l2": knobs.penalty,
        "max_bin": knobs.maximum_bins,
        "seed": config.seed,
        # Two threads inside one fit wait for each other by spinning: on a busy machine 8 times slower than one (measured). Fits run side
        # by side instead, which also makes the model the same on any number of threads.
        "num_threads": 1,
        "deterministic": True,
        "force_row_wise": True,
        "boost_from_average": False,
        "verbosity": -1,
    }
    data = lightgbm.Dataset(matrix, label=y, init_score=start, feature_name=list(names), params=fixed, free_raw_data=True)
    return lightgbm.train(fixed, data, num_boost_round=knobs.iterations).model_to_string()
