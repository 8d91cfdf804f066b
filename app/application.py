"""The Flask application, with a short way for programs."""

import time
from collections.abc import Callable, Iterable
from typing import Any

from flask import Flask, Request, Response
from flask.ctx import _AppCtxGlobals
from flask.globals import _cv_app, _cv_request
from flask.sessions import SecureCookieSession, SecureCookieSessionInterface
from werkzeug.routing import MapAdapter

from app.afterwards import AFTERWARDS
from app.routing import KnownRoutes


class Call(Request):
    """A request that knows who makes it: a program, or a person's browser."""

    def __init__(self, environ: dict[str, Any], **options: Any) -> None:
        super().__init__(environ, **options)
        self.is_by_program = is_for_programs(self.path)

    def close(self) -> None:
        """Close the files that were sent: programs send none."""
        if not self.is_by_program:
            super().close()


class Notes(_AppCtxGlobals):
    """What a request carries with it: Flask's `g`.

    Attributes:
        request_id: our own name of the request.
        client_request_id: the client's, if it has one.
        caller: who asks, if it is known (`Caller`).
        started: when the request began, by the clock that measures.
        status: of the response, when there is one.
        ended: when there was one, by the same clock.
    """

    request_id: str
    client_request_id: str | None
    caller: Any
    started: float
    status: int
    ended: float
    __setattr__ = object.__setattr__  # type: ignore[assignment]


Before = Callable[[Call, Notes], Any]
After = Callable[[Call, Notes, Response], None]
AtTheEnd = Callable[[Call, Notes], None]

#: Paths that programs call; everything else is a page for people.
PROGRAM_PATHS = (
    "/api/",
    "/v1/",
    "/v2",
    "/invocations",
    "/ping",
    "/health",
    "/livez",
    "/readyz",
    "/metrics",
    "/version",
    "/openapi.json",
)
_ALSO = "/invocations"


class Answer(Response):
    """A response; one that is there as a whole is handed to the server as a whole, which is quicker."""

    def get_app_iter(self, environ: Any) -> Any:
        """Return the body: a list of its parts where nothing is to be done after they are sent."""
        if self.is_sequence and not self._on_close and environ["REQUEST_METHOD"] != "HEAD":
            return list(self.iter_encoded())
        return super().get_app_iter(environ)


class Application(Flask):
    """Flask; requests of programs pass only the hooks that are meant for every request.

    Sign-in by session, CSRF tokens and remembered cookies belong to pages. What extensions do for them
    before and after each request costs more than a prediction, and means nothing where a token speaks.
    Our own hooks are given the request and its notes: to find them anew costs more than many hooks do.
    """

    request_class = Call
    response_class = Answer
    app_ctx_globals_class = Notes

    def __init__(self, name: str) -> None:
        super().__init__(name)
        self.session_interface = _Sessions()
        self._routes = KnownRoutes(super().create_url_adapter)  # type: ignore[arg-type]
        self._before: list[Before] = []
        self._after: list[After] = []
        self._at_the_end: list[AtTheEnd] = []
        self.before_request(lambda: self._call_before(*this_call()))
        self.after_request(lambda response: self._call_after(*this_call(), response))

    def before_every_request(self, hook: Before) -> None:
        """Call this before each request, of people and programs."""
        self._before.append(hook)

    def after_every_request(self, hook: After) -> None:
        """Call this with each response, of people and programs."""
        self._after.append(hook)

    def at_the_end_of_every_request(self, hook: AtTheEnd) -> None:
        """Call this when a request ends: in workers perhaps after its answer has left."""
        self._at_the_end.append(hook)

    def wsgi_app(
        self, environ: dict[str, Any], start_response: Callable[..., Any]
    ) -> Iterable[bytes]:
        """Answer as Flask does; where the answer may leave first, its context ends afterwards.

        What is called then is not told of an error that was answered.
        """
        if (work := environ.get(AFTERWARDS)) is None:
            return super().wsgi_app(environ, start_response)
        context = self.request_context(environ)
        work.append(context.pop)
        try:
            context.push()
            response = self.full_dispatch_request()
        except Exception as error:  # noqa: BLE001 (as Flask does)
            response = self.handle_exception(error)
        return response(environ, start_response)

    def full_dispatch_request(self) -> Response:
        """Answer a request; those of programs pass our own hooks only."""
        call, notes = this_call()
        if self._goes_the_long_way(call):
            return super().full_dispatch_request()
        try:
            given = self._call_before(call, notes)
            given = self._call_view(call) if given is None else given
        except Exception as error:  # noqa: BLE001 (as Flask does)
            given = self.handle_user_exception(error)
        response = given if isinstance(given, Answer) else self.make_response(given)
        return self._call_after(call, notes, response)

    def process_response(self, response: Any) -> Any:
        """Call the hooks after a request; of programs, when something broke before they were called."""
        call, notes = this_call()
        if self._goes_the_long_way(call):
            return super().process_response(response)
        return self._call_after(call, notes, response)

    def do_teardown_request(self, *args: Any) -> None:
        """End a request; nothing of the extensions' is left to do for one of a program."""
        call, notes = this_call()
        try:
            for hook in self._at_the_end:
                hook(call, notes)
        finally:
            if self._goes_the_long_way(call):
                super().do_teardown_request(*args)

    def create_url_adapter(self, request: Request | None) -> MapAdapter | None:
        """Return what matches the address of a request, and builds others."""
        if isinstance(request, Call) and request.is_by_program and request.method == "POST":
            return self._routes.adapter(request)
        return super().create_url_adapter(request)

    def ensure_sync(self, func: Callable[..., Any]) -> Callable[..., Any]:
        """Return the function: none of ours is a coroutine."""
        return func

    def _call_view(self, call: Call) -> Any:
        """Call the view directly, which is all that Flask's way would do, finding the request once more."""
        if call.routing_exception is None and call.url_rule is not None and call.method == "POST":
            return self.view_functions[call.url_rule.endpoint](**call.view_args or {})
        return self.dispatch_request()

    def _call_before(self, call: Call, notes: Notes) -> Any:
        for hook in self._before:
            if (answer := hook(call, notes)) is not None:
                return answer
        return None

    def _call_after(self, call: Call, notes: Notes, response: Response) -> Response:
        for hook in self._after:
            hook(call, notes, response)
        notes.status, notes.ended = response.status_code, time.perf_counter()
        return response

    def _goes_the_long_way(self, call: Call) -> bool:
        """Whether all hooks are needed: for pages, and where a limit counts the calls of programs."""
        return not call.is_by_program or bool(self.extensions["settings"].api_limit)


def this_call() -> tuple[Call, Notes]:
    """Return the request that this thread answers, and its notes: found once, not by each use of a proxy."""
    return _cv_request.get().request, _cv_app.get().g  # type: ignore[return-value]


def this_app() -> Application:
    """Return the application that answers; see `this_call`."""
    return _cv_app.get().app  # type: ignore[return-value]


def is_for_programs(path: str) -> bool:
    """Whether a path is called by programs: decided by path, for every kind of error."""
    # A model may have the name: its page is /models/invocations.
    return path.startswith(PROGRAM_PATHS) or (path.endswith(_ALSO) and path.count("/") == 3)


class _Sessions(SecureCookieSessionInterface):
    """Sessions for people; programs have none, whatever cookies they send."""

    def open_session(self, app: Flask, request: Request) -> SecureCookieSession | None:
        if request.is_by_program:  # type: ignore[attr-defined]
            return SecureCookieSession()
        return super().open_session(app, request)
