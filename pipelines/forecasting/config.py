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

_TREE_RANGES = {
    "iterations": (1, 100_000), "learning_rate": (1e-6, 1), "leaves": (2, 100_000), "minimum_leaf_rows": (1, 10_000_000),
    "feature_share": (0.01, 1), "row_share": (0.01, 1), "penalty": (0, 1e9), "variance_power": (1, 1.99), "maximum_bins": (2, 65_535),
    "maximum_rows": (1, 1_000_000_000), "maximum_origins": (1, 100_000), "shrinkage": (0, 1),
}  # fmt: skip

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
    if not isinstance(trees, Mapping):
        raise PanelError(f"{where}: trees is {trees!r}; give keys and values, such as iterations: 100")
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
    for name in ("horizon", "cutoffs", "cutoff_step", "validation_cutoffs", "season_length", "minimum_history", "threads"):
        value = getattr(config, name)
        if value is not None and not _is_whole(value, 1):
            raise PanelError(f"{where}: {name} is {value!r}; give a whole number from 1 on")
    for name in ("year_length", "seed"):
        value = getattr(config, name)
        if value is not None and not _is_whole(value, 0):
            raise PanelError(f"{where}: {name} is {value!r}; give a whole number from 0 on")
    _quantiles_must_fit(config.quantiles, where)
    _names_must_fit(config, where)
    _trees_must_fit(config.trees, where)


def _names_must_fit(config: ForecastConfig, where: str) -> None:
    for name in ("static", "known", "past", "models"):
        value = getattr(config, name)
        if value is not None and not _are_texts(value):
            raise PanelError(f"{where}: {name} is {value!r}; it has to be a list of names")
    if not isinstance(config.hierarchy, list) or not all(isinstance(level, str) or _are_texts(level) for level in config.hierarchy):
        raise PanelError(f"{where}: hierarchy is {config.hierarchy!r}; it has to be a list of names, or of lists of names")
    for name in ("price", "effects_by"):
        if not isinstance(getattr(config, name), str | None):
            raise PanelError(f"{where}: {name} is {getattr(config, name)!r}; give the name of a column")
    if not isinstance(config.write_forecasts, bool):
        raise PanelError(f"{where}: write_forecasts is {config.write_forecasts!r}; give true or false")


def _trees_must_fit(trees: TreeConfig, where: str) -> None:
    for entry in fields(TreeConfig):
        value, (least, most) = getattr(trees, entry.name), _TREE_RANGES[entry.name]
        is_number = (
            _is_whole(value, 0) if isinstance(entry.default, int) else isinstance(value, int | float) and not isinstance(value, bool)
        )
        if not is_number or not least <= value <= most:
            kind = "a whole number" if isinstance(entry.default, int) else "a number"
            raise PanelError(f"{where}: trees: {entry.name} is {value!r}; give {kind} from {least:g} to {most:g}")


def _quantiles_must_fit(quantiles: object, where: str) -> None:
    is_list = isinstance(quantiles, list) and all(isinstance(q, int | float) and not isinstance(q, bool) for q in quantiles)
    if not is_list or not quantiles or any(not 0 < q < 1 for q in quantiles) or sorted(set(quantiles)) != list(quantiles):
        raise PanelError(
            f"{where}: quantiles is {quantiles!r}; give a list of numbers that lie between 0 and 1 and rise, such as [0.5, 0.9]"
        )
    if len({round(q * 100) for q in quantiles} - {0, 100}) < len(quantiles):
        raise PanelError(f"{where}: quantiles {quantiles!r} have to differ by whole hundredths from each other, from 0 and from 1")


def _is_whole(value: object, least: int) -> bool:
    return isinstance(value, int) and not isinstance(value, bool) and value >= least


def _are_texts(value: object) -> bool:
    return isinstance(value, list) and all(isinstance(name, str) for name in value)
