"""Settings of the feed that cannot be used are refused by key, with what to do."""

from __future__ import annotations

import pytest

from pipelines.feeds import FeedSettingsError, read_settings, settings_file


def test_the_shipped_settings_are_read_where_the_user_has_none(home):
    assert settings_file(home) is None
    assert read_settings(home).kinds == ("inventory_adjustment", "purchase_order_receipt", "journal")


@pytest.mark.parametrize(
    ("old", "new", "told"),
    [
        ('"140000"', "140000", "journal has 140000, which is no text: put it in quotes"),
        ("REASON_CD: movement_type", "REASON_CD: grund", "takes REASON_CD from 'grund', which is no column"),
        ("kinds: [inventory_adjustment,", "kinds: [asn,", "kinds has asn; there is inventory_adjustment"),
        ("correction_days: 35", "correction_days: a month", "correction_days is no number of days"),
        ("overdue_after_days: 2\n", "\n", "'overdue_after_days' is missing"),
        ("valuation: [purchase_order", "valuation: [guess", "valuation has guess; there is purchase_order, standard_price"),
        ("first_day:\n", "first_day: soon\n", "first_day is no day: write it as 2026-03-02"),
        ("business_units:", "business_units: [", "is no YAML"),
    ],
)
def test_a_mistake_is_told_by_file_and_key(home, old, new, told):
    text = read_settings(home).text
    path = home.root / "feeds" / "peoplesoft.yaml"
    path.parent.mkdir()
    assert old in text
    path.write_text(text.replace(old, new))
    with pytest.raises(FeedSettingsError) as error:
        read_settings(home)
    assert told in str(error.value)
    assert str(path) in str(error.value)
