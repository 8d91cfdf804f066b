"""`/livez`, `/readyz`, `/metrics`, `/version`."""

import hmac
from typing import Literal

from flask import Blueprint, Response, current_app, request
from sqlalchemy.exc import SQLAlchemyError
from typing_extensions import TypedDict

from app import access, metrics
from app.answers import json_answer
from app.describing import PROBLEM, TEXT, describe
from app.error_shapes import Problem
from app.extensions import db
from app.health import ledger_metrics
from app.readiness import readiness
from app.sealer.sealer import Sealer
from app.services import ledger
from app.services.errors import NotSignedInError
from app.version import VERSION
from config import Settings

blueprint = Blueprint("health", __name__)


class Alive(TypedDict):
    """The process lives."""

    status: Literal["alive"]


class Readiness(TypedDict):
    """Whether requests can be served, and what is missing."""

    status: Literal["ready", "not ready"]
    failing: list[str]


@blueprint.get("/livez")
@access.public
@describe(answers={200: Alive})
def livez() -> Response:
    """Answer that the process lives, whatever the database does."""
    return json_answer({"status": "alive"})


@blueprint.get("/readyz")
@access.public
@describe(answers={200: Readiness, 503: Readiness})
def readyz() -> Response:
    """Answer whether requests can be served: database, migrations, active models."""
    faults = readiness()
    for name, why in faults.items():
        current_app.logger.warning("not ready: %s: %s", name, why)
    status = "ready" if not faults else "not ready"
    return json_answer({"status": status, "failing": sorted(faults)}, 503 if faults else 200)


@blueprint.get("/metrics")
@access.public
@describe(answers={200: {TEXT: str}, 401: {PROBLEM: Problem}})
def show_metrics() -> Response:
    """Show the metrics, to holders of `DAYBOOK_METRICS_TOKEN` if there is one.

    Raises:
        NotSignedInError: if the token is missing or wrong, or production has none.
    """
    settings: Settings = current_app.extensions["settings"]
    token = settings.metrics_token.get_secret_value()
    given = request.authorization.token if request.authorization else None
    if not token and settings.production:
        raise NotSignedInError("Set DAYBOOK_METRICS_TOKEN and send it as a bearer token.")
    if token and not hmac.compare_digest(token.encode(), (given or "").encode()):
        raise NotSignedInError("Send DAYBOOK_METRICS_TOKEN as a bearer token.")
    return Response(
        metrics.exposition() + _ledger_metrics(),
        content_type="text/plain; version=0.0.4; charset=utf-8",
    )


def _ledger_metrics() -> bytes:
    """Return what the database tells; nothing while it does not answer."""
    sealer: Sealer = current_app.extensions["sealer"]
    try:
        return ledger_metrics.exposition(ledger.status([sink.name for sink in sealer.sinks]))
    except SQLAlchemyError:
        db.session.rollback()
        return b""


@blueprint.get("/version")
@access.public
@describe(answers={200: {TEXT: str}})
def show_version() -> Response:
    """Answer with the bare version."""
    return Response(VERSION, content_type="text/plain; charset=utf-8")
