"""One request at a time, where throughput is not the question."""

import json
import urllib.request
from typing import Any

from benchmarks.load import Target

_SECONDS_TO_ANSWER = 120


def ask(target: Target, body: bytes) -> dict[str, Any]:
    """Post a body and return the answer, read as JSON; see `post`."""
    answer: dict[str, Any] = json.loads(post(target, body))
    return answer


def post(target: Target, body: bytes) -> bytes:
    """Post a body and return that of the answer.

    Raises:
        OSError: if there is none, or it is an error.
    """
    headers = dict(header.split(": ", 1) for header in target.headers)
    request = urllib.request.Request(
        target.url, body, headers | {"Content-Type": "application/json"}
    )
    with urllib.request.urlopen(request, timeout=_SECONDS_TO_ANSWER) as response:
        answer: bytes = response.read()
        return answer
