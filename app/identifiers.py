"""Identifiers: UUIDs of version 7 (RFC 9562 section 5.7), which order by time.

The 12 bits after the milliseconds hold the fraction of the millisecond (method 3 of section 6.2),
and one process never gives a smaller identifier than before, even when the clock steps back a little.
"""

import threading
import time
from datetime import UTC, datetime, timedelta
from uuid import UUID

from app.entropy import random_bytes

_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_VARIANT = 0b10 << 62
_VERSION = 7 << 12
_LARGEST_STEP_BACK = 10_000 << 12  # ten seconds, in ticks of 1/4096 ms
_lock = threading.Lock()
_last = 0


def new_id() -> UUID:
    """Return a new UUIDv7, greater than every earlier one of this process.

    If the clock steps back by more than ten seconds, order gives way to the clock: the identifier's
    time chooses the partition, and a far future must not last.
    """
    return UUID(new_id_text())


def new_id_text() -> str:
    """Return a new identifier as it is written; see `new_id`."""
    lower = _VARIANT | int.from_bytes(random_bytes(8)) >> 2
    digits = f"{_ticks() << 64 | lower:032x}"
    return f"{digits[:8]}-{digits[8:12]}-{digits[12:16]}-{digits[16:20]}-{digits[20:]}"


def time_of(identifier: UUID) -> datetime:
    """Return the time that a UUIDv7 carries, in UTC to the millisecond."""
    return _EPOCH + timedelta(milliseconds=identifier.int >> 80)


def first_id_at(moment: datetime) -> UUID:
    """Return the smallest identifier of a moment: the lower bound of a range of time."""
    return UUID(int=(moment - _EPOCH) // timedelta(milliseconds=1) << 80)


def _ticks() -> int:
    """Return the upper 64 bits: milliseconds, version and a 12-bit fraction, strictly increasing."""
    global _last
    nanoseconds = time.time_ns()
    with _lock:
        ticks = (nanoseconds // 1_000_000) << 12 | (nanoseconds % 1_000_000) * 4096 // 1_000_000
        stepped_back = _last - ticks
        if 0 <= stepped_back < _LARGEST_STEP_BACK:
            ticks = _last + 1
        _last = ticks
    return (ticks >> 12) << 16 | _VERSION | ticks & 0xFFF
