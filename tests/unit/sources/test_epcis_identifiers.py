"""Identifiers of GS1: both forms of one thing are one, and what breaks a rule is told."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pipelines.sources.epcis.identifiers import IdentifierError, check_digit, identifier

# URN, Digital Link, level. Check digits by the GS1 General Specifications.
SAME = [
    ("urn:epc:id:sgtin:0614141.107346.2018", "https://id.gs1.org/01/10614141073464/21/2018", "unit"),
    ("urn:epc:id:sgtin:0614141.107346.a%2Fb", "https://example.com/some/01/10614141073464/21/a%2Fb", "unit"),
    ("urn:epc:id:sscc:0614141.1234567890", "https://id.gs1.org/00/106141412345678908", "unit"),
    ("urn:epc:id:sgln:0614141.07346.1234", "https://id.gs1.org/414/0614141073467/254/1234", "place"),
    ("urn:epc:id:sgln:0614141.07346.0", "https://id.gs1.org/414/0614141073467", "place"),
    ("urn:epc:id:pgln:0614141.07346", "https://id.gs1.org/417/0614141073467", "place"),
    ("urn:epc:class:lgtin:4012345.012345.998877", "https://id.gs1.org/01/04012345123456/10/998877", "class"),
    ("urn:epc:idpat:sgtin:4012345.012345.*", "https://id.gs1.org/01/04012345123456", "class"),
    ("urn:epc:id:giai:4000001.111", "https://id.gs1.org/8004/4000001111", "unit"),
    ("urn:epc:id:grai:4012345.55555.987", "https://id.gs1.org/8003/04012345555554987", "unit"),
    ("urn:epc:id:gdti:0614141.12345.400", "https://id.gs1.org/253/0614141123452400", "unit"),
]


@pytest.mark.parametrize(("urn", "link", "level"), SAME)
def test_urn_and_digital_link_of_one_thing_are_one(urn, link, level):
    assert identifier(urn).canonical == identifier(link).canonical
    assert (identifier(urn).level, identifier(link).level) == (level, level)


def test_a_short_gtin_is_the_same_article():
    assert identifier("https://id.gs1.org/01/614141073467").gtin == identifier("https://id.gs1.org/01/00614141073467").gtin


@pytest.mark.parametrize(
    "text", ["https://example.com/goods/4711", "geo:42.698334,23.319941", "urn:uuid:374d95fc-9457-4a51-bd6a-0bba133845a8"]
)
def test_a_uri_of_the_senders_own_is_kept_as_it_is(text):
    assert (identifier(text).canonical, identifier(text).level) == (text, "other")


DIGITS = st.text("0123456789", min_size=6, max_size=12)
SERIALS = st.text("ABCXYZabcxyz0123456789!'()*+,-.:;=_", min_size=1, max_size=20)


@given(prefix=DIGITS, digits=st.text("0123456789", min_size=7, max_size=7), serial=SERIALS)
def test_every_sgtin_is_one_with_its_link_wherever_its_prefix_ends(prefix, digits, serial):
    item = digits[: 13 - len(prefix)]
    urn = identifier(f"urn:epc:id:sgtin:{prefix}.{item}.{serial}")
    assert urn.serial == serial
    assert urn.gtin is not None
    assert check_digit(urn.gtin[:13]) == urn.gtin[13]
    assert identifier(f"http://shop.example/01/{urn.gtin}/21/{serial}") == urn


@given(st.text(max_size=60))
def test_whatever_the_text_it_identifies_something_or_is_told_to_be_wrong(text):
    for prefix in ("", "urn:epc:id:", "urn:epc:id:sgtin:", "https://id.gs1.org/01/", "https://id.gs1.org/", "urn:epc:idpat:"):
        try:
            found = identifier(prefix + text).canonical
        except IdentifierError as error:
            found = str(error)
        assert found
