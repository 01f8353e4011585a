"""Cards: the columns of `serials` for units that were folded anew, by the expressions of the night's own SQL.

What the night makes of the ledger's state, and of the few tables that are at hand, is made so now. What it takes from elsewhere
(equipment, packing, warranty) stays as the night had it.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping

from pipelines.contracts import Contract
from pipelines.intraday.base import Base
from pipelines.warehouse import Connection

__all__ = ["make_cards"]

_MODEL = "serials"
_ALIAS = re.compile(r"\b([a-z_]+)\.[a-z_]+")
_TEXT = re.compile(r"'(?:[^']|'')*'")


def make_cards(connection: Connection, base: Base, contract: Contract, states: str) -> None:
    """Table `after_units`: one row per touched unit that has a state, in the columns of the contract; needs before_units and trusted."""
    base.create_views(connection, ["stock_types", "movement_types", "valuation_types"])
    beside = {
        "articles": f"left join {base.gold('articles')} as articles on states.article_id = articles.article_id",
        "trusted": "left join trusted on states.article_id = trusted.article_id and states.site_id = trusted.site_id",
        "stock_types": _seed(base, "stock_types", "states.stock_type_code = stock_types.stock_type_code"),
        "movement_types": _seed(base, "movement_types", _MAIN_LINE),
        "valuation_types": _seed(base, "valuation_types", "upper(states.valuation_type) = valuation_types.valuation_type"),
        "typed": f"left join {base.gold('article_values')} as typed on {_VALUED.format('typed')} and {_TYPED}",
        "whole": f"left join {base.gold('article_values')} as whole on {_VALUED.format('whole')} and whole.valuation_type is null",
    }
    before = {name for (name, *_) in connection.execute("describe before_units").fetchall()}
    told = _expressions(base.models.by_name[_MODEL].sql)
    columns = ", ".join(f"cast({_told(c.name, told, beside, before)} as {c.physical_type}) as {c.name}" for c in contract.columns)
    connection.execute(f"""
        create table after_units as
        select {columns}
        from {states} as states
        semi join touched_units on states.article_id = touched_units.article_id and states.serial_number = touched_units.serial_number
        left join before_units as before on states.article_id = before.article_id and states.serial_number = before.serial_number
        {" ".join(beside.values())}
    """)


_MAIN_LINE = "states.last_movement_type = movement_types.movement_type and movement_types.line_role = 'main'"
_VALUED = "states.article_id = {0}.article_id and states.site_id = {0}.valuation_area_id"
_TYPED = "upper(states.valuation_type) = typed.valuation_type"


def _seed(base: Base, name: str, condition: str) -> str:
    return f"left join {base.models.by_name[name].relation} as {name} on {condition}"


def _told(name: str, told: Mapping[str, str], beside: Mapping[str, str], before: set[str]) -> str:
    """The night's expression where all that it reads is at hand, else what the night found; nothing for a unit that it did not know."""
    expression = told.get(name)
    if expression and set(_ALIAS.findall(_TEXT.sub("", expression))) <= {"states", *beside}:
        return expression
    if name == "category_code":
        return "coalesce(before.category_code, 'S')"
    return f"before.{name}" if name in before else "null"


def _expressions(sql: str) -> dict[str, str]:
    """Expressions of a model's last SELECT by the name of their column."""
    bare = re.sub(r"^\s*--.*$", "", sql, flags=re.MULTILINE)
    selected = bare[bare.rindex("\nselect\n") + len("\nselect\n") :]
    found = {}
    for part in _parts(selected[: selected.index("\nfrom ")]):
        expression, _, name = part.rpartition(" as ")
        if expression and name.isidentifier():
            found[name] = expression
        else:
            found[part.rsplit(".", 1)[-1]] = part
    return found


def _parts(selected: str) -> Iterator[str]:
    """What stands between commas that are in no parentheses and in no text."""
    depth, begin = 0, 0
    masked = _TEXT.sub(lambda text: "_" * len(text[0]), selected)
    for at, sign in enumerate(masked):
        depth += (sign == "(") - (sign == ")")
        if sign == "," and not depth:
            yield selected[begin:at].strip()
            begin = at + 1
    yield selected[begin:].strip()
