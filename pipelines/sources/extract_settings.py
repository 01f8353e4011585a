"""Extract settings: how one delivering system writes its tables, as one YAML file of the user.

Reading and checking these files belongs here; applying them to values does not (formats.py).
The keys are explained in SAP_TABLES.md, section "Settings"; the files are contracts/*.extracts.yaml below SERIALAKE_HOME.
"""

from __future__ import annotations

import codecs
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path, PurePosixPath
from typing import Any

import yaml

from pipelines.contracts import Contract, ContractError
from pipelines.sources.patterns import matches

__all__ = ["DATE_FORMS", "DEFAULT", "NUMBER_FORMS", "ExtractSettings", "read_extract_settings"]

NUMBER_FORMS = {"1234.56": ("", "."), "1,234.56": (",", "."), "1.234,56": (".", ","), "1234,56": ("", ","), "1 234,56": (" ", ",")}
"""Forms of a number that a file may have, as thousands separator and decimal mark; a sign may lead or trail."""

DATE_FORMS = {
    "YYYYMMDD": "%Y%m%d",
    "YYYY-MM-DD": "%Y-%m-%d",
    "YYYY/MM/DD": "%Y/%m/%d",
    "DD.MM.YYYY": "%d.%m.%Y",
    "DD/MM/YYYY": "%d/%m/%Y",
    "MM/DD/YYYY": "%m/%d/%Y",
}
"""Forms of a date that a file may have, and how each is parsed."""

_LOADS = ("full", "delta")
_SUFFIXES = ("csv", "txt", "tsv", "dat", "parquet")
_UNREADABLE = ("refuse", "blank")


@dataclass(frozen=True)
class ExtractSettings:
    """How the files of one system are written. `files` is a glob below landing/; an empty form means the plain ones.

    `tables` maps a glob of file names to a table, `columns` a table and a file's column to ours, `loads` a table to full or
    delta. `deleted` and `before` are the codes of `change_column` for a key that is gone, and for a row as it was before.
    """

    path: Path | None = None
    files: str = "sap/**"
    numbers: str = ""
    dates: str = ""
    separator: str | None = None
    encoding: str = "utf-8"
    change_column: str | None = None
    deleted: frozenset[str] = frozenset({"D"})
    before: frozenset[str] = frozenset({"X"})
    loads: Mapping[str, str] = field(default_factory=dict)
    tables: Mapping[str, str] = field(default_factory=dict)
    columns: Mapping[str, Mapping[str, str]] = field(default_factory=dict)
    unreadable: str = "refuse"

    def is_full(self, table: str) -> bool:
        """Whether every load of the table, such as `eqbs`, holds all its rows."""
        return self.loads.get(table, self.loads.get("*", "delta")) == "full"

    def table_of(self, name: str, contracts: Mapping[str, Contract]) -> Contract | None:
        """Contract of the SAP table that a file of this system holds, by its name; None where no table has such a name."""
        file = PurePosixPath(name.lower()).name
        for pattern, table in self.tables.items():
            if matches(file, pattern):
                return contracts[f"sap/{table}"]
        stem, _, suffix = file.partition(".")
        if suffix not in _SUFFIXES:
            return None
        named = [c for c in contracts.values() if c.custom("reader") == "sap_table" and stem.startswith(c.name)]
        return max(named, key=lambda c: len(c.name), default=None)


DEFAULT = ExtractSettings()
"""For files below sap/ that no settings claim."""


def read_extract_settings(folder: Path, contracts: Mapping[str, Contract]) -> list[ExtractSettings]:
    """All settings (*.extracts.yaml) below the folder, in name order; none where it does not exist.

    Raises ContractError that names the file and everything wrong in it.
    """
    found = sorted(folder.rglob("*.extracts.yaml")) if folder.is_dir() else []
    return [_read(path, contracts) for path in found]


def _read(path: Path, contracts: Mapping[str, Contract]) -> ExtractSettings:
    try:
        given = yaml.safe_load(path.read_text(encoding="utf-8"))
    except (yaml.YAMLError, UnicodeDecodeError) as error:
        raise ContractError(f"{path}: no YAML that can be read ({' '.join(str(error).split())}); correct it") from error
    if not isinstance(given, dict):
        raise ContractError(f"{path}: no settings; write at least `files: sap/**` and what differs from the plain forms")
    problems = [*_shape_problems(given), *_value_problems(given)]
    if not problems:
        problems = _table_problems(given, {c.name for c in contracts.values() if c.system == "sap" and c.custom("reader") == "sap_table"})
    if problems:
        raise ContractError(f"{path}: {'; '.join(problems)}")
    return _settings(path, given)


def _settings(path: Path, given: Mapping[str, Any]) -> ExtractSettings:
    changes = given.get("changes", {})
    plain = {key: given[key] for key in ("files", "numbers", "dates", "separator", "encoding", "unreadable") if key in given}
    codes = {key: frozenset(map(str, changes[key])) for key in ("deleted", "before") if key in changes}
    return ExtractSettings(
        path=path,
        **plain,
        **codes,
        change_column=changes.get("column"),
        loads={table.lower(): kind for table, kind in given.get("loads", {}).items()},
        tables={pattern: table.lower() for pattern, table in given.get("tables", {}).items()},
        columns={
            table.lower(): {theirs.lower(): ours.lower() for theirs, ours in names.items()}
            for table, names in given.get("columns", {}).items()
        },
    )


_SHAPES: Mapping[str, type] = {
    **dict.fromkeys(("files", "numbers", "dates", "separator", "encoding", "unreadable"), str),
    **dict.fromkeys(("changes", "loads", "tables", "columns"), dict),
}


def _shape_problems(given: Mapping[str, Any]) -> list[str]:
    unknown = sorted(str(key) for key in given if key not in _SHAPES)
    problems = [f"no setting is called {', '.join(unknown)}; there are {', '.join(_SHAPES)}"] if unknown else []
    wrong = [key for key, shape in _SHAPES.items() if key in given and not isinstance(given[key], shape)]
    problems += [f"{key} is to be {'a text in quotes' if _SHAPES[key] is str else 'a list of name: value'}" for key in wrong]
    if "files" not in given:
        problems.append("files is missing; write the glob below landing/ of this system's files, such as files: sap/east/**")
    return problems


def _value_problems(given: Mapping[str, Any]) -> list[str]:
    problems = [
        f"{key} is {given[key]!r}; write one of {', '.join(known)}"
        for key, known in (("numbers", NUMBER_FORMS), ("dates", DATE_FORMS), ("unreadable", _UNREADABLE))
        if isinstance(given.get(key), str) and given[key] not in known
    ]
    if isinstance(given.get("separator"), str) and len(given["separator"]) != 1:
        problems.append(f"separator is {given['separator']!r}; write one character")
    if isinstance(given.get("encoding"), str) and not _is_encoding(given["encoding"]):
        problems.append(f"encoding is {given['encoding']!r}, which Python does not know; write utf-8, cp1252, utf-16 or such")
    if isinstance(given.get("loads"), dict) and (wrong := sorted({str(v) for v in given["loads"].values() if v not in _LOADS})):
        problems.append(f"loads has {', '.join(wrong)}; write {' or '.join(_LOADS)}")
    changes = given.get("changes")
    if isinstance(changes, dict):
        if not isinstance(changes.get("column"), str):
            problems.append("changes has no column; name the column that marks a change")
        problems += [f"changes.{k} is to be a list of codes" for k in ("deleted", "before") if not isinstance(changes.get(k, []), list)]
    return problems


def _table_problems(given: Mapping[str, Any], known: Sequence[str] | set[str]) -> list[str]:
    named = [*given.get("loads", {}), *given.get("tables", {}).values(), *given.get("columns", {})]
    unknown = sorted({str(table) for table in named if str(table).lower() not in {*known, "*"}})
    problems = [f"no table is called {', '.join(unknown)}; there are {', '.join(sorted(known))}"] if unknown else []
    if any(not isinstance(names, dict) for names in given.get("columns", {}).values()):
        problems.append("columns is to name, by table, a column of the file and ours: {MSEG: {BUDAT: BUDAT_MKPF}}")
    return problems


def _is_encoding(name: str) -> bool:
    try:
        return bool(codecs.lookup(name))
    except LookupError:
        return False
