"""Calibration: by how much the ratio of theory has to be moved, class by class, so that simulated cost is lowest.

Trying ratios on a validation window belongs here; the play is policy_simulator.py's. Theory knows neither how wrong the forecast is in its
tail nor that lost demand is not ordered again: measured on intermittent parts, the ratio alone moves cost by 9 to 26 %.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence

import numpy as np
import polars as pl

from pipelines.replenishment.policy_simulator import Supply, Tariff, simulate_policy

__all__ = ["calibrated_shifts"]


def calibrated_shifts(
    demand: np.ndarray,
    classes: Sequence[str],
    levels_at: Callable[[float], np.ndarray],
    shifts: Sequence[float],
    *,
    supply: Supply,
    tariff: Tariff,
    asked_fill: np.ndarray | None = None,
    minimum_series: int = 1,
    warm_up: int = 0,
) -> pl.DataFrame:
    """One row per class: `ratio_shift` (on the scale of logits), its simulated cost and fill, and the cost without a shift.

    `levels_at` gives order-up-to levels that broadcast to the demand [series, paths, periods] for a shift. With `asked_fill` per series,
    the smallest shift whose fill rate over the class is what is asked counts, and not the cheapest. A class of fewer series takes the
    shift of all series together. Of shifts that cost no more than the cheapest, within one standard error over the series, the one nearest
    to none is taken: a few lucky weeks are no reason to leave theory.
    """
    nearest_first = sorted(shifts, key=lambda shift: (abs(shift), shift))
    outcomes = [simulate_policy(demand, levels_at(shift), supply=supply, tariff=tariff, warm_up=warm_up) for shift in nearest_first]
    codes = np.asarray(classes)
    everyone = np.ones(len(codes), dtype=bool)

    def chosen(of: np.ndarray) -> int:
        if asked_fill is None:
            costs = np.stack([outcome.cost[of] for outcome in outcomes])
            more = costs - costs[costs.sum(axis=1).argmin()]
            return int(np.argmax(more.sum(axis=1) <= np.sqrt(costs.shape[1]) * more.std(axis=1)))
        demanded = outcomes[0].demand[of]
        asked = float((asked_fill[of] * demanded).sum() / max(demanded.sum(), 1e-12))
        fills = np.array([outcome.met[of].sum() / max(demanded.sum(), 1e-12) for outcome in outcomes])
        enough = np.flatnonzero(fills >= asked)
        order = np.argsort(nearest_first)
        return int(order[np.isin(order, enough)][0]) if enough.size else int(order[-1])

    overall = chosen(everyone)
    rows = []
    for code in sorted(set(classes)):
        of = codes == code
        best = chosen(of) if of.sum() >= minimum_series else overall
        costs = [float(outcomes[n].cost[of].sum()) for n in (best, 0)]
        met, wanted = (float(part[of].sum()) for part in (outcomes[best].met, outcomes[best].demand))
        rows.append(
            {
                "class_code": code,
                "series": int(of.sum()),
                "ratio_shift": float(nearest_first[best]),
                "cost": costs[0],
                "cost_unshifted": costs[1],
                "fill": met / wanted if wanted else 1.0,
            }
        )
    schema = {"class_code": pl.String, "series": pl.Int64, "ratio_shift": pl.Float64, "cost": pl.Float64,
              "cost_unshifted": pl.Float64, "fill": pl.Float64}  # fmt: skip
    return pl.DataFrame(rows, schema=schema)
