"""Asking for predictions through another protocol: the same service, the same record."""

from collections.abc import Callable
from typing import Any, Literal
from uuid import UUID

import orjson
from flask import Request, Response, current_app, g, request

from app.bodies import submission_of
from app.errors import REPLAYED
from app.models import Channel
from app.request_keys import IdempotencyKey, idempotency_key, key_fault
from app.services.answers import Answer
from app.services.errors import ServiceError, WrongMediaTypeError
from app.services.predictions import Ask, Predictions, begin_attempt
from app.services.submissions import Submission

_JSON = "application/json"
#: What all routes that ask have in common, for their descriptions.
ASKED: Any = {
    "headers": {"Idempotency-Key": IdempotencyKey},
    "answer_headers": {"Daybook-Prediction-Id": UUID, REPLAYED: Literal["true"]},
    "refusals": (404, 409, 500),
}


def ask(
    understand: Callable[[bytes], Submission],
    channel: Channel,
    model: str,
    number: int | None = None,
    fault: ServiceError | None = None,
    variant: str | None = None,
) -> Answer:
    """Return the answer to this request, which is recorded; so is a refusal.

    Args:
        understand: makes a submission of the body.
        channel: the protocol.
        model: the model's name.
        number: of the version; None for the active one.
        fault: why the request is refused whatever it asks.
        variant: what the meaning of the body depends on beside itself; the protocol, if nothing else is said.

    Raises:
        ServiceError: why there is no answer.
    """
    this: Request = request._get_current_object()  # type: ignore[attr-defined]
    service: Predictions = current_app.extensions["predictions"]
    key = idempotency_key(this)
    fault = fault or key_fault(key) or _encoding_fault(this)
    asked = Ask(
        attempt=begin_attempt(g.caller, channel, g.request_id, g.client_request_id),
        caller=g.caller,
        submission=submission_of(this, understand),
        model=model,
        number=number,
        key=None if key_fault(key) else key,
        variant=variant or str(channel),
    )
    return service.refuse(asked, fault) if fault else service.predict(asked)


def _encoding_fault(request: Request) -> ServiceError | None:
    if request.headers.get("Content-Encoding", "identity") == "identity":
        return None
    return WrongMediaTypeError("Send the body as it is, without a Content-Encoding.")


def outputs_of(answer: Answer) -> list[dict[str, Any]]:
    """Return the outputs of the rows."""
    return [orjson.loads(row.output) for row in answer.rows]


def answered(answer: Answer, document: Any) -> Response:
    """Return the answer in JSON; it says whether it was given before."""
    response = Response(orjson.dumps(document), content_type=_JSON)
    return marked(answer, response)


def marked(answer: Answer, response: Response) -> Response:
    """Return a response that names the record of its first row, and says whether it was given before."""
    response.headers["Daybook-Prediction-Id"] = answer.rows[0].id
    if answer.replayed:
        response.headers[REPLAYED] = "true"
    return response
