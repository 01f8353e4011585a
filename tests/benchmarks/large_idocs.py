"""The benchmark of one large IDoc file: `python -m tests.benchmarks.large_idocs --mebibytes 2048 --form xml` takes it to bronze.

Prints the time it took, and the most memory that the process ever held, beside what it held before.
"""

from __future__ import annotations

import argparse
import os
import resource
import tempfile
import time
from datetime import datetime
from pathlib import Path

from pipelines.contracts import source_contracts
from pipelines.home import Home
from pipelines.ingest import ensure_tables, ingest
from pipelines.lake import Lake
from pipelines.sources.idoc.writer import goods_movement, write_flat, write_xml

_IDOCS, _SERIALS = 200, 100
_PADDED = 1063


def _content(form: str) -> tuple[bytes, bytes, bytes]:
    """Beginning, middle and end of a file; the middle may stand in it any number of times."""
    item = {
        "MATERIAL": "000000000000400558",
        "PLANT": "S101",
        "STGE_LOC": "0001",
        "MOVE_TYPE": "101",
        "ENTRY_QNT": _SERIALS,
        "ENTRY_UOM": "EA",
    }
    idocs = [
        goods_movement(
            {"DOCNUM": f"{number:016d}", "SNDPRN": "HANDHELD", "CREDAT": "20261103", "CRETIM": "031500"},
            {"PSTNG_DATE": "20261103", "DOC_DATE": "20261103", "REF_DOC_NO": f"ASN-{number}"},
            "01",
            [(item, [{"SERIALNO": f"3SER{number * _SERIALS + at:010d}"} for at in range(_SERIALS)])],
        )
        for number in range(_IDOCS)
    ]
    if form == "flat":
        # SAP's ports do not cut the blanks at the end of a record.
        return b"", b"".join(line.ljust(_PADDED) + b"\n" for line in write_flat(idocs).splitlines()), b""
    written = write_xml(idocs)
    begin, end = written.index(b"<IDOC"), written.rindex(b"</IDOC>") + len(b"</IDOC>")
    return written[:begin], written[begin:end], written[end:]


def _peak_mebibytes() -> float:
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024


def main() -> None:
    """Write a file of the size asked for, take it to bronze, and print what that took."""
    arguments = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    arguments.add_argument("--mebibytes", type=int, default=2048, help="size of the file")
    arguments.add_argument("--form", choices=["flat", "xml"], default="flat")
    given = arguments.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        home = Home(Path(folder)).prepare()
        path = home.landing / f"large.{given.form}.xml"
        begin, middle, end = _content(given.form)
        with path.open("wb") as stream:
            stream.write(begin)
            for _ in range(given.mebibytes * 2**20 // len(middle)):
                stream.write(middle)
            stream.write(end)
        os.utime(path, (1_700_000_000, 1_700_000_000))
        lake = Lake(home.lake)
        ensure_tables(lake, source_contracts())
        before, started = _peak_mebibytes(), time.perf_counter()
        result = ingest(home, lake, source_contracts(), now=datetime(2026, 11, 4))
        seconds = time.perf_counter() - started
        size = path.stat().st_size / 2**20
    print(f"{given.form}, {size:.0f} MiB, {result.records_in:,} records: {seconds:.0f} s, {size / seconds:.1f} MiB/s")
    print(f"most memory {_peak_mebibytes():.0f} MiB, {before:.0f} MiB before")


if __name__ == "__main__":
    main()
