"""Asking for predictions in a test, the short way."""

from uuid import UUID

import orjson

from app.identifiers import new_id
from app.models import Channel
from app.services.predictions import Ask, begin_attempt
from app.services.submissions import JSONSubmission
from tests.support.cast import GOOD_ROW


def ask(app, member, rows: int = 1, **more) -> list[UUID]:
    """Have rows answered for a member of the cast; return the records' identifiers."""
    answer = app.extensions["predictions"].predict(request_of(member, rows, **more))
    return [UUID(row.id) for row in answer.rows]


def request_of(member, rows: int = 1, respond=lambda answer: answer, **more) -> Ask:
    """Return a request for predictions of a member of the cast."""
    body = {"inputs": [GOOD_ROW | {"age": 20.0 + row % 50} for row in range(rows)]} | more
    caller = member.caller
    return Ask(
        attempt=begin_attempt(caller, Channel.API, new_id()),
        caller=caller,
        submission=JSONSubmission(orjson.dumps(body), 10_000),
        model="churn",
        respond=respond,
    )
