"""Texts: the bytes of a text file become one string, or a sentence that says where they cannot.

Decoding belongs here; what stands in the text does not. Text files are UTF-8, with or without a byte order mark, unless the
settings of the system that delivers them say otherwise (extract_settings.py).
"""

from __future__ import annotations

import codecs
from collections.abc import Iterable

__all__ = ["NotUtf8", "as_written", "decoded", "is_whole"]


class NotUtf8(Exception):
    """The bytes are not UTF-8, or not what they were said to be; `line` is the line of the first such byte, from 1."""

    def __init__(self, offset: int, line: int, byte: int, encoding: str = "UTF-8") -> None:
        """Keep the place and word the sentence."""
        super().__init__(
            f"Byte {offset} (0x{byte:02X}, in line {line}) is not {encoding}, so the file was not read; write it as {encoding} and "
            "deliver it again."
        )
        self.line = line


def decoded(content: bytes, encoding: str = "utf-8") -> str:
    """The text without byte order mark. Raises NotUtf8 with the offset in bytes from 0 and the line."""
    if codecs.lookup(encoding).name != "utf-8":
        try:
            return content.decode(encoding).removeprefix("\ufeff")
        except UnicodeDecodeError as error:
            at = min(error.start, len(content) - 1)
            raise NotUtf8(at, content.count(b"\n", 0, at) + 1, content[at], encoding) from error
    try:
        return content.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        # With a byte order mark the decoder counts from behind it.
        offset = error.start + (3 if content.startswith(b"\xef\xbb\xbf") else 0)
        raise NotUtf8(offset, content.count(b"\n", 0, offset) + 1, content[offset]) from error


def is_whole(texts: Iterable[object]) -> bool:
    """Whether the texts among these hold no half of a character (a lone surrogate, which JSON can escape and UTF-8 cannot hold)."""
    try:
        "".join(text for text in texts if isinstance(text, str)).encode()
    except UnicodeEncodeError:
        return False
    return True


def as_written(text: str) -> str:
    """The text with halves of characters written as JSON escapes them."""
    return text.encode("utf-8", "backslashreplace").decode()
