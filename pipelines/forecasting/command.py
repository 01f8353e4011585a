"""Command: `serialake backtest demand`, the door through which anybody's panel comes; it needs no code.

Reads the panel and the configuration, writes what the backtest found into a folder, and prints a summary.
"""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer
from rich.console import Console
from rich.table import Table

from pipelines.forecasting.errors import PanelError

__all__ = ["backtest_app"]

backtest_app = typer.Typer(no_args_is_help=True, help="Judge a forecast on past cut-offs of a panel of your own.")
_out = Console()
_err = Console(stderr=True)


@backtest_app.callback()
def _backtest() -> None:
    """Judge a forecast on past cut-offs of a panel of your own."""


@backtest_app.command()
def demand(
    panel: Annotated[Path, typer.Option(help="Parquet file with columns unique_id, ds, y, and any covariates.")],
    out: Annotated[Path, typer.Option(help="Folder for metrics, forecasts and the page with pictures.")],
    config: Annotated[Path | None, typer.Option(help="YAML file; every key may be left out, and so may the file.")] = None,
) -> None:
    """Forecast a panel from past cut-offs with all models, judge them, and write metrics, forecasts with quantiles, and a page."""
    from pipelines.forecasting.config import read_config  # noqa: PLC0415 - a command imports what it needs
    from pipelines.progress import listening  # noqa: PLC0415
    from pipelines.progress_bar import progress_bar  # noqa: PLC0415

    try:
        settings = read_config(config)
        with progress_bar(_err) as advance, listening(advance):
            found, effects = run_backtest(panel, settings, out)
    except PanelError as error:
        _err.print(str(error), style="red", soft_wrap=True, markup=False)
        raise typer.Exit(1) from error
    _show(found, effects)
    _out.print(f"Written to {out}: {', '.join(sorted(path.name for path in out.iterdir()))}", soft_wrap=True, markup=False)


def run_backtest(path: Path, config, out: Path):
    """Backtest the panel of a Parquet file and write the folder. Returns what was found and the measured effects of marks."""
    from pipelines.forecasting.backtest import backtest  # noqa: PLC0415 - a command imports what it needs
    from pipelines.forecasting.effects import measured_effects  # noqa: PLC0415
    from pipelines.forecasting.panel import read_panel  # noqa: PLC0415
    from pipelines.forecasting.report import report_page  # noqa: PLC0415

    found = backtest(read_panel(path, config), config)
    effects = measured_effects(found.panel, config.effects_by, seed=config.seed)
    out.mkdir(parents=True, exist_ok=True)
    found.metrics.write_parquet(out / "metrics.parquet")
    found.metrics.write_csv(out / "metrics.csv", float_precision=5)
    if config.write_forecasts:
        found.forecasts.write_parquet(out / "forecasts.parquet")
    found.timings.write_csv(out / "timings.csv")
    found.champions.write_csv(out / "champions.csv", float_precision=5)
    if effects.height:
        effects.write_csv(out / "effects.csv", float_precision=4)
    (out / "report.html").write_text(report_page(found, effects, config.quantiles), encoding="utf-8")
    return found, effects


def _show(found, effects) -> None:
    from pipelines.forecasting.summary import accuracy, by_segment, quantiles_held, serving  # noqa: PLC0415

    panel = found.panel
    _out.print(
        f"{panel.series:,} series, {panel.frequency.name}, {panel.observed:,} periods to {panel.ds[panel.observed - 1]}; horizon "
        f"{panel.frequency.horizon}, {len(found.cutoffs)} cut-offs from {panel.ds[found.cutoffs[0]]} to {panel.ds[found.cutoffs[-1]]}",
        soft_wrap=True, markup=False,
    )  # fmt: skip
    for note in found.notes:
        _out.print(f"- {note}", soft_wrap=True, markup=False)
    for title, frame in (
        ("Accuracy on held-back time", accuracy(found)),
        ("Quantiles", quantiles_held(found)),
        ("By segment", by_segment(found)),
        ("What served at the newest cut-off", serving(found)),
        ("What known-ahead marks did to demand", effects),
        ("Seconds by stage", found.timings),
    ):
        if frame.height:
            _out.print(_table(title, frame))


def _table(title: str, frame) -> Table:
    table = Table(title=title, title_justify="left")
    for name in frame.columns:
        is_text = not frame.schema[name].is_numeric()
        table.add_column(name.replace("_", " "), justify="left" if is_text else "right", no_wrap=is_text)
    for row in frame.iter_rows():
        table.add_row(
            *("" if v is None else f"{v:,.3f}" if isinstance(v, float) else f"{v:,}" if isinstance(v, int) else str(v) for v in row)
        )
    return table
