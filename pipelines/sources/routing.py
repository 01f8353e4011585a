"""Routing: which reader takes a delivered file, by its name and its first bytes.

Choosing the reader belongs here; reading does not. A user's mapping contract goes before a source contract, a file that
nobody claims is refused with what would have been claimed. Patterns stand in the contracts, as the server's path.
"""

from __future__ import annotations

import difflib
import re
from collections.abc import Callable, Mapping, Sequence
from functools import lru_cache, partial
from pathlib import Path

from pipelines.contracts import Contract
from pipelines.sources.csv_files import read_csv_file
from pipelines.sources.epcis.reader import EVENTS, is_epcis, read_epcis
from pipelines.sources.extracted import Extracted, ExtractedFiles
from pipelines.sources.json_lines import read_json_lines
from pipelines.sources.sap_documents import read_sap_documents
from pipelines.sources.tabular import read_tabular
from pipelines.sources.verdicts import refused_file

__all__ = ["extract", "extract_all", "is_document", "matches"]

_READERS = {"csv": read_csv_file, "jsonl": read_json_lines}
_CHUNK = 65_536
_BLANK = b" \t\r\n\x0b\x0c\x00\xef\xbb\xbf\xff\xfe"
"""Bytes that say nothing: blanks, also in UTF-16, and byte order marks."""


def extract(
    path: Path, name: str, *, contracts: Mapping[str, Contract], mappings: Sequence[Contract] = (), layouts: Path | None = None
) -> Extracted:
    """Read one delivered file. `name` is its path below landing/ with forward slashes, `layouts` the folder of the user's layouts.

    Returns records by table, refused records with their reasons, and records_in = accepted + quarantined. Bad content
    never raises: a file that cannot be read is one refused record. Raises OSError where the file vanished, and
    ContractError for a mapping contract or a layout that cannot be used.
    """
    return extract_all([(path, name)], contracts=contracts, mappings=mappings, layouts=layouts).file()


def extract_all(
    jobs: Sequence[tuple[Path, str]],
    *,
    contracts: Mapping[str, Contract],
    mappings: Sequence[Contract] = (),
    layouts: Path | None = None,
) -> ExtractedFiles:
    """Read delivered files, given as (path, name), as `extract` reads each; IDocs of all of them are typed at once."""
    parts: list[tuple[ExtractedFiles, Sequence[int]]] = []
    documents: list[int] = []
    for at, (path, name) in enumerate(jobs):
        read = _reader(path, name, contracts, mappings)
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


def _reader(path: Path, name: str, contracts: Mapping[str, Contract], mappings: Sequence[Contract]) -> Callable[[], Extracted] | None:
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
    return _claimed(path, name, contracts, mappings, is_events=is_epcis(name, start))


def _claimed(
    path: Path, name: str, contracts: Mapping[str, Contract], mappings: Sequence[Contract], *, is_events: bool
) -> Callable[[], Extracted]:
    """What reads a file that is no IDoc and that no mapping claims."""
    if is_events and EVENTS in contracts:
        return partial(read_epcis, path, contracts)
    claiming = [c for c in contracts.values() if c.custom("reader") in _READERS and matches(name, c.landing_pattern or "")]
    if claiming:
        contract = max(claiming, key=lambda c: len(c.landing_pattern or ""))
        return partial(_READERS[contract.custom("reader")], path, contract)
    return partial(refused_file, path, code="unknown_feed", reason=_unknown_reason(name, [*contracts.values(), *mappings]))


@lru_cache(maxsize=512)
def _compiled(pattern: str) -> re.Pattern[str]:
    pieces = re.split(r"(\*\*/|\*\*|\*|\?)", pattern)
    translated = {"**/": r"(?:[^/]+/)*", "**": r".*", "*": r"[^/]*", "?": r"[^/]"}
    return re.compile("".join(translated.get(piece, re.escape(piece)) for piece in pieces), re.IGNORECASE | re.DOTALL)


def matches(name: str, pattern: str) -> bool:
    """Whether the whole name fits the glob: * and ? stay within a folder, **/ spans folders; case does not count."""
    return _compiled(pattern).fullmatch(name) is not None


def _first_bytes(path: Path) -> bytes:
    """The first bytes that say something; empty where there are none."""
    with path.open("rb") as stream:
        while chunk := stream.read(_CHUNK):
            if said := chunk.lstrip(_BLANK):
                return said
    return b""


def _unknown_reason(name: str, contracts: Sequence[Contract]) -> str:
    patterns = sorted({c.landing_pattern for c in contracts if c.landing_pattern})
    close = difflib.get_close_matches(name.lower(), patterns, n=2, cutoff=0.6)
    hint = f"; closest: {', '.join(close)}" if close else ""
    return (
        f"No contract claims the file {name}{hint}. Deliver it under one of the patterns {', '.join(patterns)}, "
        "or add a mapping contract to contracts/ whose server path matches it, and deliver it again."
    )
