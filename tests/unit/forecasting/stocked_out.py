"""Series under an (s, S) policy with lost sales, whose true demand is known."""

from datetime import date, timedelta

import numpy as np
import polars as pl

FIRST_DAY = date(2026, 1, 5)
WEEKDAYS = np.array([0.7, 0.8, 0.9, 1.0, 1.2, 1.5, 0.9])


def stocked_out_panel(rate: float, *, seed: int, series: int = 300, days: int = 364, dispersion: float = 0.0, growth: float = 0.0):
    """A panel with sales, stock-outs and true demand; `rate` is units a day, weekdays and a campaign move it, growth is that of the end."""
    rng = np.random.default_rng(seed)
    article, site, day = np.arange(series) % 20, np.arange(series) // 20, np.arange(days)
    rates = rate * rng.gamma(4, 0.25, 20)[article] * rng.gamma(8, 1 / 8, 15)[site] * rng.gamma(10, 0.1, series)
    campaign = day % 40 < 7
    mean = rates[:, None] * WEEKDAYS[day % 7] * np.where(campaign, 1.8, 1.0) * (1 + growth * day / days)
    demand = rng.poisson(mean * (rng.gamma(1 / dispersion, dispersion, mean.shape) if dispersion else 1.0))
    sold, out = _sales_under_policy(demand, rates)
    return pl.DataFrame(
        {
            "unique_id": np.repeat([f"A{a}/S{s}" for a, s in zip(article, site, strict=True)], days),
            "article_id": np.repeat(article, days),
            "site_id": np.repeat(site, days),
            "ds": [FIRST_DAY + timedelta(days=int(d)) for d in day] * series,
            "is_campaign": np.tile(campaign, series),
            "y": sold.ravel().astype(float),
            "is_stock_out": out.ravel(),
            "demand": demand.ravel(),
            "rate": np.repeat(rates, days),
        }
    )


def _sales_under_policy(demand: np.ndarray, rates: np.ndarray, *, cover: int = 10, lead: int = 4) -> tuple[np.ndarray, np.ndarray]:
    """Units sold, and whether a day closes without stock: order up to 10 days' demand when 4 days' are left, delivered 4 days later."""
    series, days = demand.shape
    reorder = np.round(rates * lead).astype(int)
    order_up_to = np.maximum(reorder + 1, np.round(rates * cover).astype(int))
    stock, on_order = order_up_to.copy(), np.zeros(series, dtype=int)
    arriving = np.zeros((series, days + lead + 1), dtype=int)
    sold, out = np.zeros_like(demand), np.zeros(demand.shape, dtype=bool)
    for day in range(days):
        stock, on_order = stock + arriving[:, day], on_order - arriving[:, day]
        sold[:, day] = np.minimum(stock, demand[:, day])
        stock = stock - sold[:, day]
        out[:, day] = stock == 0
        order = np.where(stock + on_order <= reorder, order_up_to - stock - on_order, 0)
        arriving[:, day + lead] += order
        on_order = on_order + order
    return sold, out
