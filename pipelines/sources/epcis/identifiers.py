"""Identifiers: GS1 keys in their two forms, EPC URN and Digital Link, become one.

The syntax of keys, their check digits and the one form belong here; which field may hold which does not (rules.py).
Source: GS1 EPC Tag Data Standard 2.0 (URNs), GS1 Digital Link URI syntax 1.3, GS1 General Specifications (check digit).
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from functools import lru_cache
from urllib.parse import unquote

__all__ = ["Identifier", "IdentifierError", "check_digit", "identifier", "is_uri"]

_URI = re.compile(r"^[A-Za-z][A-Za-z0-9+.-]*:[^\s<>\"{}|\\^`]+$")
_CHARACTER = r"(?:[A-Za-z0-9!'()*+,\-.:;=_]|%[0-9A-Fa-f]{2})"


class IdentifierError(ValueError):
    """An identifier that breaks its own rules; the message is the end of a sentence that begins with it."""


@dataclass(frozen=True)
class Identifier:
    """One identifier: `canonical` is the same for the URN and the Digital Link of one thing.

    `key` names its kind (sgtin, sscc, sgln ... or uri), `level` is unit, class, place or other. `gtin` has 14 digits, `gln`
    13, `sscc` 18; serial and lot are decoded.
    """

    canonical: str
    key: str
    level: str
    gtin: str | None = None
    serial: str | None = None
    lot: str | None = None
    sscc: str | None = None
    gln: str | None = None


@dataclass(frozen=True)
class _Scheme:
    """How the parts of an URN look: digits of the first two together, the form of those that follow, and its level."""

    digits: int | None
    rest: tuple[str, ...] = ()
    level: str = "unit"
    second: str = r"\d*"


_SERIAL, _DIGITS_12 = rf"{_CHARACTER}{{1,20}}", r"(?:0|[1-9]\d{0,11})"
_INSTANCES = {
    "sgtin": _Scheme(13, (_SERIAL,)),
    "sscc": _Scheme(17),
    "sgln": _Scheme(12, (_SERIAL,), "place"),
    "pgln": _Scheme(12, (), "place"),
    "grai": _Scheme(12, (rf"{_CHARACTER}{{1,16}}",)),
    "giai": _Scheme(None, (), second=rf"{_CHARACTER}{{1,24}}"),
    "gsrn": _Scheme(17),
    "gsrnp": _Scheme(17),
    "gdti": _Scheme(12, (rf"{_CHARACTER}{{1,17}}",)),
    "cpi": _Scheme(None, (_DIGITS_12,), second=r"(?:[A-Z0-9\-]|%2F|%23){1,24}"),
    "sgcn": _Scheme(12, (r"\d{1,12}",)),
    "ginc": _Scheme(None, (), second=rf"{_CHARACTER}{{1,24}}"),
    "gsin": _Scheme(16),
    "itip": _Scheme(13, (r"\d{2}", r"\d{2}", _SERIAL)),
    "upui": _Scheme(13, (rf"{_CHARACTER}{{1,28}}",)),
}
_PATTERNS = {
    "gid": re.compile(r"^\d+\.\d+\.\d+$"),
    "bic": re.compile(r"^[A-Z]{3}[JUZ]\d{7}$"),
    "imovn": re.compile(r"^\d{7}$"),
    "usdod": re.compile(r"^[A-Z0-9]{5,6}\.\d+$"),
    "adi": re.compile(r"^[A-Z0-9]{5,6}\.[^.]*\..+$"),
}
_CLASS_PATTERNS = ("sgtin", "grai", "gdti", "sgcn", "cpi", "itip", "upui", "sgln", "giai", "sscc")
_LINK_KEYS = {
    "00": ("sscc", 18, 18),
    "01": ("gtin", 8, 14),
    "253": ("gdti", 13, 30),
    "255": ("sgcn", 13, 25),
    "401": ("ginc", 1, 30),
    "402": ("gsin", 17, 17),
    "414": ("sgln", 13, 13),
    "417": ("pgln", 13, 13),
    "8003": ("grai", 14, 30),
    "8004": ("giai", 1, 30),
    "8006": ("itip", 18, 18),
    "8010": ("cpi", 1, 30),
    "8013": ("gmn", 1, 25),
    "8017": ("gsrnp", 18, 18),
    "8018": ("gsrn", 18, 18),
}
"""Keys that a Digital Link may name, with the characters of their value, at least and at most."""
_QUALIFIERS = {"01": ("22", "10", "21", "235"), "414": ("254", "7040"), "8006": ("22", "10", "21"), "8010": ("8011",), "8004": ("7040",)}
_LINK = re.compile(r"^https?://[^/?#\s]+(?P<path>/[^?#\s]*)", re.IGNORECASE)


def is_uri(text: str) -> bool:
    """Whether the text is an absolute URI, by its form."""
    return _URI.match(text) is not None


def check_digit(digits: str) -> str:
    """The check digit that follows these digits (modulo 10, weights 3 and 1 from the right)."""
    return str(-sum(int(digit) * (3 if at % 2 == 0 else 1) for at, digit in enumerate(reversed(digits))) % 10)


@lru_cache(maxsize=100_000)
def identifier(text: str) -> Identifier:
    """What the text identifies. Raises IdentifierError for a key of GS1's that breaks its rules, and for what is no URI."""
    if not is_uri(text):
        raise IdentifierError("is no URI; write an EPC URN, a GS1 Digital Link, or a URI of your own")
    lower = text.lower()
    if lower.startswith("urn:epc:"):
        return _urn(text)
    if lower.startswith(("http://", "https://")) and (found := _link(text)):
        return found
    return Identifier(text, "uri", "other")


def _urn(text: str) -> Identifier:
    parts = text.split(":", 4)
    kind, scheme, value = (parts[2], parts[3], parts[4]) if len(parts) == 5 else ("", "", "")
    if kind == "id":
        return _instance(scheme, value)
    if kind == "class" and scheme == "lgtin":
        prefix, item, lot = _parts("lgtin", value, _Scheme(13, (_SERIAL,)))
        gtin = _gtin(prefix, item)
        return Identifier(f"https://id.gs1.org/01/{gtin}/10/{lot}", "lgtin", "class", gtin=gtin, lot=unquote(lot))
    if kind == "idpat" and scheme in _CLASS_PATTERNS:
        return _pattern(scheme, value)
    raise IdentifierError("is an EPC URN of a kind that does not exist; see the EPC Tag Data Standard for those that do")


def _instance(scheme: str, value: str) -> Identifier:
    if scheme in _PATTERNS:
        if not _PATTERNS[scheme].match(value):
            raise IdentifierError(f"is no {scheme}")
        return Identifier(f"urn:epc:id:{scheme}:{value}", scheme, "unit")
    if scheme not in _INSTANCES:
        raise IdentifierError("is an EPC URN of a scheme that does not exist; see the EPC Tag Data Standard for those that do")
    parts = _parts(scheme, value, _INSTANCES[scheme])
    return _canonical(scheme, *parts)


def _parts(scheme: str, value: str, rule: _Scheme) -> list[str]:
    """The parts of an URN's value; those after the second may hold dots."""
    parts = value.split(".", 1 + len(rule.rest))
    if len(parts) != 2 + len(rule.rest):
        raise IdentifierError(f"has not the {2 + len(rule.rest)} parts of an {scheme}, divided by dots")
    if not re.fullmatch(r"\d{6,12}", parts[0]):
        raise IdentifierError("does not begin with a company prefix of 6 to 12 digits")
    if not re.fullmatch(rule.second, parts[1]):
        raise IdentifierError(f"has a second part that no {scheme} may have")
    if rule.digits and len(parts[0]) + len(parts[1]) != rule.digits:
        raise IdentifierError(f"has {len(parts[0]) + len(parts[1])} digits before its serial part, where an {scheme} has {rule.digits}")
    for part, form in zip(parts[2:], rule.rest, strict=True):
        if not re.fullmatch(form, part):
            raise IdentifierError(f"has a last part that no {scheme} may have: too long, empty, or with characters that are not allowed")
    return parts


def _gtin(prefix: str, item: str) -> str:
    digits = item[0] + prefix + item[1:]
    return digits + check_digit(digits)


def _canonical(scheme: str, prefix: str, second: str, *rest: str) -> Identifier:
    """The identifier as a Digital Link, which needs no company prefix: that cannot be known from one."""
    if scheme == "sgtin":
        gtin = _gtin(prefix, second)
        return Identifier(f"https://id.gs1.org/01/{gtin}/21/{rest[0]}", scheme, "unit", gtin=gtin, serial=unquote(rest[0]))
    if scheme == "sscc":
        digits = second[0] + prefix + second[1:]
        sscc = digits + check_digit(digits)
        return Identifier(f"https://id.gs1.org/00/{sscc}", scheme, "unit", sscc=sscc)
    if scheme in ("sgln", "pgln"):
        digits = prefix + second
        gln, extension = digits + check_digit(digits), rest[0] if rest else "0"
        ending = "" if extension == "0" else f"/254/{extension}"
        return Identifier(f"https://id.gs1.org/{'414' if scheme == 'sgln' else '417'}/{gln}{ending}", scheme, "place", gln=gln)
    if scheme in ("grai", "gdti", "sgcn"):
        digits = prefix + second
        key = {"grai": "8003/0", "gdti": "253/", "sgcn": "255/"}[scheme]
        return Identifier(f"https://id.gs1.org/{key}{digits}{check_digit(digits)}{rest[0]}", scheme, "unit", serial=unquote(rest[0]))
    if scheme in ("gsrn", "gsrnp", "gsin"):
        digits = prefix + second
        key = {"gsrn": "8018", "gsrnp": "8017", "gsin": "402"}[scheme]
        return Identifier(f"https://id.gs1.org/{key}/{digits}{check_digit(digits)}", scheme, "unit")
    return _other_canonical(scheme, prefix, second, *rest)


def _other_canonical(scheme: str, prefix: str, second: str, *rest: str) -> Identifier:
    if scheme in ("giai", "ginc"):
        return Identifier(f"https://id.gs1.org/{'8004' if scheme == 'giai' else '401'}/{prefix}{second}", scheme, "unit")
    if scheme == "cpi":
        return Identifier(f"https://id.gs1.org/8010/{prefix}{second}/8011/{rest[0]}", scheme, "unit", serial=rest[0])
    gtin = _gtin(prefix, second)
    if scheme == "itip":
        link = f"https://id.gs1.org/8006/{gtin}{rest[0]}{rest[1]}/21/{rest[2]}"
        return Identifier(link, scheme, "unit", gtin=gtin, serial=unquote(rest[2]))
    return Identifier(f"https://id.gs1.org/01/{gtin}/235/{rest[0]}", scheme, "unit", gtin=gtin, serial=unquote(rest[0]))


def _pattern(scheme: str, value: str) -> Identifier:
    """A pattern of units, which names a class of goods: urn:epc:idpat:sgtin:0614141.107346.*"""
    parts = value.split(".")
    if "*" not in parts or any(part != "*" for part in parts[parts.index("*") :]):
        raise IdentifierError("is a pattern without * at its end, so it names no class of goods")
    fixed = parts[: parts.index("*")]
    if fixed and not re.fullmatch(r"\d{6,12}", fixed[0]):
        raise IdentifierError("does not begin with a company prefix of 6 to 12 digits")
    if scheme == "sgtin" and len(fixed) >= 2:
        if len(fixed[0]) + len(fixed[1]) != 13 or not fixed[1].isdigit():
            raise IdentifierError(f"has {len(fixed[0]) + len(fixed[1])} digits before its serial part, where an sgtin has 13")
        gtin = _gtin(fixed[0], fixed[1])
        return Identifier(f"https://id.gs1.org/01/{gtin}", "gtin", "class", gtin=gtin)
    if scheme == "grai" and len(fixed) >= 2 and fixed[1].isdigit():
        digits = fixed[0] + fixed[1]
        return Identifier(f"https://id.gs1.org/8003/0{digits}{check_digit(digits)}", "grai", "class")
    return Identifier(f"urn:epc:idpat:{scheme}:{value}", scheme, "class")


def _link(text: str) -> Identifier | None:
    """What a Digital Link names; None for a web address that is none."""
    match = _LINK.match(text)
    pieces = match["path"].strip("/").split("/") if match else []
    start = next((at for at in range(len(pieces) - 1) if pieces[at] in _LINK_KEYS and _may_be(pieces[at], pieces[at + 1])), None)
    if start is None:
        return None
    key, value = pieces[start], unquote(pieces[start + 1])
    name, least, most = _LINK_KEYS[key]
    if not least <= len(value) <= most:
        raise IdentifierError(f"has a {name} of {len(value)} characters")
    qualifiers = pieces[start + 2 :]
    if len(qualifiers) % 2 or any(qualifier not in _QUALIFIERS.get(key, ()) for qualifier in qualifiers[::2]):
        raise IdentifierError(f"has parts after its {name} that a Digital Link with this key may not have")
    return _linked(key, name, value, dict(zip(qualifiers[::2], qualifiers[1::2], strict=True)))


def _may_be(key: str, value: str) -> bool:
    """Whether a piece of a path is a key, and not a folder that is called like one."""
    return value[:1].isdigit() if key not in ("8004", "8010", "401", "8013") else bool(value)


def _linked(key: str, name: str, value: str, qualifiers: dict[str, str]) -> Identifier:
    if key in ("00", "01", "402", "414", "417", "8017", "8018"):
        if not value.isdigit() or (key == "01" and len(value) not in (8, 12, 13, 14)):
            raise IdentifierError(f"has a {name} that is no number of the length it must have")
        _check(name, value)
    elif key in ("253", "255"):
        _check(name, value[:13])
    elif key == "8006":
        _check(name, value[:14])
    link = f"https://id.gs1.org/{key}/"
    if key == "01":
        return _linked_gtin(value.zfill(14), qualifiers)
    if key == "414":
        extension = qualifiers.get("254", "0")
        return Identifier(f"{link}{value}" + ("" if extension == "0" else f"/254/{extension}"), "sgln", "place", gln=value)
    if key == "417":
        return Identifier(f"{link}{value}", "pgln", "place", gln=value)
    if key == "00":
        return Identifier(f"{link}{value}", "sscc", "unit", sscc=value)
    ending = "".join(f"/{qualifier}/{text}" for qualifier, text in qualifiers.items())
    has_serial = {
        "8003": len(value) > 14,
        "253": len(value) > 13,
        "255": len(value) > 13,
        "8006": "21" in qualifiers,
        "8010": bool(qualifiers),
    }
    return Identifier(f"{link}{value}{ending}", name, "unit" if has_serial.get(key, True) else "class")


def _linked_gtin(gtin: str, qualifiers: dict[str, str]) -> Identifier:
    link, lot = f"https://id.gs1.org/01/{gtin}", qualifiers.get("10")
    if serial := qualifiers.get("21"):
        if not re.fullmatch(_SERIAL, serial):
            raise IdentifierError("has a serial number that no sgtin may have: longer than 20 characters, or with characters not allowed")
        return Identifier(f"{link}/21/{serial}", "sgtin", "unit", gtin=gtin, serial=unquote(serial), lot=unquote(lot) if lot else None)
    if tobacco := qualifiers.get("235"):
        return Identifier(f"{link}/235/{tobacco}", "upui", "unit", gtin=gtin, serial=unquote(tobacco))
    if lot:
        return Identifier(f"{link}/10/{lot}", "lgtin", "class", gtin=gtin, lot=unquote(lot))
    return Identifier(link, "gtin", "class", gtin=gtin)


def _check(name: str, digits: str) -> None:
    if not digits.isdigit() or check_digit(digits[:-1]) != digits[-1]:
        raise IdentifierError(f"has a {name} whose check digit is wrong")
