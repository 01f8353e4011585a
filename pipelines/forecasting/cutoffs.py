"""Cut-offs: at the end of which periods a panel is forecast to be judged."""

from __future__ import annotations

from pipelines.forecasting.config import ForecastConfig
from pipelines.forecasting.frequency import Frequency

__all__ = ["cutoff_periods"]


def cutoff_periods(observed: int, frequency: Frequency, config: ForecastConfig) -> list[int]:
    """Origins of the test, oldest first; the newest lies one horizon before the last observed period. Empty where too few are observed."""
    step = config.cutoff_step or max(1, frequency.horizon // 4)
    newest = observed - 1 - frequency.horizon
    cutoffs = [newest - n * step for n in reversed(range(config.cutoffs))]
    return [cutoff for cutoff in cutoffs if cutoff >= max(4, min(frequency.minimum_history, observed // 2) - 1)]
