"""Commands: `serialake model list`, `rollback` and `verify`, their options and what they print.

Reading options and showing the outcome belong here; moving an alias and training again do not (aliases.py, trials.py).
"""

from __future__ import annotations

from datetime import UTC, datetime
from typing import TYPE_CHECKING, Annotated

import typer
from rich.console import Console

from pipelines.home import Home

if TYPE_CHECKING:
    import polars as pl

__all__ = ["model_app"]

model_app = typer.Typer(no_args_is_help=True, help="Look at the versions of a model, go back to an earlier one, or train one again.")
_out = Console()
_err = Console(stderr=True)
_SHOWN = ["model_name", "model_version", "alias_name", "decision_code", "skill", "trained_as_of_date", "decision_reason"]
_Name = Annotated[str, typer.Argument(help="demand or returns.")]


@model_app.command("list")
def list_models(name: Annotated[str | None, typer.Argument(help="demand or returns; default: all.")] = None) -> None:
    """Show every version with its alias, decision and skill."""
    from pipelines.summary import show_rows  # noqa: PLC0415 - a command imports what it needs

    cards = _cards(name).sort("model_name", "trained_at").select(_SHOWN)
    show_rows(_out, "Models", cards.with_columns(cards["skill"].round(3)))


@model_app.command("rollback")
def roll_back_model(
    name: _Name, to: Annotated[str | None, typer.Option("--to", help="Version; default: the champion before the present one.")] = None
) -> None:
    """Let an earlier version be the champion again; the next run scores with it."""
    from pipelines.contracts import published_contracts  # noqa: PLC0415
    from pipelines.lake import Lake  # noqa: PLC0415
    from pipelines.models.aliases import AliasError  # noqa: PLC0415
    from pipelines.models.trials import roll_back  # noqa: PLC0415
    from pipelines.publish import publish_scores  # noqa: PLC0415

    _cards(name)
    home, now = Home.from_environment(), datetime.now(UTC).replace(tzinfo=None)
    with home.writer_lock():
        lake = Lake(home.lake)
        try:
            version = roll_back(lake, name, to=to, now=now)
        except AliasError as error:
            _fail(str(error))
        publish_scores(home, lake, published_contracts(), ["model_cards"], now=now)
    _out.print(f"{name}: champion is {version}; `serialake run` scores with it")


@model_app.command("verify")
def verify_model(
    name: _Name, version: Annotated[str | None, typer.Option("--version", help="Version; default: the champion.")] = None
) -> None:
    """Train a version again from its card, on the data it names, and compare the texts."""
    from pipelines.lake import Lake  # noqa: PLC0415
    from pipelines.models.trials import train_again  # noqa: PLC0415
    from pipelines.models.use_cases import USE_CASES  # noqa: PLC0415
    from pipelines.params import read_params  # noqa: PLC0415

    cards = _cards(name)
    chosen = cards.filter(cards["model_version"] == version if version else cards["alias_name"] == "champion")
    if chosen.is_empty():
        _fail(f"{name}: no version {version or 'is champion'}; `serialake model list` shows the versions there are")
    card = chosen.row(0, named=True)
    with _out.status(f"Training {name} {card['model_version']} again"):
        told, found = train_again(Lake(Home.from_environment().lake), USE_CASES[name], card, read_params())
    if told != found:
        _fail(f"{name} {card['model_version']}: trained again gives another model (sha256 {found}, the card says {told})")
    _out.print(f"{name} {card['model_version']}: trained again gives the same texts (sha256 {told})", soft_wrap=True)


def _cards(name: str | None) -> pl.DataFrame:
    """The cards of a model, or of all; ends the command where there are none."""
    import polars as pl  # noqa: PLC0415

    from pipelines.contracts import published_contracts  # noqa: PLC0415
    from pipelines.lake import Lake  # noqa: PLC0415
    from pipelines.models.registry import CARDS  # noqa: PLC0415

    lake = Lake(Home.from_environment().lake)
    cards = pl.DataFrame(schema=published_contracts()["model_cards"].polars_schema)
    if lake.exists(CARDS):
        # Cards of an older release lack the newer columns.
        cards = pl.concat([cards, lake.read(CARDS)], how="diagonal_relaxed")
    found = cards if name is None else cards.filter(pl.col("model_name") == name)
    if found.is_empty():
        _fail(f"No training of {name or 'any model'} in {Home.from_environment().root} yet: serialake run (or set SERIALAKE_HOME)")
    return found


def _fail(message: str) -> None:
    _err.print(message, soft_wrap=True, markup=False)
    raise typer.Exit(1)
