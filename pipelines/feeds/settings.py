"""Settings of a feed: the one YAML file that a user edits, read and refused where it does not fit.

Reading the file belongs here; what its keys mean stands beside them in peoplesoft.yaml. A copy below SERIALAKE_HOME goes before the
shipped one, and its presence turns the nightly feed on.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date
from pathlib import Path
from typing import Any

import yaml

from pipelines.home import Home

__all__ = ["KINDS", "FeedSettings", "FeedSettingsError", "Message", "parse_settings", "read_settings", "settings_file"]

KINDS = {"inventory_adjustment": "IA", "purchase_order_receipt": "PR", "journal": "JL"}
"""Kinds of files, each with the beginning of its keys."""

_SHIPPED = Path(__file__).with_name("peoplesoft.yaml")
_VALUATIONS = ("purchase_order", "standard_price")


class FeedSettingsError(ValueError):
    """A settings file that cannot be used; the message names the file, the key and the remedy."""


@dataclass(frozen=True)
class Message:
    """Names of one XML message: its root, its three records, and the fields of each with the column or constant they take."""

    name: str
    header_record: str
    header: Mapping[str, str]
    line_record: str
    line: Mapping[str, str]
    serial_record: str
    serial: Mapping[str, str]


@dataclass(frozen=True)
class FeedSettings:
    """A settings file, parsed; `text` is the file itself, kept beside what was sent by it."""

    text: str
    first_day: date | None
    correction_days: int
    overdue_after_days: int
    default_business_unit: str
    business_units: Mapping[str, str]
    kinds: tuple[str, ...]
    purchase_order_receipt_types: tuple[str, ...]
    valuation: tuple[str, ...]
    base_currency: str
    ledger_group: str
    ledger: str
    journal_source: str
    stock_account: str
    default_offset_account: str
    offset_accounts: Mapping[str, str]
    messages: Mapping[str, Message]


def settings_file(home: Home) -> Path | None:
    """The user's settings file, or None where there is none: then no night writes the feed."""
    path = home.root / "feeds" / "peoplesoft.yaml"
    return path if path.is_file() else None


def read_settings(home: Home) -> FeedSettings:
    """The user's settings, or those that are shipped. Raises FeedSettingsError."""
    path = settings_file(home) or _SHIPPED
    return parse_settings(path.read_text(encoding="utf-8"), name=str(path))


def parse_settings(text: str, *, name: str = "the settings") -> FeedSettings:
    """Settings of a text in YAML. Raises FeedSettingsError that names what is wrong."""
    try:
        found = yaml.safe_load(text)
    except yaml.YAMLError as error:
        raise FeedSettingsError(f"{name} is no YAML: {error}") from error
    if not isinstance(found, dict):
        raise FeedSettingsError(f"{name} holds no settings; copy pipelines/feeds/peoplesoft.yaml and edit it")
    try:
        settings = _settings(found, text)
    except (KeyError, TypeError, AttributeError) as error:
        raise FeedSettingsError(
            f"{name}: the key {error} is missing or not of the form shown in pipelines/feeds/peoplesoft.yaml"
        ) from error
    if problems := [*_problems(settings), *_foreign_columns(settings)]:
        raise FeedSettingsError(f"{name}: {'; '.join(problems)}")
    return settings


def _settings(found: Mapping[str, Any], text: str) -> FeedSettings:
    units, journal = found["business_units"], found["journal"]
    return FeedSettings(
        text=text,
        first_day=found.get("first_day"),
        correction_days=found["correction_days"],
        overdue_after_days=found["overdue_after_days"],
        default_business_unit=units["default"],
        business_units=units.get("by_site") or {},
        kinds=tuple(found["kinds"]),
        purchase_order_receipt_types=tuple(found["purchase_order_receipt_types"]),
        valuation=tuple(found["valuation"]),
        base_currency=found["base_currency"],
        ledger_group=journal["ledger_group"],
        ledger=journal["ledger"],
        journal_source=journal["source"],
        stock_account=journal["stock_account"],
        default_offset_account=journal["offset_accounts"]["default"],
        offset_accounts=journal["offset_accounts"].get("by_movement_type") or {},
        messages={kind: Message(**message) for kind, message in found["messages"].items()},
    )


def _problems(settings: FeedSettings) -> list[str]:
    codes = {
        "business_units": [settings.default_business_unit, *settings.business_units, *settings.business_units.values()],
        "journal": [settings.stock_account, settings.default_offset_account, *settings.offset_accounts, *settings.offset_accounts.values()],
        "purchase_order_receipt_types": settings.purchase_order_receipt_types,
    }
    problems = [
        f"{key} has {value!r}, which is no text: put it in quotes"
        for key, values in codes.items()
        for value in values
        if not isinstance(value, str)
    ]
    if settings.first_day is not None and not isinstance(settings.first_day, date):
        problems.append("first_day is no day: write it as 2026-03-02")
    numbers = {key: getattr(settings, key) for key in ("correction_days", "overdue_after_days")}
    problems += [f"{key} is no number of days" for key, value in numbers.items() if not isinstance(value, int) or value < 0]
    if foreign := [kind for kind in settings.kinds if kind not in KINDS]:
        problems.append(f"kinds has {', '.join(map(str, foreign))}; there is {', '.join(KINDS)}")
    if foreign := [way for way in settings.valuation if way not in _VALUATIONS]:
        problems.append(f"valuation has {', '.join(map(str, foreign))}; there is {', '.join(_VALUATIONS)}")
    return problems + [f"messages lacks {kind}" for kind in settings.kinds if kind != "journal" and kind not in settings.messages]


def _foreign_columns(settings: FeedSettings) -> list[str]:
    from pipelines.feeds.messages import HEADER_COLUMNS, LINE_COLUMNS  # noqa: PLC0415 - they know settings

    allowed = {"header": HEADER_COLUMNS, "line": LINE_COLUMNS, "serial": (*LINE_COLUMNS, "serial_number")}
    return [
        f"{message.name} takes {field} from {column!r}, which is no column; there is {', '.join(columns)}, or a constant as '=EA'"
        for message in settings.messages.values()
        for part, columns in allowed.items()
        for field, column in getattr(message, part).items()
        if not str(column).startswith("=") and column not in columns
    ]
