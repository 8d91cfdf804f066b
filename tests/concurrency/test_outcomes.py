"""The same outcome, reported by many at once, is one."""

from concurrent.futures import ThreadPoolExecutor

from sqlalchemy import select

from app.extensions import db
from app.models import Outcome
from app.services import reporting
from app.services.reporting import Report
from tests.support.asking import ask


def test_the_same_list_at_once_makes_nothing_twice(fresh_app, cast):
    with fresh_app.app_context():
        ids = ask(fresh_app, cast["owner"], rows=30)
    reports = [Report(id=str(one), value="yes") for one in ids]

    def report(number):
        with fresh_app.app_context():
            given = reports if number % 2 else reports[::-1]
            return [one.fate for one in reporting.report_outcomes(cast["owner"].caller, given)]

    with ThreadPoolExecutor(6) as pool:
        fates = [fate for told in pool.map(report, range(6)) for fate in told]
    assert fates.count("recorded") == 30
    assert fates.count("unchanged") == 150
    with fresh_app.app_context():
        assert len(db.session.scalars(select(Outcome)).all()) == 30


def test_long_lists_in_other_orders_do_not_wait_in_a_circle(fresh_app, cast, monkeypatch):
    """Each list is reported in several parts."""
    monkeypatch.setattr(reporting, "_AT_ONCE", 5)
    with fresh_app.app_context():
        ids = ask(fresh_app, cast["owner"], rows=40)
    reports = [Report(id=str(one), value="no") for one in ids]

    def report(number):
        with fresh_app.app_context():
            given = reports[:: 1 if number % 2 else -1]
            return len(reporting.report_outcomes(cast["owner"].caller, given))

    with ThreadPoolExecutor(6) as pool:
        assert list(pool.map(report, range(12))) == [40] * 12
