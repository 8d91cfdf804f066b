"""Asking for predictions through another protocol: the same service, the same record."""

from typing import Any, Literal
from uuid import UUID

import orjson
from flask import Response

from app import asking
from app.answers import json_answer
from app.application import Call
from app.errors import REPLAYED
from app.models import Channel
from app.request_keys import IdempotencyKey
from app.services.answers import Answer
from app.services.errors import ServiceError, WrongMediaTypeError

#: What all routes that ask have in common, for their descriptions.
ASKED: Any = {
    "headers": {"Idempotency-Key": IdempotencyKey},
    "answer_headers": {"Daybook-Prediction-Id": UUID, REPLAYED: Literal["true"]},
    "refusals": (404, 409, 500),
}


def ask(
    understand: asking.Understand,
    respond: asking.Respond,
    channel: Channel,
    model: str,
    number: int | None = None,
    refuse: asking.Refuse = lambda _: None,
    variant: str | None = None,
) -> Response:
    """Ask as `app.asking.ask` does; refuse encoded bodies too, and let their meaning depend on the protocol."""
    return asking.ask(
        understand, respond, channel, model, number,
        refuse=lambda call: refuse(call) or _encoding_fault(call), variant=variant or str(channel),
    )  # fmt: skip


def _encoding_fault(call: Call) -> ServiceError | None:
    if call.headers.get("Content-Encoding", "identity") == "identity":
        return None
    return WrongMediaTypeError("Send the body as it is, without a Content-Encoding.")


def outputs_of(answer: Answer) -> list[dict[str, Any]]:
    """Return the outputs of the rows."""
    return [orjson.loads(row.output) for row in answer.rows]


def predictions_answer(answer: Answer) -> Response:
    """Return the predictions of the rows, without probabilities."""
    predictions = [output["prediction"] for output in outputs_of(answer)]
    return marked(answer, json_answer({"predictions": predictions}))


def marked(answer: Answer, response: Response) -> Response:
    """Return a response that names the record of its first row, and says whether it was given before."""
    response.headers["Daybook-Prediction-Id"] = answer.rows[0].id
    if answer.replayed:
        response.headers[REPLAYED] = "true"
    return response
