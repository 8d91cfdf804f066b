"""Counts and times every request, by endpoint and never by path: a path may name a person's record."""

import time

from app import metrics
from app.application import Application, Call, Notes

#: Anything else a client may call a method is one more label, and each label costs memory.
_METHODS = frozenset({"GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS"})


def init_app(app: Application) -> None:
    """Measure every request."""
    app.before_every_request(_begin)
    app.at_the_end_of_every_request(_count)


def _begin(_: Call, notes: Notes) -> None:
    notes.started = time.perf_counter()


def _count(call: Call, notes: Notes) -> None:
    known = vars(notes)
    if "status" not in known:
        return
    endpoint = call.endpoint or "none"
    method = call.method if call.method in _METHODS else "other"
    metrics.requests(method, endpoint, notes.status).add(1)
    if "started" in known:
        metrics.request_seconds(endpoint).observe(notes.ended - notes.started)
