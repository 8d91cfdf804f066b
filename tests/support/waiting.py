"""Waiting for what another thread or process is about to do."""

import time
from contextlib import closing

import psycopg2
import pytest


def until(condition, seconds=20):
    """Wait until a condition holds."""
    end = time.monotonic() + seconds
    while not condition():
        if time.monotonic() > end:
            pytest.fail("it did not happen in time")
        time.sleep(0.02)


def waits_for_a_lock(url) -> int:
    """How many sessions of a database wait for a lock."""
    with closing(psycopg2.connect(url)) as connection, connection.cursor() as cursor:
        cursor.execute(
            "SELECT count(*) FROM pg_stat_activity WHERE wait_event_type = 'Lock'"
            " AND datname = current_database()"
        )
        return cursor.fetchone()[0]
