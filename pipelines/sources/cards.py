"""Cards: a delivered file is copied, and the numbers of cards and accounts in it are not.

What counts as such a number in IDocs, flat or XML, belongs here. What is shown of a refused record does not (idoc/raw.py).
The copies lie in lake/refused_files; see README.md, "When a record is refused".
"""

from __future__ import annotations

import re
from mmap import ACCESS_READ, mmap
from pathlib import Path

__all__ = ["copied_without_cards"]

_ELEMENT = r"<(?:[\w.-]+:)?(?:KARTE\w*|KARTNR|CARD\w*|KONTO\w*|IBAN)(?:\s[^>]*)?>(?!\s*</)"
_CONTENT = r"(?:[^<]|<!\[CDATA\[.*?(?:\]\]>|\Z)|<!--.*?(?:-->|\Z))+"
_PAYMENT = r"^E[12]WPB06[^\n]{0,104}"
"""A flat payment record up to its currency: 63 characters before the data, of which 48 come before cards."""
_CARDS = rf"(?P<element>{_ELEMENT})(?P<content>{_CONTENT})|(?P<payment>{_PAYMENT})(?P<rest>[^\n\r]+)"
_FLAGS = re.IGNORECASE | re.DOTALL | re.MULTILINE
_IN_TEXT, _IN_BYTES = re.compile(_CARDS, _FLAGS), re.compile(_CARDS.encode(), _FLAGS)
_UTF_16 = {b"\xff\xfe": "utf-16-le", b"\xfe\xff": "utf-16-be"}
_COPIED = 1 << 20


def copied_without_cards(source: Path, target: Path) -> None:
    """Copy a file as it was delivered, but for card and account numbers: a * stands for each of their bytes.

    Memory does not grow with the file, unless it is UTF-16.
    """
    if not source.stat().st_size:
        target.write_bytes(b"")
        return
    with source.open("rb") as delivered, mmap(delivered.fileno(), 0, access=ACCESS_READ) as content, target.open("wb") as copy:
        if encoding := _UTF_16.get(content[:2]):
            text = content[:].decode(encoding, "replace")
            copy.write(_IN_TEXT.sub(_starred, text).encode(encoding))
            return
        done = 0
        for found in _IN_BYTES.finditer(content):
            start, end = found.span("content" if found["rest"] is None else "rest")
            copy.write(content[done:start])
            copy.write(b"*" * (end - start))
            done = end
        for start in range(done, len(content), _COPIED):
            copy.write(content[start : start + _COPIED])


def _starred(found: re.Match[str]) -> str:
    if found["rest"] is None:
        return found["element"] + "*" * len(found["content"])
    return found["payment"] + "*" * len(found["rest"])
