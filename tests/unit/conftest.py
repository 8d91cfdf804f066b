"""Unit tests cannot reach a database: trying is an error."""

import psycopg2
import pytest


@pytest.fixture(autouse=True)
def no_database(monkeypatch):
    def refuse(*_, **__):
        raise AssertionError("a unit test tried to reach the database")

    monkeypatch.setattr(psycopg2, "connect", refuse)
