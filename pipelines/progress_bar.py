"""Progress bar: shows how far a long step is, on the terminal.

Drawing belongs here; steps report through pipelines/progress.py.
"""

from __future__ import annotations

import os
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, SpinnerColumn, TextColumn, TimeElapsedColumn

__all__ = ["progress_bar", "quiet_output"]

_WORDS = {
    "simulate": "Simulating (files)",
    "start": "Loading definitions",
    "ingest": "Extracting (files)",
    "contracts": "Checking contracts (tables)",
    "dbt": "Building facts (models and tests)",
    "publish": "Publishing (tables)",
    "train demand": "Training and judging the demand model",
    "train returns": "Training and judging the returns model",
    "backtest demand": "Forecasting from past cut-offs",
    "score demand": "Forecasting demand",
    "score returns": "Scoring open returns",
    "judge forecasts": "Judging earlier forecasts",
    "replenish": "Setting stock targets",
}


@contextmanager
def progress_bar(console: Console) -> Iterator[Callable[[str, int, int | None], None]]:
    """Yield a function `advance(stage, done, total)` that draws one line per stage."""
    terminal = Console(file=os.fdopen(os.dup(console.file.fileno()), "w"), force_terminal=console.is_terminal, width=console.width)
    columns = (SpinnerColumn(), TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn(), TimeElapsedColumn())
    tasks: dict[str, int] = {}
    with Progress(*columns, console=terminal, refresh_per_second=4) as progress:

        def advance(stage: str, done: int, total: int | None) -> None:
            if stage not in tasks:
                for earlier in tasks.values():
                    progress.stop_task(earlier)
                tasks[stage] = progress.add_task(_WORDS.get(stage, stage), total=total)
            progress.update(tasks[stage], completed=done, total=total)

        yield advance


@contextmanager
def quiet_output(log: Path) -> Iterator[None]:
    """Send what this process and those it starts print to a log file until the block ends."""
    sys.stdout.flush()
    sys.stderr.flush()
    kept = os.dup(1), os.dup(2)
    with log.open("w", encoding="utf-8") as stream:
        os.dup2(stream.fileno(), 1)
        os.dup2(stream.fileno(), 2)
        try:
            yield
        finally:
            sys.stdout.flush()
            sys.stderr.flush()
            os.dup2(kept[0], 1)
            os.dup2(kept[1], 2)
            os.close(kept[0])
            os.close(kept[1])
