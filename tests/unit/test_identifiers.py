"""Identifiers: UUIDv7, ordered, and carrying their time."""

import threading
from datetime import UTC, datetime, timedelta
from uuid import RFC_4122, UUID

from hypothesis import given
from hypothesis import strategies as st

from app import identifiers
from app.identifiers import first_id_at, new_id, new_id_text, time_of


def test_an_identifier_is_a_uuid_of_version_7():
    identifier = new_id()
    assert (identifier.version, identifier.variant) == (7, RFC_4122)


def test_identifiers_carry_the_time():
    assert abs(time_of(new_id()) - datetime.now(UTC)) < timedelta(seconds=1)


def test_identifiers_of_one_process_ascend_over_threads():
    found: list = []

    def make():
        for _ in range(2000):
            with lock:
                found.append(new_id())

    lock = threading.Lock()
    threads = [threading.Thread(target=make) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert found == sorted(found)
    assert len(set(found)) == len(found)


def test_a_small_step_back_of_the_clock_keeps_the_order(monkeypatch):
    before = new_id()
    now = identifiers.time.time_ns()
    monkeypatch.setattr(identifiers.time, "time_ns", lambda: now - 2_000_000_000)
    assert new_id() > before


def test_a_large_step_back_follows_the_clock(monkeypatch):
    now = identifiers.time.time_ns()
    year = 365 * 86_400 * 10**9
    monkeypatch.setattr(identifiers.time, "time_ns", lambda: now + year)
    ahead = new_id()
    monkeypatch.setattr(identifiers.time, "time_ns", lambda: now)
    assert new_id() < ahead
    assert abs(time_of(new_id()) - datetime.now(UTC)) < timedelta(minutes=1)


@given(st.datetimes(datetime(1971, 1, 1), datetime(8000, 1, 1), timezones=st.just(UTC)))  # noqa: DTZ001
def test_the_first_identifier_of_a_moment_has_its_millisecond(moment):
    assert time_of(first_id_at(moment)) == moment.replace(
        microsecond=moment.microsecond // 1000 * 1000
    )


def test_an_identifier_written_directly_is_one_written_by_way_of_the_number():
    before, text, after = new_id(), new_id_text(), new_id()
    assert str(UUID(text)) == text
    assert before < UUID(text) < after
