"""Structured logs: one event a line, with the request's id, and never any inputs."""

import logging
import re
import sys

import structlog
from flask import Response, g, has_request_context
from structlog.types import EventDict, Processor, WrappedLogger

from app.application import Application, Call, Notes
from app.identifiers import new_id_text
from config import LogFormat, Settings

log = structlog.get_logger(__name__)
_root = logging.getLogger()
_FAILED, _OUR_FAULT = 400, 500
_REQUEST_ID = re.compile(r"[A-Za-z0-9._:-]{1,128}")


def init_app(app: Application, settings: Settings) -> None:
    """Set logging up, and give each request an id that its log lines and its answer carry."""
    configure(settings)
    app.before_every_request(_bind_request)
    app.after_every_request(_log_answer)
    app.after_every_request(_show_request_id)


def configure(settings: Settings) -> None:
    """Send structlog's and the libraries' logs to standard error, in one format."""
    renderer: Processor = (
        structlog.processors.JSONRenderer()
        if settings.log_format is LogFormat.JSON
        else structlog.dev.ConsoleRenderer(colors=sys.stderr.isatty())
    )
    shared: list[Processor] = [
        _name_request,
        structlog.processors.add_log_level,
        structlog.processors.TimeStamper(fmt="iso", utc=True),
        _drop_exception_words,
    ]
    structlog.configure(
        processors=[*shared, structlog.stdlib.ProcessorFormatter.wrap_for_formatter],
        logger_factory=structlog.stdlib.LoggerFactory(),
        wrapper_class=structlog.make_filtering_bound_logger(
            logging.getLevelName(settings.log_level)
        ),
        cache_logger_on_first_use=False,
    )
    handler = logging.StreamHandler(sys.stderr)
    handler.setFormatter(
        structlog.stdlib.ProcessorFormatter(
            processors=[structlog.stdlib.ProcessorFormatter.remove_processors_meta, renderer],
            foreign_pre_chain=shared,
        )
    )
    _root.handlers = [handler]
    _root.setLevel(settings.log_level)
    logging.getLogger("alembic").setLevel("WARNING")


def _name_request(_: WrappedLogger, __: str, event: EventDict) -> EventDict:
    """Add the request's id: only to lines that are written, for most requests write none."""
    if has_request_context() and "request_id" in g:
        event["request_id"] = g.request_id
        if g.client_request_id:
            event["client_request_id"] = g.client_request_id
    return event


def _drop_exception_words(_: WrappedLogger, __: str, event: EventDict) -> EventDict:
    """Leave tracebacks out: an exception's words may quote inputs."""
    event.pop("exc_info", None)
    return event


def _bind_request(call: Call, notes: Notes) -> None:
    """Name the request: by an id of our own, which its records carry, and by the client's if any."""
    notes.request_id = new_id_text()
    given = call.environ.get("HTTP_X_REQUEST_ID", "")
    notes.client_request_id = given if given and _REQUEST_ID.fullmatch(given) else None


def _log_answer(call: Call, _: Notes, response: Response) -> None:
    """Log refusals and failures; successes only for debugging, for they are many and counted.

    The line has the endpoint and never the address, which may name a person's record.
    """
    status = response.status_code
    if status >= _FAILED or _root.level <= logging.DEBUG:
        write = log.error if status >= _OUR_FAULT else log.info if status >= _FAILED else log.debug
        write("answered", method=call.method, endpoint=call.endpoint, status=status)


def _show_request_id(_: Call, notes: Notes, response: Response) -> None:
    known = vars(notes)
    response.headers.add(
        "X-Request-Id", known.get("client_request_id") or known.get("request_id", "")
    )
