"""Phrases: what each feature says, in plain English.

A table of patterns of feature names; the first that fits gives the words, and a covariate that no pattern knows is called by its name.
Which features moved a forecast is found in reasons.py.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass

__all__ = ["KINDS", "Phrase", "phrase_of"]

KINDS = ("ratio", "share", "number", "count", "size", "weekday", "mark", "more")
"""How a value is told: a log ratio as '40 % more than', a share in per cent, a number, a whole number, a logarithm as its size, a
day of the week, on or off, more or less."""


@dataclass(frozen=True)
class Phrase:
    """Words around a value, which is told after its kind."""

    kind: str
    before: str
    after: str = ""


_TABLE: Sequence[tuple[str, str, str]] = (
    # pattern of the name; kind; words with {} for the value, {0} {1} for the pattern's groups, <period> for a day or week
    (r"level_log", "size", "sells about {} a <period>"),
    (r"level_([\d.]+)_ratio", "ratio", "sold {} usual over about the last {0} <period>s"),
    (r"mean_1_ratio", "ratio", "sold {} usual in the last <period>"),
    (r"mean_(\d+)_ratio", "ratio", "sold {} usual over the last {0} <period>s"),
    (r"peak_ratio", "ratio", "its best <period> sold {} usual"),
    (r"zero_share(?:_recent)?", "share", "{} of <period>s without a sale"),
    (r"stock_out_share", "share", "out of stock in {} of recent <period>s"),
    (r"variation", "number", "sales that vary by {} times their mean"),
    (r"since_sale", "count", "last sold {} <period>s ago"),
    (r"age", "count", "on sale for {} <period>s"),
    (r"total_trend_(?:short|long)", "ratio", "all series together sell {} before"),
    (r"(\w+)_trend_(?:short|long)", "ratio", "its {0} sells {} before"),
    (r"season_index|season_place_ratio", "ratio", "such <period>s sell {} others"),
    (r"year_ratio_total", "ratio", "a year ago all series sold {} usual at this time"),
    (r"year_ratio", "ratio", "a year ago it sold {} usual at this time"),
    (r"year_level_ratio", "ratio", "a year ago its level was {} now"),
    (r"lead", "count", "{} <period>s ahead"),
    (r"weekday", "weekday", "a {}"),
    (r"day_of_month", "count", "day {} of the month"),
    (r"day_of_year", "count", "day {} of the year"),
    (r"(\w+)_next", "count", "next {0} {} <period>s later"),
    (r"(\w+)_last", "count", "last {0} {} <period>s earlier"),
    (r"(\w+)_of_total", "ratio", "{0} of all series {} usual"),
    (r"(\w+)_of_(\w+)", "ratio", "{0} of its {1} {} usual"),
    (r"(\w+)_past", "number", "{0} was {} away from its mean"),
)
_MARKS: Sequence[tuple[str, str, str]] = (
    (r"(\w+)_ahead", "mark", "{0} {}"),
    (r"(\w+)_change", "more", "{} {0} than usual"),
    (r"(\w+)_of_(\w+)", "more", "{} {0} in its {1} than usual"),
)
_NUMBERS: Sequence[tuple[str, str, str]] = (
    (r"(\w+)_ahead", "ratio", "{0} {} usual"),
    (r"(\w+)_change", "ratio", "{0} {} now"),
)


def phrase_of(feature: str, *, period: str = "day", marks: Sequence[str] = ()) -> Phrase:
    """The words of a feature; `period` is what the panel ticks in, `marks` names covariates that say yes or no or hold 0 for no."""
    is_mark = any(re.fullmatch(rf"{re.escape(mark)}_(?:ahead|change|of_\w+)", feature) for mark in marks)
    for pattern, kind, words in (*(_MARKS if is_mark else ()), *_TABLE, *_NUMBERS):
        found = re.fullmatch(pattern, feature)
        if found:
            return _filled(kind, words, [_plain(group) for group in found.groups()], period)
    return Phrase("number", f"{_plain(feature)} ")


def _filled(kind: str, words: str, groups: Sequence[str], period: str) -> Phrase:
    for position, group in enumerate(groups):
        words = words.replace(f"{{{position}}}", group)
    before, after = words.replace("<period>", period).split("{}")
    return Phrase(kind, before, after)


def _plain(name: str) -> str:
    """is_holiday -> holiday, campaign_discount_pct -> campaign discount, article_id -> article."""
    return re.sub(r"^is_|_(?:id|code|name|pct|eur)$", "", name).replace("_", " ")
