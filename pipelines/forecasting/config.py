"""Config: what a person may say about a panel and how it is to be judged; every key may be left out.

Reading, refusing what is not known, and the defaults belong here. What a key means stands in FORECASTING.md.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, fields, replace
from pathlib import Path
from typing import Any

import yaml

from pipelines.forecasting.errors import PanelError
from pipelines.forecasting.frequency import FREQUENCIES

__all__ = ["QUANTILES", "ForecastConfig", "TreeConfig", "config_of", "read_config"]

QUANTILES = (0.05, 0.1, 0.25, 0.5, 0.75, 0.9, 0.95)


@dataclass(frozen=True)
class TreeConfig:
    """Knobs of the trees; `shrinkage` is the share of their correction of the level that is believed."""

    iterations: int = 100
    learning_rate: float = 0.06
    leaves: int = 31
    minimum_leaf_rows: int = 100
    feature_share: float = 0.7
    row_share: float = 0.7
    penalty: float = 10.0
    variance_power: float = 1.5
    maximum_bins: int = 127
    maximum_rows: int = 150_000
    maximum_origins: int = 52
    shrinkage: float = 1.0


@dataclass(frozen=True)
class ForecastConfig:
    """How a panel is read, forecast and judged; None means: inferred from the panel, or the frequency's own."""

    frequency: str | None = None
    season_length: int | None = None
    year_length: int | None = None
    horizon: int | None = None
    cutoffs: int = 4
    cutoff_step: int | None = None
    validation_cutoffs: int | None = None
    minimum_history: int | None = None
    gaps: str | None = None
    static: list[str] | None = None
    known: list[str] | None = None
    past: list[str] | None = None
    price: str | None = None
    hierarchy: list[str | list[str]] = field(default_factory=list)
    quantiles: list[float] = field(default_factory=lambda: list(QUANTILES))
    models: list[str] | None = None
    effects_by: str | None = None
    seed: int = 20260302
    threads: int = 2
    write_forecasts: bool = True
    trees: TreeConfig = field(default_factory=TreeConfig)


def read_config(path: Path | None) -> ForecastConfig:
    """The configuration that a YAML file holds; an empty or absent one is all defaults. Raises PanelError for what does not fit."""
    if path is None:
        return ForecastConfig()
    if not path.exists():
        raise PanelError(f"{path}: no such file; give a YAML file, or leave --config out")
    try:
        document = yaml.safe_load(path.read_text(encoding="utf-8")) or {}
    except yaml.YAMLError as error:
        raise PanelError(f"{path}: not YAML ({error})") from error
    if not isinstance(document, Mapping):
        raise PanelError(f"{path}: holds {type(document).__name__}, not keys and values")
    return config_of(document, str(path))


def config_of(document: Mapping[str, Any], where: str = "the configuration") -> ForecastConfig:
    """The configuration that these keys and values say. Raises PanelError naming keys that are unknown and values that do not fit."""
    document = dict(document)
    trees = document.pop("trees", None) or {}
    _must_know(document, ForecastConfig, where)
    _must_know(trees, TreeConfig, f"{where}, trees")
    config = replace(ForecastConfig(**document), trees=TreeConfig(**trees))
    _must_fit(config, where)
    return config


def _must_know(keys: Mapping[str, Any], kind: type, where: str) -> None:
    known = {entry.name for entry in fields(kind)}
    unknown = sorted(set(keys) - known)
    if unknown:
        raise PanelError(f"{where}: unknown keys {', '.join(map(str, unknown))}; those that are known: {', '.join(sorted(known))}")


def _must_fit(config: ForecastConfig, where: str) -> None:
    if config.frequency is not None and config.frequency not in FREQUENCIES:
        raise PanelError(f"{where}: frequency {config.frequency!r} is not one of {', '.join(FREQUENCIES)}")
    if config.gaps not in {None, "zero", "unknown"}:
        raise PanelError(f"{where}: gaps {config.gaps!r} is neither zero nor unknown")
    for name in ("horizon", "cutoffs", "cutoff_step", "validation_cutoffs", "season_length", "minimum_history"):
        value = getattr(config, name)
        if value is not None and (not isinstance(value, int) or value < 1):
            raise PanelError(f"{where}: {name} is {value!r}; give a whole number from 1 on")
    if not config.quantiles or any(not 0 < q < 1 for q in config.quantiles) or sorted(set(config.quantiles)) != list(config.quantiles):
        raise PanelError(f"{where}: quantiles {config.quantiles} have to lie between 0 and 1 and to rise")
    for name in ("static", "known", "past", "hierarchy", "models"):
        if not isinstance(getattr(config, name), list | None):
            raise PanelError(f"{where}: {name} has to be a list of names")
