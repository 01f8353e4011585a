"""Routing: which reader takes a delivered file, by its name and its first bytes.

Choosing the reader belongs here; reading does not. A user's mapping contract goes before a system's extract settings, those before
a source contract; a file that nobody claims is refused with what would have been claimed. Patterns stand in the contracts, as the
server's path.
"""

from __future__ import annotations

import difflib
from collections.abc import Callable, Mapping, Sequence
from functools import partial
from operator import itemgetter
from pathlib import Path

from pipelines.contracts import Contract
from pipelines.sources.csv_files import read_csv_file
from pipelines.sources.epcis.reader import EVENTS, is_epcis, read_epcis
from pipelines.sources.extract_settings import DEFAULT, ExtractSettings
from pipelines.sources.extracted import Extracted, ExtractedFiles
from pipelines.sources.json_lines import read_json_lines
from pipelines.sources.parquet_files import read_parquet_file
from pipelines.sources.patterns import matches
from pipelines.sources.sap_documents import read_sap_documents
from pipelines.sources.tabular import read_tabular
from pipelines.sources.verdicts import refused_file
from pipelines.sources.workbooks import is_workbook

__all__ = ["extract", "extract_all", "is_document"]

_READERS = {"csv": read_csv_file, "tabular": read_csv_file, "jsonl": read_json_lines}
_TABLE_READERS = {"csv": read_csv_file, "parquet": read_parquet_file}
_CHUNK = 65_536
_BLANK = b" \t\r\n\x0b\x0c\x00\xef\xbb\xbf\xff\xfe"
"""Bytes that say nothing: blanks, also in UTF-16, and byte order marks."""


def extract(
    path: Path,
    name: str,
    *,
    contracts: Mapping[str, Contract],
    mappings: Sequence[Contract] = (),
    settings: Sequence[ExtractSettings] = (),
    layouts: Path | None = None,
) -> Extracted:
    """Read one delivered file. `name` is its path below landing/ with forward slashes, `layouts` the folder of the user's layouts.

    `settings` tell how systems write their table extracts; the first whose glob fits the name counts.

    Returns records by table, refused records with their reasons, and records_in = accepted + quarantined. Bad content
    never raises: a file that cannot be read is one refused record. Raises OSError where the file vanished, and
    ContractError for a mapping contract or a layout that cannot be used.
    """
    return extract_all([(path, name)], contracts=contracts, mappings=mappings, settings=settings, layouts=layouts).file()


def extract_all(
    jobs: Sequence[tuple[Path, str]],
    *,
    contracts: Mapping[str, Contract],
    mappings: Sequence[Contract] = (),
    settings: Sequence[ExtractSettings] = (),
    layouts: Path | None = None,
) -> ExtractedFiles:
    """Read delivered files, given as (path, name), as `extract` reads each; IDocs of all of them are typed at once."""
    parts: list[tuple[ExtractedFiles, Sequence[int]]] = []
    documents: list[int] = []
    for at, (path, name) in enumerate(jobs):
        read = _reader(path, name, contracts, mappings, settings)
        if read is None:
            documents.append(at)
        else:
            parts.append((ExtractedFiles.single(read()), [at]))
    if documents:
        parts.append((read_sap_documents([jobs[at][0] for at in documents], contracts, layouts=layouts), documents))
    return ExtractedFiles.of(parts)


def is_document(path: Path, name: str, *, contracts: Mapping[str, Contract], mappings: Sequence[Contract] = ()) -> bool:
    """Whether the file is read as IDocs, flat or XML."""
    return _reader(path, name, contracts, mappings) is None


def _reader(
    path: Path, name: str, contracts: Mapping[str, Contract], mappings: Sequence[Contract], settings: Sequence[ExtractSettings] = ()
) -> Callable[[], Extracted] | None:
    """What reads the file, or None for IDocs, flat or XML, which are read together with others."""
    start = _first_bytes(path)
    if not start:
        reason = f"The file {name} holds nothing; deliver it again with its content, or not at all."
        return partial(refused_file, path, code="empty_file", reason=reason)
    if start.startswith((b"EDI_DC", b"EDI_DS")):
        return None
    for mapping in mappings:
        if matches(name, mapping.landing_pattern or ""):
            return partial(read_tabular, path, mapping, contracts)
    if name.lower().endswith(".xml") and not is_epcis(name, start):
        return None
    if is_epcis(name, start) and EVENTS in contracts:
        return partial(read_epcis, path, contracts)
    return _table(path, name, contracts, mappings, settings)


def _table(
    path: Path, name: str, contracts: Mapping[str, Contract], mappings: Sequence[Contract], settings: Sequence[ExtractSettings]
) -> Callable[[], Extracted]:
    """What reads a file that is neither a document nor claimed by a mapping."""
    own = next((s for s in settings if matches(name, s.files)), None)
    if own and (table := own.table_of(name, contracts)):
        return partial(_TABLE_READERS["parquet" if name.lower().endswith(".parquet") else "csv"], path, table, own)
    # A workbook is claimed by what claims its CSV twin.
    claiming = _claiming(path, f"{name[:-5]}.csv" if is_workbook(name) else name, contracts)
    return claiming or partial(refused_file, path, code="unknown_feed", reason=_unknown_reason(name, [*contracts.values(), *mappings]))


def _claiming(path: Path, name: str, contracts: Mapping[str, Contract]) -> Callable[[], Extracted] | None:
    """The reader of the source contract with the longest glob that fits the name."""
    found = [
        (len(pattern), reader)
        for contract in contracts.values()
        for pattern, kind in contract.landing_patterns
        if matches(name, pattern) and (reader := _reader_of(path, contract, kind))
    ]
    return max(found, key=itemgetter(0))[1] if found else None


def _reader_of(path: Path, contract: Contract, kind: str) -> Callable[[], Extracted] | None:
    reader = contract.custom("reader")
    if reader == "sap_table":
        return partial(_TABLE_READERS[kind], path, contract, DEFAULT)
    return partial(_READERS[reader], path, contract) if reader in _READERS else None


def _first_bytes(path: Path) -> bytes:
    """The first bytes that say something; empty where there are none."""
    with path.open("rb") as stream:
        while chunk := stream.read(_CHUNK):
            if said := chunk.lstrip(_BLANK):
                return said
    return b""


def _unknown_reason(name: str, contracts: Sequence[Contract]) -> str:
    patterns = sorted({pattern for c in contracts for pattern, _ in c.landing_patterns})
    close = difflib.get_close_matches(name.lower(), patterns, n=2, cutoff=0.6)
    hint = f"; closest: {', '.join(close)}" if close else ""
    return (
        f"No contract claims the file {name}{hint}. Deliver it under one of the patterns {', '.join(patterns)}, "
        "or add a mapping contract to contracts/ whose server path matches it, and deliver it again."
    )
