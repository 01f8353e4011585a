"""Registry: where models and their cards are kept, and which one is the champion.

Files lie below models/<name>/<version>/ and, compressed, in the lake (artefacts.py); one row per training in the table model_cards.
Which version an alias names is told by aliases.py. What a card says is not decided here (pipelines/models/cards.py).
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
from pipelines.models.aliases import ALIASES, CHALLENGER, CHAMPION, move_alias, standing
from pipelines.models.artefacts import keep_texts, kept_texts
from pipelines.models.cards import ON_TRIAL, PROMOTED, ModelCard

__all__ = ["CARDS", "Champion", "ModelFiles", "challenger", "champion", "model_version", "record", "save", "set_decision"]

CARDS = "gold/model_cards"


@dataclass(frozen=True)
class ModelFiles:
    """A fitted model as texts: the trees, and what goes with them as JSON."""

    trees: str
    rest: Mapping[str, Any]

    def texts(self) -> dict[str, str]:
        """Text by file name."""
        return {"model.txt": self.trees, "model.json": json.dumps(dict(self.rest), sort_keys=True)}

    @classmethod
    def of(cls, texts: Mapping[str, str]) -> ModelFiles | None:
        """The model of its texts; None where one is missing or broken."""
        try:
            return cls(texts["model.txt"], json.loads(texts["model.json"]))
        except (KeyError, json.JSONDecodeError):
            return None


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


def save(home: Home, lake: Lake, card: ModelCard, files: ModelFiles) -> Path:
    """Keep the model's texts in the lake, and write them with the card into a folder, whole or not at all. Returns the folder."""
    keep_texts(lake, card.model_name, card.model_version, files.texts())
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
    is_new = lake.append_batch_once(CARDS, card.row(contract.polars_schema), f"{card.model_name}/{card.model_version}")
    alias = {PROMOTED: CHAMPION, ON_TRIAL: CHALLENGER}.get(card.decision.code)
    # A version that was champion before is not put on trial against itself.
    if alias and not (alias == CHALLENGER and standing(lake, card.model_name, CHAMPION) == card.model_version):
        move_alias(lake, card.model_name, alias, card.model_version, reason=card.decision.reason, now=card.trained_at)
    return is_new


def set_decision(lake: Lake, model_name: str, version: str, code: str, reason: str) -> None:
    """Write down in a version's card what became of its trial."""
    said = reason.replace("'", "''")
    lake.update(
        CARDS,
        f"model_name = '{model_name}' AND model_version = '{version}'",
        {"decision_code": f"'{code}'", "decision_reason": f"'{said}'"},
    )


def champion(home: Home, lake: Lake, model_name: str) -> Champion | None:
    """The model that the alias names; None where there is none, or where its texts are not what they were.

    Before there were aliases, the newest promoted model was the champion, and it still is until an alias moves.
    """
    if not lake.exists(CARDS):
        return None
    cards = lake.read(CARDS).filter(pl.col("model_name") == model_name)
    if lake.exists(ALIASES) and (version := standing(lake, model_name, CHAMPION)):
        return _model(home, lake, cards.filter(pl.col("model_version") == version))
    promoted = cards.filter(pl.col("decision_code") == PROMOTED).sort("trained_as_of_date", "trained_at", descending=True)
    return next((found for row in range(promoted.height) if (found := _model(home, lake, promoted[row]))), None)


def challenger(home: Home, lake: Lake, model_name: str) -> Champion | None:
    """The model on trial; None where there is none."""
    version = standing(lake, model_name, CHALLENGER)
    if version is None:
        return None
    cards = lake.read(CARDS).filter((pl.col("model_name") == model_name) & (pl.col("model_version") == version))
    return _model(home, lake, cards)


def _model(home: Home, lake: Lake, card: pl.DataFrame) -> Champion | None:
    """The model of a card, from its folder, or from the lake where the folder is lost; None where neither is what it was."""
    if card.is_empty():
        return None
    row = card.row(0, named=True)
    name, version = row["model_name"], row["model_version"]
    for texts in (_read(_folder(home, name, version)), kept_texts(lake, name, version)):
        files = ModelFiles.of(texts)
        if files and model_version(files, row["trained_as_of_date"], row["params_version"]) == version:
            return Champion(version, row["trained_as_of_date"], row["params_version"], row["features_version"], row["skill"], files)
    return None


def _folder(home: Home, model_name: str, version: str) -> Path:
    return home.models / model_name / version


def _read(folder: Path) -> dict[str, str]:
    paths = [folder / name for name in ("model.txt", "model.json")]
    return {path.name: path.read_text(encoding="utf-8") for path in paths if path.exists()}
