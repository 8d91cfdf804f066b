"""Routes that programs ask for again and again, found once."""

from collections.abc import Callable, Mapping
from typing import Any

from flask import Request
from werkzeug.exceptions import HTTPException
from werkzeug.routing import MapAdapter, Rule

_MOST, _LONGEST = 1024, 500
#: What the adapter of a request depends on, beside its method.
_PLACE = ("HTTP_HOST", "wsgi.url_scheme", "SERVER_NAME", "SERVER_PORT", "SCRIPT_NAME", "PATH_INFO")


class KnownRoutes:
    """Adapters of the addresses that were posted to, each with the route it leads to.

    To bind and match an address costs as much as to read and validate a row. Programs post to as many
    addresses as there are models; what is remembered is bounded all the same.

    Args:
        make: makes the adapter of a request, and refuses hosts that are not trusted.
    """

    def __init__(self, make: Callable[[Request], MapAdapter]) -> None:
        self._make = make
        self._known: dict[tuple[Any, ...], MapAdapter] = {}

    def adapter(self, request: Request) -> MapAdapter:
        """Return the adapter of a request that posts something."""
        place = tuple(map(request.environ.get, _PLACE))
        known = self._known.get(place)
        return self._remember(place, self._make(request)) if known is None else known

    def _remember(self, place: tuple[Any, ...], adapter: MapAdapter) -> MapAdapter:
        try:
            rule, values = adapter.match(return_rule=True)
        except HTTPException:  # It is raised when Flask asks, and not remembered.
            return adapter
        if sum(len(part or "") for part in place) > _LONGEST:
            return adapter
        if len(self._known) >= _MOST:
            self._known.clear()
        self._known[place] = known = _KnownRoute(adapter, rule, values)
        return known


class _KnownRoute(MapAdapter):
    """An adapter that knows what its address matches."""

    def __init__(self, adapter: MapAdapter, rule: Rule, values: Mapping[str, Any]) -> None:
        vars(self).update(vars(adapter))
        self._found, self.query_args = (rule, values), None

    def match(self, *args: Any, **options: Any) -> Any:
        """Return the known route, if that is what is asked for."""
        if args or options != {"return_rule": True}:
            return super().match(*args, **options)
        rule, values = self._found
        return rule, dict(values)
