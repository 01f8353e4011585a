"""Templates: an empty spreadsheet for one kind of delivery, made from its contract.

What a template holds belongs here: columns, instructions, rules that Excel enforces. Reading a filled one does not
(pipelines/sources/workbooks.py). See pipelines/sources/SPREADSHEETS.md.
"""

from __future__ import annotations

import csv
from collections.abc import Mapping
from datetime import datetime
from io import StringIO
from pathlib import Path
from typing import Any

import xlsxwriter

from pipelines.contracts import Column, Contract
from pipelines.sources.workbooks import DATA_SHEET

__all__ = ["TemplateError", "template_kinds", "write_template"]

_LIVE = frozenset(("tryton", "s4"))
"""Systems that are read live, and by no person."""
_ROWS = 10_000
"""Rows that Excel's rules reach over; more may be filled in."""
_LIST_CHARACTERS = 255
"""Characters that Excel allows for the words of a drop-down list."""
_EXAMPLES = {"DATE": "2026-03-02", "TIMESTAMP": "2026-03-02T09:15:00Z", "BOOLEAN": "true", "INTEGER": "1", "BIGINT": "1", "DOUBLE": "1.5"}


class TemplateError(ValueError):
    """A template that cannot be written; the message says why and what there is."""


def template_kinds(contracts: Mapping[str, Contract]) -> dict[str, Contract]:
    """Contracts that a person may fill by hand, by kind: those whose files are CSV."""
    return {
        table: c
        for table, c in contracts.items()
        if c.custom("reader") in ("csv", "tabular") and c.landing_pattern and c.system not in _LIVE
    }


def write_template(contracts: Mapping[str, Contract], kind: str, out: Path) -> Contract:
    """Write the template, Excel or CSV by the file's name, and return its contract. Raises TemplateError."""
    kinds = template_kinds(contracts)
    if kind not in kinds:
        raise TemplateError(f"No kind is called {kind}; there is {', '.join(sorted(kinds))}.")
    if out.suffix.lower() == ".csv":
        text = StringIO()
        csv.writer(text, lineterminator="\n").writerow(column.name for column in kinds[kind].columns)
        out.write_text(text.getvalue(), encoding="utf-8")
    elif out.suffix.lower() == ".xlsx":
        _workbook(kinds[kind], out)
    else:
        raise TemplateError(f"{out.name} is neither .xlsx nor .csv.")
    return kinds[kind]


def _workbook(contract: Contract, out: Path) -> None:
    with xlsxwriter.Workbook(str(out)) as book:
        # The same contract gives the same bytes.
        book.set_properties({"title": contract.description, "created": datetime(2026, 1, 1)})
        data, told = book.add_worksheet(DATA_SHEET), book.add_worksheet("Instructions")
        head, needed, text = (
            book.add_format({"bold": True}),
            book.add_format({"bold": True, "bg_color": "#FFE699"}),
            book.add_format({"num_format": "@"}),
        )
        data.freeze_panes(1, 0)
        for at, column in enumerate(contract.columns):
            data.set_column(at, at, max(12, len(column.name) + 2), text)
            data.write_string(0, at, column.name, needed if column.required else head)
            data.write_comment(0, at, column.description)
            if rule := _rule(column):
                data.data_validation(1, at, _ROWS, at, rule)
        told.set_column(0, 0, 28)
        told.set_column(5, 5, 90)
        for row, line in enumerate(_instructions(contract)):
            told.write_row(row, 0, line, head if row in (0, 4) else None)


def _instructions(contract: Contract) -> list[list[str]]:
    pattern = (contract.landing_pattern or "").replace(".csv", ".xlsx")
    lines = [
        [contract.description],
        [f"Fill the sheet {DATA_SHEET}, one line for each: {contract.grain} Yellow columns must be filled. Leave the first line as it is."],
        [f"Save it under a name that fits landing/{pattern}, for example {pattern.replace('*', '_20260302')}."],
        ["A line that cannot be taken comes back in outbox/rejected/, with the reason beside it: correct it there and deliver that file."],
        ["column", "must be filled", "form", "characters at most", "example", "what it is"],
    ]
    for column in contract.columns:
        codes = ", ".join(f"{code} {text}".strip() for code, text in (column.codes or {}).items())
        described = f"{column.description} {codes}".strip()
        lines.append(
            [column.name, "yes" if column.required else "", column.physical_type, str(column.max_length or ""), _example(column), described]
        )
    return lines


def _example(column: Column) -> str:
    if column.codes:
        return next(iter(column.codes))
    return _EXAMPLES.get(column.physical_type, "12.50" if column.physical_type.startswith("DECIMAL") else "")


def _rule(column: Column) -> dict[str, Any] | None:
    """What Excel refuses while somebody types; all of it is judged again when the file is read."""
    told = {"error_title": column.name[:32], "input_message": column.description[:250], "ignore_blank": not column.required}
    if column.codes and len(",".join(column.codes)) <= _LIST_CHARACTERS:
        return {"validate": "list", "source": list(column.codes), "error_message": "Choose one of the list.", **told}
    if column.max_length:
        most = column.max_length
        return {"validate": "length", "criteria": "<=", "value": most, "error_message": f"At most {most} characters.", **told}
    return None
