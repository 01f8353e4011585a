"""20,000 damaged files: none crashes a reader, none hangs it, and no record of any is lost without a reason."""

from __future__ import annotations

import faulthandler
import math
import os
from collections.abc import Mapping, Sequence
from pathlib import Path

import pytest
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st

from pipelines.contracts import Contract, source_contracts
from pipelines.sources import extract_all
from tests.fuzz.corpus import corpus, mappings
from tests.fuzz.mutations import MUTATIONS, mutated

USUAL = 20_000
CASES = int(os.environ.get("SERIALAKE_FUZZ_CASES", USUAL))
"""Damaged files in all: the usual ones are the same each time; any other number draws new ones."""
TOGETHER = 40
"""Files that are read at once, as a run reads them."""
HUNG_AFTER = 300
"""Seconds for what takes far less than one: then the process ends with the place where it stood."""
SHARES = {
    "idoc_xml": 20,
    "idoc_flat": 18,
    "csv": 18,
    "json_lines": 8,
    "mapped_csv": 4,
    "parquet": 10,
    "epcis_json": 10,
    "epcis_xml": 7,
    "workbook": 5,
}
"""Files of each format among a hundred."""


@pytest.fixture(scope="module")
def contracts() -> Mapping[str, Contract]:
    return source_contracts()


@pytest.fixture
def watched():
    """A reader that hangs is a failure, not a test that never ends."""
    faulthandler.dump_traceback_later(HUNG_AFTER, exit=True)
    yield
    faulthandler.cancel_dump_traceback_later()


def test_every_format_has_its_share(contracts):
    assert set(corpus(contracts)) == set(SHARES)
    assert sum(SHARES.values()) == 100


@pytest.mark.slow
@pytest.mark.parametrize("format_name", sorted(SHARES))
def test_no_damaged_file_crashes_hangs_or_loses_a_record(format_name, contracts, tmp_path, watched):
    files, claimed = corpus(contracts)[format_name], mappings(tmp_path)
    case = st.tuples(st.integers(0, len(files) - 1), MUTATIONS)
    seen, wanted = [], math.ceil(CASES * SHARES[format_name] / 100)

    @settings(
        max_examples=math.ceil(wanted / TOGETHER),
        deadline=None,
        derandomize=CASES == USUAL,
        database=None,
        phases=[Phase.generate],
        suppress_health_check=list(HealthCheck),
    )
    @given(st.lists(case, min_size=TOGETHER, max_size=TOGETHER))
    def is_read_or_refused(cases):
        damaged = [(files[at][0], mutated(files[at][1], mutations)) for at, mutations in cases]
        seen.append(len(damaged))
        _read(damaged, tmp_path / "landing", contracts, claimed)
        faulthandler.dump_traceback_later(HUNG_AFTER, exit=True)

    is_read_or_refused()
    assert sum(seen) >= wanted


def _read(damaged: Sequence[tuple[str, bytes]], landing: Path, contracts: Mapping[str, Contract], claimed: Sequence[Contract]) -> None:
    jobs = []
    for at, (name, content) in enumerate(damaged):
        path = landing / f"{at}" / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(content)
        jobs.append((path, name))
    try:
        _adds_up(extract_all(jobs, contracts=contracts, mappings=claimed), contracts)
    except BaseException as error:
        for (path, name), (_, content) in zip(jobs, damaged, strict=True):
            try:
                _adds_up(extract_all([(path, name)], contracts=contracts, mappings=claimed), contracts)
            except BaseException as alone:
                raise AssertionError(f"{name}: {type(alone).__name__}: {alone}; its bytes: {content!r}") from alone
        raise AssertionError(f"only together: {type(error).__name__}: {error}") from error
    for path, _ in jobs:
        path.unlink()


def _adds_up(held, contracts: Mapping[str, Contract]) -> None:
    for file in held.files:
        assert file.records_in == file.records_accepted + file.records_quarantined
        assert file.records_in or not file.refused_whole
    assert sum(frame.height for frame in held.accepted.values()) == sum(file.records_accepted for file in held.files)
    assert held.quarantined.height == sum(file.records_quarantined for file in held.files)
    assert held.quarantined["reason"].str.ends_with(".").all()
    assert held.quarantined["reason_code"].is_not_null().all()
    for table, frame in held.accepted.items():
        assert dict(frame.schema).items() >= contracts[table].polars_schema.items()
