"""What all tests of the sources share: contracts, a file to read, IDoc XML to put into it, the real files."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from pathlib import Path

import polars as pl
import pytest

from pipelines.contracts import Contract, source_contracts
from pipelines.sources import Extracted, ExtractSettings, extract, read_mappings
from pipelines.sources.extracted import QUARANTINE_SCHEMA

SHARED_DATA = Path(__file__).resolve().parents[4] / "shared" / "data"
MAPPINGS = Path(__file__).parent / "mappings"

Reader = Callable[..., Extracted]


@pytest.fixture(scope="session")
def contracts() -> Mapping[str, Contract]:
    return source_contracts()


@pytest.fixture(scope="session")
def mappings() -> Sequence[Contract]:
    return read_mappings(MAPPINGS)


@pytest.fixture(scope="session")
def shared_data() -> Path:
    if not SHARED_DATA.is_dir():
        pytest.skip(f"the real data files are not on this machine ({SHARED_DATA})")
    return SHARED_DATA


@pytest.fixture
def read(tmp_path: Path, contracts: Mapping[str, Contract]) -> Reader:
    """Write content under a name below landing/ and extract it; every extraction is checked for lost records."""

    def read(name: str, content: str | bytes, *, mappings: Sequence[Contract] = (), settings: Sequence[ExtractSettings] = ()) -> Extracted:
        path = tmp_path / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(content if isinstance(content, bytes) else content.encode())
        return checked(extract(path, name, contracts=contracts, mappings=mappings, settings=settings), contracts)

    return read


def checked(extracted: Extracted, contracts: Mapping[str, Contract]) -> Extracted:
    """The same, after checking what holds for every file."""
    assert extracted.records_in == extracted.records_accepted + extracted.quarantined.height
    assert dict(extracted.quarantined.schema) == QUARANTINE_SCHEMA
    for table, frame in extracted.accepted.items():
        assert dict(frame.schema) == {**contracts[table].polars_schema, "_line": pl.Int64()}, table
    for reason in extracted.quarantined["reason"]:
        assert reason.endswith("."), reason
    return extracted


@pytest.fixture(scope="session")
def check() -> Callable[[Extracted, Mapping[str, Contract]], Extracted]:
    return checked


@pytest.fixture
def refused() -> Callable[[Extracted], dict]:
    """The one refused record of a file."""

    def refused(extracted: Extracted) -> dict:
        assert extracted.quarantined.height == 1, extracted.quarantined
        return extracted.quarantined.row(0, named=True)

    return refused


def xml(name: str, **fields: object) -> str:
    """One segment on lines of its own; a field that is a list holds segments, None leaves it out."""
    inner = []
    for key, value in fields.items():
        if isinstance(value, list):
            inner += value
        elif value is not None:
            inner.append(f"<{key}>{value}</{key}>" if value != "" else f"<{key}/>")
    return "\n".join([f'<{name} SEGMENT="1">', *inner, f"</{name}>"])


def idoc(*segments: str, **control: str | None) -> str:
    """One IDOC element; control fields have believable values, None leaves one out."""
    fields = {
        "TABNAM": "EDI_DC40",
        "DOCNUM": "0000000000000902",
        "IDOCTYP": "MBGMCR03",
        "MESTYP": "MBGMCR",
        "SNDPRN": "HANDHELD",
        "CREDAT": "20261101",
        "CRETIM": "031500",
    }
    return "\n".join(['<IDOC BEGIN="1">', xml("EDI_DC40", **{**fields, **control}), *segments, "</IDOC>"])


def document(*idocs: str, root: str = "MBGMCR03") -> str:
    """A whole file."""
    return "\n".join(['<?xml version="1.0" encoding="UTF-8"?>', f"<{root}>", *idocs, f"</{root}>"])


def item(**fields: object) -> str:
    """One goods movement item that lacks nothing."""
    given = {"MATERIAL": "000000000000400558", "PLANT": "S101", "STGE_LOC": "0001", "MOVE_TYPE": "101"}
    return xml("E1BP2017_GM_ITEM_CREATE", **{**given, "ENTRY_QNT": "1.000", "ENTRY_UOM": "EA", **fields})


def serial(number: str | None, at: str = "0001", uii: str | None = None) -> str:
    """One serial number segment."""
    return xml("E1BP2017_GM_SERIALNUMBER", MATDOC_ITM=at, SERIALNO=number, UII=uii)


def movement(*segments: str, head: Mapping[str, object] | None = None, **control: str | None) -> str:
    """One MBGMCR IDoc."""
    given = {"PSTNG_DATE": "20261103", "DOC_DATE": "20261103", "REF_DOC_NO": "ASN-778812", **(head or {})}
    header = [xml("E1BP2017_GM_HEAD_01", **given), xml("E1BP2017_GM_CODE", GM_CODE="01")]
    return idoc(xml("E1MBGMCR", segments=[*header, *segments]), **control)


class Idocs:
    """The builders above, for tests that ask for the fixture `idocs`."""

    xml = staticmethod(xml)
    idoc = staticmethod(idoc)
    document = staticmethod(document)
    item = staticmethod(item)
    serial = staticmethod(serial)
    movement = staticmethod(movement)


@pytest.fixture(scope="session")
def idocs() -> type[Idocs]:
    return Idocs
