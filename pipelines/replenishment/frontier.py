"""Frontier: what fill rate costs how much stock, policy by policy, as a table and a picture.

Playing a family of policies on the same demand belongs here; the play itself is in policy_simulator.py.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence

import numpy as np
import polars as pl

from pipelines.pictures import new_figure, png_of
from pipelines.replenishment.policy_simulator import Outcome, Supply, Tariff, simulate_policy

__all__ = ["by_class", "frontier", "frontier_plot", "outcome_row"]


def frontier(
    demand: np.ndarray,
    families: Mapping[str, Callable[[float], np.ndarray]],
    settings: Mapping[str, Sequence[float]],
    *,
    supply: Supply,
    tariff: Tariff,
    warm_up: int = 0,
) -> pl.DataFrame:
    """One row per policy and setting: fill, stock, turns, cost, cycle_service over all series, on the same demand.

    A family gives the order-up-to levels for a setting (a ratio, a number of standard deviations, days of cover).
    """
    rows = []
    for name, levels_of in families.items():
        for setting in settings[name]:
            outcome = simulate_policy(demand, levels_of(setting), supply=supply, tariff=tariff, warm_up=warm_up)
            rows.append({"policy_name": name, "setting": float(setting), **outcome_row(outcome)})
    return pl.DataFrame(rows)


def outcome_row(outcome: Outcome, of: np.ndarray | slice = slice(None)) -> dict[str, float]:
    """Totals of an outcome over series: cost and stock a period, fill of all units, turns a period, mean cycle service."""
    met, demand, stock = (float(part[of].sum()) for part in (outcome.met, outcome.demand, outcome.stock))
    return {
        "cost": float(outcome.cost[of].sum()),
        "fill": met / demand if demand else 1.0,
        "stock": stock,
        "turns": met / stock if stock else 0.0,
        "cycle_service": float(outcome.cycle_service[of].mean()) if outcome.cycle_service[of].size else 1.0,
    }


def by_class(outcome: Outcome, hindsight_cost: np.ndarray, classes: Sequence[str]) -> pl.DataFrame:
    """One row per class, and one for all: series, cost, fill, stock, turns, cycle_service, hindsight cost and the regret against it."""
    codes = np.asarray(classes)
    parts = [*((code, codes == code) for code in sorted(set(classes))), ("all", np.ones(len(codes), dtype=bool))]
    rows = []
    for code, of in parts:
        row, best = outcome_row(outcome, of), float(hindsight_cost[of].sum())
        rows.append(
            {"class_code": code, "series": int(of.sum()), **row, "hindsight_cost": best, "regret": row["cost"] / best - 1 if best else 0.0}
        )
    return pl.DataFrame(rows)


def frontier_plot(rows: pl.DataFrame) -> bytes:
    """Fill rate against mean stock, one line per policy, as PNG."""
    figure = new_figure(6, 4)
    axes = figure.add_subplot()
    for (name,), part in rows.sort("policy_name", "stock").group_by("policy_name", maintain_order=True):
        axes.plot(part["stock"], part["fill"] * 100, "o-", markersize=3, label=str(name))
    axes.set_xlabel("units in stock, mean over the days")
    axes.set_ylabel("demand met from stock, %")
    axes.legend(fontsize=7)
    return png_of(figure)
