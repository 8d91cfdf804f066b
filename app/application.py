"""The Flask application, with a short way for programs."""

from collections.abc import Callable
from typing import Any

from flask import Flask, Request, Response, g, request
from flask.ctx import _AppCtxGlobals
from flask.sessions import SecureCookieSession, SecureCookieSessionInterface
from werkzeug.routing import MapAdapter

from app.routing import KnownRoutes

#: What a request carries with it: Flask's `g`.
Notes = _AppCtxGlobals
Before = Callable[[Request, Notes], Any]
After = Callable[[Request, Notes, Response], None]
Teardown = Callable[[Notes], None]

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

    response_class = Answer

    def __init__(self, name: str) -> None:
        super().__init__(name)
        self.session_interface = _Sessions()
        self._routes = KnownRoutes(super().create_url_adapter)  # type: ignore[arg-type]
        self._before: list[Before] = []
        self._after: list[After] = []
        self._teardown: list[Teardown] = []
        self.before_request(self._call_before)
        self.after_request(self._call_after)
        self.teardown_request(lambda _: self._call_teardown())

    def before_every_request(self, hook: Before) -> None:
        """Call this before each request, of people and programs."""
        self._before.append(hook)

    def after_every_request(self, hook: After) -> None:
        """Call this with each response, of people and programs."""
        self._after.append(hook)

    def teardown_every_request(self, hook: Teardown) -> None:
        """Call this at the end of each request, whatever happened."""
        self._teardown.append(hook)

    def preprocess_request(self) -> Any:
        """Call the hooks before a request; the first that returns an answer ends it."""
        return super().preprocess_request() if self._goes_the_long_way() else self._call_before()

    def process_response(self, response: Any) -> Any:
        """Call the hooks after a request."""
        if self._goes_the_long_way():
            return super().process_response(response)
        return self._call_after(response)

    def do_teardown_request(self, *args: Any) -> None:
        """Call the hooks at the end of a request."""
        if self._goes_the_long_way():
            super().do_teardown_request(*args)
        else:
            self._call_teardown()

    def create_url_adapter(self, request: Request | None) -> MapAdapter | None:
        """Return what matches the address of a request, and builds others."""
        if request is None or request.method != "POST" or not is_for_programs(request.path):
            return super().create_url_adapter(request)
        return self._routes.adapter(request)

    def ensure_sync(self, func: Callable[..., Any]) -> Callable[..., Any]:
        """Return the function: none of ours is a coroutine."""
        return func

    def _call_before(self) -> Any:
        this, notes = request._get_current_object(), g._get_current_object()  # type: ignore[attr-defined]
        for hook in self._before:
            if (answer := hook(this, notes)) is not None:
                return answer
        return None

    def _call_after(self, response: Response) -> Response:
        this, notes = request._get_current_object(), g._get_current_object()  # type: ignore[attr-defined]
        for hook in self._after:
            hook(this, notes, response)
        return response

    def _call_teardown(self) -> None:
        notes = g._get_current_object()
        for hook in self._teardown:
            hook(notes)

    def _goes_the_long_way(self) -> bool:
        """Whether all hooks are needed: for pages, and where a limit counts the calls of programs."""
        return not is_for_programs(request.path) or bool(self.extensions["settings"].api_limit)


def is_for_programs(path: str) -> bool:
    """Whether a path is called by programs: decided by path, for every kind of error."""
    # A model may have the name: its page is /models/invocations.
    return path.startswith(PROGRAM_PATHS) or (path.endswith(_ALSO) and path.count("/") == 3)


class _Sessions(SecureCookieSessionInterface):
    """Sessions for people; programs have none, whatever cookies they send."""

    def open_session(self, app: Flask, request: Request) -> SecureCookieSession | None:
        if is_for_programs(request.path):
            return SecureCookieSession()
        return super().open_session(app, request)
