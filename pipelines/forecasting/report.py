"""Report: a backtest as one HTML page that needs nothing else, for people."""

from __future__ import annotations

import base64
from html import escape

import polars as pl

from pipelines.forecasting.backtest import Backtest
from pipelines.forecasting.pictures import coverage_picture, effects_picture, fan_picture, segment_picture
from pipelines.forecasting.summary import accuracy, by_level, by_segment, quantiles_held, serving

__all__ = ["report_page"]

_STYLE = """body{font:15px/1.5 sans-serif;max-width:70rem;margin:2rem auto;padding:0 1rem;color:#222}
table{border-collapse:collapse;margin:1rem 0}td,th{padding:.2rem .7rem;border-bottom:1px solid #ddd;text-align:right}
td:first-child,th:first-child{text-align:left}img{max-width:100%}"""


def report_page(found: Backtest, effects: pl.DataFrame, quantiles: list[float]) -> str:
    """The page as HTML, with its pictures inside."""
    panel = found.panel
    intro = (
        f"{panel.series:,} series, {panel.frequency.name}, {panel.observed:,} observed periods to {panel.ds[panel.observed - 1]}; "
        f"horizon {panel.frequency.horizon}; cut-offs {', '.join(str(panel.ds[c]) for c in found.cutoffs)}."
    )
    parts = [
        f"<h1>Backtest of demand</h1><p>{escape(intro)}</p>",
        "<ul>" + "".join(f"<li>{escape(note)}</li>" for note in found.notes) + "</ul>" if found.notes else "",
        "<h2>Accuracy on held-back time</h2>", _table(accuracy(found)),
        "<h2>By segment</h2>", _table(by_segment(found)), _picture(segment_picture(found), "accuracy by segment"),
        "<h2>Quantiles</h2>", _table(quantiles_held(found)),
        _picture(coverage_picture(found, quantiles), "share held against share asked for"),
        "<h2>Forecast against actual, newest cut-off, largest series</h2>", _picture(fan_picture(found, quantiles), "forecast fan"),
        "<h2>By level</h2>", _table(by_level(found)),
        "<h2>What served at the newest cut-off</h2>", _table(serving(found)),
        _table(found.champions.filter(pl.col("cutoff") == found.champions["cutoff"].max()).drop("cutoff")),
    ]  # fmt: skip
    if effects.height:
        parts += ["<h2>What known-ahead marks did to demand</h2>", _table(effects), _picture(effects_picture(effects), "effects")]
    if found.importance is not None:
        parts += ["<h2>What the trees look at</h2>", _table(found.importance.head(20))]
    parts += ["<h2>Seconds by stage</h2>", _table(found.timings)]
    head = f"<meta charset='utf-8'><title>Backtest of demand</title><style>{_STYLE}</style>"
    return f"<!doctype html><html lang='en'>{head}{''.join(parts)}</html>"


def _table(frame: pl.DataFrame) -> str:
    head = "".join(f"<th>{escape(name.replace('_', ' '))}</th>" for name in frame.columns)
    body = "".join("<tr>" + "".join(f"<td>{_cell(value)}</td>" for value in row) + "</tr>" for row in frame.iter_rows())
    return f"<table><thead><tr>{head}</tr></thead><tbody>{body}</tbody></table>"


def _cell(value: object) -> str:
    if isinstance(value, float):
        return f"{value:,.3f}"
    return f"{value:,}" if isinstance(value, int) else "" if value is None else escape(str(value))


def _picture(png: bytes, title: str) -> str:
    return f"<img alt='{escape(title)}' src='data:image/png;base64,{base64.b64encode(png).decode()}'>"
