"""Asking for predictions: every door of programs comes here with what it was sent."""

from collections.abc import Callable

from flask import Response

from app.application import Call, this_app, this_call
from app.bodies import declared_length, read_body
from app.models import Channel
from app.request_keys import idempotency_key, key_fault
from app.services.answers import Answer
from app.services.errors import ServiceError
from app.services.predictions import Ask, Predictions, begin_attempt
from app.services.submissions import Submission, UnreadSubmission
from config import Settings

#: Makes a submission of a body and of how many rows it may have.
Understand = Callable[[bytes, int], Submission]
#: Makes a response of an answer.
Respond = Callable[[Answer], Response]
#: Says why a request is refused whatever it asks, if it is.
Refuse = Callable[[Call], ServiceError | None]


def ask(
    understand: Understand,
    respond: Respond,
    channel: Channel,
    model: str,
    number: int | None = None,
    *,
    refuse: Refuse,
    variant: str = "",
) -> Response:
    """Answer this request, which is recorded; so is a refusal.

    Args:
        understand: makes a submission of the body.
        respond: makes a response of the answer, perhaps before its record is committed; it leaves only after that.
        channel: the door.
        model: the model's name.
        number: of the version; None for the active one.
        refuse: says why the request is refused whatever it asks, if it is.
        variant: what the meaning of the body depends on, beside itself.

    Raises:
        ServiceError: why there is no answer.
    """
    call, notes = this_call()
    services = this_app().extensions
    service: Predictions = services["predictions"]
    key = idempotency_key(call)
    unusable = key_fault(key)
    asked = Ask(
        attempt=begin_attempt(notes.caller, channel, notes.request_id, notes.client_request_id),
        caller=notes.caller,
        submission=_submission_of(call, understand, services["settings"]),
        model=model,
        number=number,
        key=None if unusable else key,
        variant=variant,
        respond=respond,
    )
    fault = refuse(call) or unusable
    answer = service.refuse(asked, fault) if fault else service.predict(asked)
    if (draft := asked.draft) is not None and draft.answer is answer:
        response: Response = draft.response
        return response
    return respond(answer)


def _submission_of(call: Call, understand: Understand, settings: Settings) -> Submission:
    """Return what was sent; what cannot be read whole is refused where it is recorded."""
    try:
        body = read_body(call, settings.max_body_bytes)
    except ServiceError as error:
        return UnreadSubmission(declared_length(call), error)
    return understand(body, settings.max_rows)
