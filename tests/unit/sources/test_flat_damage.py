"""Flat IDocs damaged at random: whatever the bytes, nothing is raised and no record is lost without a reason."""

from __future__ import annotations

from pathlib import Path

from hypothesis import given, settings
from hypothesis import strategies as st

from pipelines.sources import extract

GOLDEN = Path(__file__).parent / "golden"
FILES = [(GOLDEN / f"{name}.txt").read_bytes() for name in ("DELVRY07_DESADV_serials", "WPUBON01_sale_and_return")]
DAMAGE = st.tuples(st.floats(0, 1), st.integers(0, 80), st.binary(max_size=80))


@st.composite
def damaged(draw) -> bytes:
    """A good file with pieces cut out of it and other bytes put in; it still begins as a flat file."""
    content = draw(st.sampled_from(FILES))
    for share, cut, put in draw(st.lists(DAMAGE, max_size=4)):
        at = 8 + int(share * len(content))
        content = content[:at] + put + content[at + cut :]
    return content


def test_no_damage_raises_or_loses_a_record(tmp_path_factory, contracts, check):
    path = tmp_path_factory.mktemp("damaged") / "any.txt"

    @settings(max_examples=120, deadline=None)
    @given(damaged())
    def is_read_or_refused(content):
        path.write_bytes(content)
        check(extract(path, "any.txt", contracts=contracts), contracts)

    is_read_or_refused()
