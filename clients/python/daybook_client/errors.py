"""What can go wrong."""

from collections.abc import Mapping
from typing import Any


class DaybookError(Exception):
    """The service refused or failed; `problem` is its problem document (RFC 9457).

    Args:
        status: the HTTP status.
        problem: what the service says; `errors` in it names each fault and its place.
    """

    def __init__(self, status: int, problem: Mapping[str, Any]) -> None:
        self.status = status
        self.problem = dict(problem)
        super().__init__(
            f"{status}: {problem.get('detail') or problem.get('title') or 'no reason'}"
        )


class UnreachableError(Exception):
    """The service did not answer, however often it was asked."""


class WrongProofError(Exception):
    """A proof does not prove what it should."""


class NotSealedError(Exception):
    """The record is not in the book yet; it will be within seconds."""
