"""Command: `serialake recall`, its options and what it prints.

Reading options and showing an answer belong here; the answer does not (recalling.py). See RECALL.md.
"""

from __future__ import annotations

from datetime import UTC, datetime
from pathlib import Path
from typing import Annotated

import typer
from rich.console import Console

from pipelines.home import Home

__all__ = ["recall"]

_out = Console()
_err = Console(stderr=True)


def recall(
    where: Annotated[str | None, typer.Option("--where", help="SQL condition on units; a wrong column answers with all there are.")] = None,
    serials: Annotated[Path | None, typer.Option("--serials", help="File of serial numbers, one a line; alone or beside --where.")] = None,
    notice: Annotated[str | None, typer.Option("--notice", help="Number of a delivered recall notice, instead of --where.")] = None,
    name: Annotated[str | None, typer.Option("--name", help="Name of the recall and of its folder; default: the notice's number.")] = None,
) -> None:
    """Find all units of a recall, by place and customer, and write units, contacts and stock blocks into outbox/recalls/."""
    from pipelines.contracts import published_contracts  # noqa: PLC0415 - a command imports what it needs
    from pipelines.lake import Lake  # noqa: PLC0415
    from pipelines.recall.condition import RecallError  # noqa: PLC0415
    from pipelines.recall.recalling import recall_units  # noqa: PLC0415
    from pipelines.recall.requests import requested, requested_by_notice  # noqa: PLC0415
    from pipelines.recall.shown import show_recall  # noqa: PLC0415

    home = Home.from_environment()
    if not home.published.exists():
        _fail(f"Nothing is published in {home.root} yet: serialake run (or set SERIALAKE_HOME)")
    if (where is None and serials is None) == (notice is None):
        _fail("Give --where, --serials or both, or else --notice; for example --where \"supplier_id = '100011'\"")
    lake = Lake(home.prepare().lake)
    with home.writer_lock():
        try:
            request = requested_by_notice(lake, notice, name=name) if notice is not None else requested(where, serials=serials, name=name)
            done = recall_units(home, lake, published_contracts(), request, now=datetime.now(UTC).replace(tzinfo=None))
        except RecallError as error:
            _fail(str(error))
    show_recall(_out, done)


def _fail(message: str) -> None:
    _err.print(message, style="red", soft_wrap=True, markup=False)
    raise typer.Exit(1)
