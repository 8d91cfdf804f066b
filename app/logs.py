"""Structured logs: one event a line, with the request's id, and never any inputs."""

import logging
import re
import sys

import structlog
from flask import Flask, Response, g, request
from structlog.types import EventDict, Processor, WrappedLogger

from app.identifiers import new_id
from config import LogFormat, Settings

log = structlog.get_logger(__name__)
_REQUEST_ID = re.compile(r"[A-Za-z0-9._:-]{1,128}")


def init_app(app: Flask, settings: Settings) -> None:
    """Set logging up, and give each request an id that its log lines and its answer carry."""
    configure(settings)
    app.before_request(_bind_request)
    app.after_request(_show_request_id)
    app.after_request(_log_answer)


def configure(settings: Settings) -> None:
    """Send structlog's and the libraries' logs to standard error, in one format."""
    renderer: Processor = (
        structlog.processors.JSONRenderer()
        if settings.log_format is LogFormat.JSON
        else structlog.dev.ConsoleRenderer(colors=sys.stderr.isatty())
    )
    shared: list[Processor] = [
        structlog.contextvars.merge_contextvars,
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
    root = logging.getLogger()
    root.handlers = [handler]
    root.setLevel(settings.log_level)
    logging.getLogger("alembic").setLevel("WARNING")


def _drop_exception_words(_: WrappedLogger, __: str, event: EventDict) -> EventDict:
    """Leave tracebacks out: an exception's words may quote inputs."""
    event.pop("exc_info", None)
    return event


def _bind_request() -> None:
    """Name the request: by an id of our own, which its records carry, and by the client's if any."""
    g.request_id = new_id()
    given = request.headers.get("X-Request-Id", "")
    g.client_request_id = given if _REQUEST_ID.fullmatch(given) else None
    structlog.contextvars.clear_contextvars()
    structlog.contextvars.bind_contextvars(request_id=str(g.request_id))
    if g.client_request_id:
        structlog.contextvars.bind_contextvars(client_request_id=g.client_request_id)


def _log_answer(response: Response) -> Response:
    """Log refusals and failures; successes only for debugging, for they are many and counted.

    The line has the endpoint and never the address, which may name a person's record.
    """
    levels = {4: log.info, 5: log.error}
    write = levels.get(response.status_code // 100, log.debug)
    write("answered", method=request.method, endpoint=request.endpoint, status=response.status_code)
    return response


def _show_request_id(response: Response) -> Response:
    response.headers["X-Request-Id"] = g.get("client_request_id") or str(g.get("request_id", ""))
    return response
