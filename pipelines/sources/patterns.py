"""Patterns: globs by which contracts and settings claim files below landing/.

Only the matching of names belongs here; what is done with a file that fits does not (routing.py).
The syntax is told in data_contracts/README.md.
"""

from __future__ import annotations

import re
from functools import lru_cache

__all__ = ["matches"]


@lru_cache(maxsize=512)
def _compiled(pattern: str) -> re.Pattern[str]:
    pieces = re.split(r"(\*\*/|\*\*|\*|\?)", pattern)
    translated = {"**/": r"(?:[^/]+/)*", "**": r".*", "*": r"[^/]*", "?": r"[^/]"}
    return re.compile("".join(translated.get(piece, re.escape(piece)) for piece in pieces), re.IGNORECASE | re.DOTALL)


def matches(name: str, pattern: str) -> bool:
    """Whether the whole name fits the glob: * and ? stay within a folder, **/ spans folders; case does not count."""
    return _compiled(pattern).fullmatch(name) is not None
