"""Mutations: what happens to a file on its way, as hypothesis draws it.

Bytes cut out, put in, doubled, moved and flipped belong here, and the words that break readers. Which files, does not.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence

from hypothesis import strategies as st

WORDS = (
    b"", b"\x00", b"\xff\xfe", b"\xef\xbb\xbf", b"\r", b"\n", b"\n\n", b'"', b"'", b";", b",", b"\t", b"<", b">", b"&", b"]]>", b"<!--",
    b"<![CDATA[", b"<!DOCTYPE a [<!ENTITY b SYSTEM 'file:///etc/passwd'>]>", b"&b;", b"<?xml version='1.1' encoding='UTF-16'?>",
    b"<IDOC>", b"</IDOC>", b"<a>" * 300, b"{" * 300, b"[" * 2_000, b"}", b"]", b"\\u0000", b"\\ud800", b"null", b"true", b"NaN", b"-", b"+",
    b"1e999", b"99999999999999999999", b"00000000", b"99991231", b"20260230", b"-0", b"0x1F", b"1.234,56", b"5.000-", b" " * 70, b"9" * 200,
    "Ä€😀".encode(), "Ä".encode("latin-1"), b"EDI_DC40", b"E2EDL24006", b"Z1FREE", b"DEL", b"X",
)  # fmt: skip
"""What may stand anywhere in a delivered file, and has broken readers of such files before."""

Mutation = tuple[str, float, float, int]
_KINDS = ("cut", "put", "double", "move", "flip", "end")
MUTATIONS = st.lists(
    st.tuples(st.sampled_from(_KINDS), st.floats(0, 1), st.floats(0, 1), st.integers(0, len(WORDS) - 1)), min_size=1, max_size=3
)
"""What is done to one file: at a place, reaching as far as another place or as some bytes, with a word."""


def mutated(content: bytes, mutations: Sequence[Mutation]) -> bytes:
    """The file after these mutations, in their order."""
    for kind, place, reach, word in mutations:
        content = _DONE[kind](content, int(place * len(content)), int(reach * 40), word)
    return content


def _cut(content: bytes, at: int, length: int, _: int) -> bytes:
    return content[:at] + content[at + length :]


def _put(content: bytes, at: int, length: int, word: int) -> bytes:
    """The word instead of what stands there, as often as beside it."""
    return content[:at] + WORDS[word] + content[at + (length if length % 2 else 0) :]


def _double(content: bytes, at: int, length: int, _: int) -> bytes:
    return content[: at + 10 * length] + content[at:]


def _move(content: bytes, at: int, length: int, _: int) -> bytes:
    piece, rest = content[at : at + 5 * length], content[:at] + content[at + 5 * length :]
    to = (at * 7919) % (len(rest) + 1)
    return rest[:to] + piece + rest[to:]


def _flip(content: bytes, at: int, length: int, word: int) -> bytes:
    if at >= len(content):
        return content
    return content[:at] + bytes([content[at] ^ (1 << (word % 8))]) + content[at + 1 :]


def _end(content: bytes, at: int, _: int, __: int) -> bytes:
    return content[:at]


_DONE: dict[str, Callable[[bytes, int, int, int], bytes]] = {
    "cut": _cut,
    "put": _put,
    "double": _double,
    "move": _move,
    "flip": _flip,
    "end": _end,
}
