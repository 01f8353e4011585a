"""Workbooks: the rows of a filled spreadsheet become the bytes of a CSV file, which is then read like any other.

Opening Excel files, and what a cell says, belong here; columns and values are judged as in csv_files.py. No formula is
evaluated, no macro is run, no link is followed: of a formula, the value that was saved with it counts.
"""

from __future__ import annotations

import csv
import zipfile
from datetime import date, datetime, time
from io import StringIO
from pathlib import Path
from typing import Any

from python_calamine import CalamineError, CalamineWorkbook

__all__ = ["DATA_SHEET", "UnreadableWorkbook", "csv_of_workbook", "is_workbook"]

DATA_SHEET = "Data"
"""The sheet that is read; a workbook without it is read from its first sheet."""
_MOST_UNPACKED, _MOST_TIMES, _ALWAYS_FINE = 1024**3, 200, 32 * 1024**2
"""Bytes that a workbook may unpack to, how many times its size, and the bytes up to which that does not matter."""
_MOST_CELLS = 20_000_000


class UnreadableWorkbook(Exception):
    """A workbook that cannot be read: reason code, and a sentence that says what to do."""

    def __init__(self, code: str, problem: str) -> None:
        """Keep the code and word the sentence."""
        super().__init__(f"{problem}; save it as an Excel workbook (.xlsx) without a password and deliver it again.")
        self.code = code


def is_workbook(name: str | Path) -> bool:
    """Whether a file is a workbook, by its name."""
    return str(name).lower().endswith(".xlsx")


def csv_of_workbook(path: Path) -> bytes:
    """Rows of the sheet as CSV in UTF-8, line by line as the sheet numbers them. Raises UnreadableWorkbook."""
    _check_size(path)
    try:
        workbook = CalamineWorkbook.from_path(str(path))
        names = workbook.sheet_names
        if not names:
            raise UnreadableWorkbook("malformed_workbook", "The workbook has no sheet")
        sheet = workbook.get_sheet_by_name(DATA_SHEET if DATA_SHEET in names else names[0])
        if sheet.total_height * sheet.total_width > _MOST_CELLS:
            cells = sheet.total_height * sheet.total_width
            raise UnreadableWorkbook("too_large", f"The sheet reaches over {cells:,} cells, more than {_MOST_CELLS:,}: deliver it as CSV")
        rows = sheet.to_python(skip_empty_area=False)
    except (CalamineError, OSError, ValueError, KeyError) as error:
        raise UnreadableWorkbook("malformed_workbook", "The workbook is damaged or protected by a password") from error
    text = StringIO()
    csv.writer(text, lineterminator="\n").writerows([_text(cell) for cell in row] for row in _trimmed(rows))
    return text.getvalue().encode("utf-8", "replace")


def _trimmed(rows: list[list[Any]]) -> list[list[Any]]:
    """The rows without columns to the right of the header, which hold formats and remarks."""
    header = next((row for row in rows if any(cell not in ("", None) for cell in row)), [])
    width = max((at for at, cell in enumerate(header, 1) if cell not in ("", None)), default=0)
    return [row[:width] if any(cell not in ("", None) for cell in row[:width]) else [] for row in rows]


def _check_size(path: Path) -> None:
    """Refuse what would unpack to far more than it is, before it is unpacked."""
    try:
        with zipfile.ZipFile(path) as packed:
            unpacked = sum(entry.file_size for entry in packed.infolist())
    except (zipfile.BadZipFile, OSError, ValueError, NotImplementedError) as error:
        raise UnreadableWorkbook(
            "malformed_workbook", "The file is no workbook: damaged, protected by a password, or of an old format"
        ) from error
    if unpacked > _MOST_UNPACKED or unpacked > max(_ALWAYS_FINE, _MOST_TIMES * path.stat().st_size):
        raise UnreadableWorkbook("too_large", f"The workbook would unpack to {unpacked:,} bytes, so it was not unpacked")


def _text(cell: Any) -> str:
    """What a cell says: days and moments in ISO form, whole numbers without a fraction."""
    if isinstance(cell, bool):
        return str(cell).lower()
    if isinstance(cell, float):
        return str(int(cell)) if cell.is_integer() and abs(cell) < 1e15 else repr(cell)
    if isinstance(cell, datetime):
        return cell.date().isoformat() if cell.time() == time() else cell.isoformat()
    if isinstance(cell, date | time):
        return cell.isoformat()
    return " ".join(str(cell).splitlines()) if cell is not None else ""
