"""Registry: where models and their cards are kept, and which one is the champion.

Files lie below models/<name>/<version>/, one row per training in the table model_cards. What a card says is not decided here
(pipelines/models/cards.py).
"""

from __future__ import annotations

import hashlib
import json
import os
import shutil
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date
from pathlib import Path
from typing import Any

import polars as pl

from pipelines.contracts import Contract
from pipelines.home import Home
from pipelines.lake import Lake
from pipelines.models.cards import PROMOTED, ModelCard

__all__ = ["CARDS", "Champion", "ModelFiles", "champion", "model_version", "record", "save"]

CARDS = "gold/model_cards"


@dataclass(frozen=True)
class ModelFiles:
    """A fitted model as texts: the trees, and what goes with them as JSON."""

    trees: str
    rest: Mapping[str, Any]

    def texts(self) -> dict[str, str]:
        """Text by file name."""
        return {"model.txt": self.trees, "model.json": json.dumps(dict(self.rest), sort_keys=True)}


@dataclass(frozen=True)
class Champion:
    """The model in use: its card's main facts, and its files."""

    model_version: str
    trained_as_of: date
    params_version: str
    features_version: str
    skill: float
    files: ModelFiles


def model_version(files: ModelFiles, trained_as_of: date, params_version: str) -> str:
    """Name of a model: the day it was trained up to, and the hash of its texts and of the knobs it was judged by."""
    digest = hashlib.sha256("".join([*files.texts().values(), params_version]).encode()).hexdigest()
    return f"{trained_as_of:%Y%m%d}-{digest[:12]}"


def save(home: Home, card: ModelCard, files: ModelFiles) -> Path:
    """Write the model and its card into a folder of their own, whole or not at all. Returns the folder."""
    target = _folder(home, card.model_name, card.model_version)
    if target.exists():
        return target
    target.parent.mkdir(parents=True, exist_ok=True)
    for left_behind in target.parent.glob(".*.new"):
        shutil.rmtree(left_behind, ignore_errors=True)
    building = target.with_name(f".{target.name}.{os.getpid()}.new")
    building.mkdir()
    for name, text in {**files.texts(), "card.md": card.text()}.items():
        (building / name).write_text(text, encoding="utf-8")
    building.replace(target)
    return target


def record(lake: Lake, contract: Contract, card: ModelCard) -> bool:
    """Add the card to the table model_cards, unless it is there. Returns whether it was added."""
    lake.ensure(CARDS, contract.polars_schema)
    return lake.append_batch_once(CARDS, card.row(contract.polars_schema), f"{card.model_name}/{card.model_version}")


def champion(home: Home, lake: Lake, model_name: str) -> Champion | None:
    """The newest promoted model whose files are there and unchanged; None where there is none."""
    if not lake.exists(CARDS):
        return None
    cards = lake.read(CARDS).filter((pl.col("model_name") == model_name) & (pl.col("decision_code") == PROMOTED))
    for card in cards.sort("trained_as_of_date", "trained_at", descending=True).iter_rows(named=True):
        files = _read(_folder(home, model_name, card["model_version"]))
        if files and model_version(files, card["trained_as_of_date"], card["params_version"]) == card["model_version"]:
            return Champion(
                card["model_version"], card["trained_as_of_date"], card["params_version"], card["features_version"], card["skill"], files
            )
    return None


def _folder(home: Home, model_name: str, version: str) -> Path:
    return home.models / model_name / version


def _read(folder: Path) -> ModelFiles | None:
    try:
        trees = (folder / "model.txt").read_text(encoding="utf-8")
        return ModelFiles(trees, json.loads((folder / "model.json").read_text(encoding="utf-8")))
    except (FileNotFoundError, json.JSONDecodeError):
        return None
