"""Counts and times every request, by endpoint and never by path: a path may name a person's record."""

import time

from flask import Flask, Response, g, request

from app import metrics

#: Anything else a client may call a method is one more label, and each label costs memory.
_METHODS = frozenset({"GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS"})


def init_app(app: Flask) -> None:
    """Measure every request."""
    app.before_request(_begin)
    app.after_request(_count)
    app.teardown_request(_end)


def _begin() -> None:
    g.started = time.perf_counter()
    metrics.IN_FLIGHT.inc()


def _count(response: Response) -> Response:
    endpoint = request.endpoint or "none"
    method = request.method if request.method in _METHODS else "other"
    metrics.REQUESTS.labels(method, endpoint, response.status_code).inc()
    if "started" in g:
        metrics.REQUEST_SECONDS.labels(endpoint).observe(time.perf_counter() - g.started)
    return response


def _end(_: BaseException | None) -> None:
    if g.pop("started", None) is not None:
        metrics.IN_FLIGHT.dec()
