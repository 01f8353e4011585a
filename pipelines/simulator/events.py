"""Events: everything that happens to a unit, one row per unit and moment, in one narrow table.

The kinds of events, the hours at which each happens and the table's shape belong here. Stores are staffed 07:00 to
21:40, tills open 10:00 to 20:00; every kind has its own band of the day, so that a unit's events never overlap. How
events become documents is in postings.py; what a movement type means to the ledger is in the seed movement_types.csv.
"""

from __future__ import annotations

from enum import IntEnum

import numpy as np
import polars as pl

from pipelines.simulator.config import DAY_SECONDS

__all__ = ["AT_VENDOR", "BACK_ROOM", "FLOOR", "HOLD", "IN_TRANSIT", "NOWHERE", "Kind", "at", "moves", "posting_second"]

NOWHERE = -1
IN_TRANSIT, FLOOR, BACK_ROOM, HOLD, AT_VENDOR = 0, 1, 2, 6, 9
"""Storage locations as numbers: 0001, 0002, 0006; 0 is on the way to the site, 9 is with a repair vendor."""


class Kind(IntEnum):
    """What happens to a unit; the order is the order of documents within a day."""

    OPENING = 0  # 561
    CENTRE_RECEIPT = 1  # 101 for a vendor's delivery
    ISSUE = 2  # 641, by the delivery document
    STORE_RECEIPT = 3  # 101 for a replenishment delivery
    TO_BACK_ROOM = 4  # 311
    TO_FLOOR = 5  # 311
    SALE = 6  # 251, by the till receipt
    RETURN = 7  # 252, by the till receipt
    TO_HOLD = 8  # 311
    FROM_HOLD = 9  # 311
    MOVE = 10  # 301
    REMOVE = 11  # 303
    PLACE = 12  # 305
    TO_VENDOR = 13  # 541
    FROM_VENDOR = 14  # 542
    REPAIRED = 15  # 101 and 543 on a subcontracting order
    VENDOR_RETURN = 16  # 122
    SCRAP = 17  # 551
    LOSS = 18  # 702
    GAIN = 19  # 701
    INSPECT = 20  # a scan, no movement
    VANISH = 21  # nobody sees it


_BANDS: dict[Kind, tuple[int, int, int]] = {
    # first second of the day, width in seconds, second of posting
    Kind.OPENING: (6 * 3600, 600, 23_400),
    Kind.CENTRE_RECEIPT: (8 * 3600, 9000, 38_700),
    Kind.ISSUE: (14 * 3600, 9000, 59_400),
    Kind.STORE_RECEIPT: (8 * 3600, 4500, 33_600),
    Kind.FROM_HOLD: (33_900, 480, 34_560),
    Kind.TO_BACK_ROOM: (34_800, 600, 35_580),
    Kind.TO_FLOOR: (34_800, 600, 35_580),
    Kind.SALE: (10 * 3600, 36_000, 0),
    Kind.RETURN: (10 * 3600, 35_700, 0),
    Kind.TO_HOLD: (73_680, 600, 74_460),
    Kind.INSPECT: (72_300, 1200, 0),
    Kind.MOVE: (74_700, 600, 75_480),
    Kind.REMOVE: (74_700, 600, 75_480),
    Kind.PLACE: (8 * 3600, 4500, 33_600),
    Kind.TO_VENDOR: (12 * 3600, 1800, 45_600),
    Kind.FROM_VENDOR: (13 * 3600, 1800, 49_200),
    Kind.REPAIRED: (13 * 3600, 1800, 49_200),
    Kind.VENDOR_RETURN: (12 * 3600, 1800, 45_600),
    Kind.SCRAP: (12 * 3600, 1800, 45_600),
    Kind.LOSS: (77_700, 1, 77_700),
    Kind.GAIN: (77_700, 1, 77_700),
    Kind.VANISH: (11 * 3600, 1800, 0),
}
_POSTED = np.array([_BANDS[kind][2] for kind in Kind])


def at(rng: np.random.Generator, kind: Kind, day: np.ndarray) -> np.ndarray:
    """A moment within the band of `kind` on each day, in seconds from the start of the horizon."""
    first, width, _ = _BANDS[kind]
    return day * DAY_SECONDS + first + rng.integers(0, width, len(day))


def posting_second(kind: np.ndarray, time: np.ndarray) -> np.ndarray:
    """When the posting of an event reaches the ERP: the same day, minutes after the last scan of its document."""
    return time - time % DAY_SECONDS + _POSTED[kind]


def moves(
    kind: Kind,
    unit: np.ndarray,
    time: np.ndarray,
    *,
    site,
    location=FLOOR,
    to_site=NOWHERE,
    to_location=NOWHERE,
    reference=-1,
    used=False,
    posted=True,
    physical=True,
) -> pl.DataFrame:
    """One row per unit: an event of one kind. `to_*` is the place after it; `reference` is a delivery or a vendor.

    `posted` tells that a document says so, `physical` that it really happened.
    """
    count = len(unit)
    columns = {
        "unit": (unit, np.int32),
        "time": (time, np.int32),
        "kind": (kind, np.int8),
        "site": (site, np.int16),
        "location": (location, np.int8),
        "to_site": (to_site, np.int16),
        "to_location": (to_location, np.int8),
        "reference": (reference, np.int32),
        "used": (used, np.bool_),
        "posted": (posted, np.bool_),
        "physical": (physical, np.bool_),
    }
    return pl.DataFrame({name: np.broadcast_to(np.asarray(v, dtype=t), count) for name, (v, t) in columns.items()})
