"""The client."""

from __future__ import annotations

import time
import uuid
from collections.abc import Iterable, Iterator, Mapping, Sequence
from os import PathLike
from pathlib import Path
from typing import TYPE_CHECKING, Any

import httpx

from daybook_client.errors import DaybookError, NotSealedError, UnreachableError
from daybook_client.records import Answer, Proof

if TYPE_CHECKING:
    import pandas as pd

_COME_AGAIN = {409, 429, 503}
_LONGEST_WAIT = 30.0
_PAGE = 500


class Client:
    """Calls a Daybook.

    Args:
        url: the address of the service.
        token: an API token of yours.
        timeout: seconds to wait for an answer.
        attempts: how often a request is sent, if there is no answer or it is told to come again later.
    """

    def __init__(self, url: str, token: str, *, timeout: float = 60, attempts: int = 5) -> None:
        self._attempts = attempts
        self._http = httpx.Client(
            base_url=url, timeout=timeout, headers={"Authorization": f"Bearer {token}"}
        )

    def __enter__(self) -> Client:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def close(self) -> None:
        """Close the connections."""
        self._http.close()

    def predict(
        self,
        model: str,
        rows: Sequence[Mapping[str, Any]] | pd.DataFrame,
        *,
        version: int | None = None,
        references: Sequence[str | None] | None = None,
        subjects: Sequence[str | None] | None = None,
        key: str | None = None,
    ) -> list[Answer]:
        """Return an answer for each row, all of them recorded.

        Args:
            model: the model's name.
            rows: by the names of the inputs; of a DataFrame what is missing (NaN) is null.
            version: the number of a version; the active one without it.
            references: your own names of the rows.
            subjects: whom they are about.
            key: an idempotency key of your own; one is made if there is none.

        Raises:
            DaybookError: if the request was refused.
            UnreachableError: if there was no answer; whether it was recorded, `predict` with the same key tells.
        """
        body: dict[str, Any] = {"inputs": _rows(rows)}
        body |= {"references": list(references)} if references is not None else {}
        body |= {"subjects": list(subjects)} if subjects is not None else {}
        place = f"/versions/{version}" if version is not None else ""
        answer = self._ask(
            "POST", f"/api/v1/models/{model}{place}/predictions", json=body,
            headers={"Idempotency-Key": key or str(uuid.uuid4())},
        )  # fmt: skip
        return [Answer(one["id"], one["output"], one["leaf_hash"]) for one in answer["predictions"]]

    def prediction(self, identifier: str) -> dict[str, Any]:
        """Return a whole record."""
        return self._ask("GET", f"/api/v1/predictions/{identifier}")

    def sealed_record(self, identifier: str) -> dict[str, Any]:
        """Return a record with the very texts that its proof commits to, for `Proof.check`."""
        return self._ask("GET", f"/api/v1/predictions/{identifier}/record")

    def predictions(self, query: str = "", *, limit: int | None = None) -> Iterator[dict[str, Any]]:
        """Yield the records that fit a query, the newest first.

        Args:
            query: in the query language.
            limit: how many at most.
        """
        cursor, left = None, limit
        while left is None or left > 0:
            size = _PAGE if left is None else min(left, _PAGE)
            asked = {"q": query, "limit": size} | ({"cursor": cursor} if cursor else {})
            page = self._ask("GET", "/api/v1/predictions", params=asked)
            yield from page["data"]
            left = None if left is None else left - len(page["data"])
            if (cursor := page["next"]) is None:
                return

    def predictions_frame(self, query: str = "", *, limit: int | None = None) -> pd.DataFrame:
        """Return the records that fit as a DataFrame: inputs and outputs as columns `input.…` and `output.…`."""
        import pandas as pd

        return pd.json_normalize([_flat(one) for one in self.predictions(query, limit=limit)])

    def report_outcome(self, identifier: str, outcome: Any) -> bool:
        """Report what turned out to be true; return whether it was new."""
        path = f"/api/v1/predictions/{identifier}/outcome"
        return bool(self._ask("POST", path, json={"outcome": outcome})["fate"] == "recorded")

    def report_outcomes(self, outcomes: Iterable[Mapping[str, Any]]) -> list[dict[str, Any]]:
        """Report many: each has an `outcome`, and an `id` or a `reference`. Return what became of each."""
        body = {"outcomes": [dict(one) for one in outcomes]}
        found: list[dict[str, Any]] = self._ask("POST", "/api/v1/outcomes", json=body)["results"]
        return found

    def review(self, identifier: str, verdict: str, **more: Any) -> dict[str, Any]:
        """Review an answer: "agree", "disagree" or "unsure"; with `correction`, `reason`, `note`, `is_outcome`."""
        body = {"verdict": verdict} | more
        return self._ask("POST", f"/api/v1/predictions/{identifier}/reviews", json=body)

    def export(
        self,
        path: str | PathLike[str],
        query: str = "",
        *,
        format: str = "ndjson",  # noqa: A002 (as the service calls it)
        reason: str | None = None,
    ) -> None:
        """Write what a query finds to a file, an archive with its manifest; the file is there when it is whole.

        Raises:
            DaybookError: if it was refused.
            UnreachableError: if it broke off.
        """
        asked = {"q": query, "format": format} | ({"reason": reason} if reason else {})
        target = Path(path)
        part = target.with_name(f"{target.name}.part")
        try:
            with (
                self._http.stream("GET", "/api/v1/exports", params=asked) as answer,
                part.open("wb") as file,
            ):
                if answer.is_error:
                    answer.read()
                    raise _error(answer)
                for piece in answer.iter_bytes():
                    file.write(piece)
            part.replace(target)
        except httpx.TransportError as error:
            raise UnreachableError(f"The export broke off: {error}") from error
        finally:
            part.unlink(missing_ok=True)

    def proof(self, identifier: str, *, wait: float = 0) -> Proof:
        """Return the proof that a record is in the book.

        Args:
            identifier: of the record.
            wait: seconds to wait until it is sealed.

        Raises:
            NotSealedError: if it is not sealed by then.
        """
        end = time.monotonic() + wait
        while True:
            answer = self._send("GET", f"/api/v1/predictions/{identifier}/proof")
            if answer.status_code != httpx.codes.ACCEPTED:
                return Proof(identifier, answer.text)
            if (left := end - time.monotonic()) <= 0:
                raise NotSealedError(f"{identifier} waits to be sealed.")
            time.sleep(min(left, 1.0))

    def _ask(self, method: str, path: str, **more: Any) -> dict[str, Any]:
        found: dict[str, Any] = self._send(method, path, **more).json()
        return found

    def _send(self, method: str, path: str, **more: Any) -> httpx.Response:
        """Send a request until it is answered; those that record something have a key, or change nothing twice."""
        trouble: Exception | None = None
        for attempt in range(self._attempts):
            if attempt:
                time.sleep(_pause(trouble, attempt))
            try:
                answer = self._http.request(method, path, **more)
            except httpx.TransportError as error:
                trouble = error
                continue
            if not answer.is_error:
                return answer
            trouble = _error(answer)
            if answer.status_code not in _COME_AGAIN or "Retry-After" not in answer.headers:
                raise trouble
        if isinstance(trouble, DaybookError):
            raise trouble
        raise UnreachableError(f"No answer after {self._attempts} attempts: {trouble}") from trouble


def _error(answer: httpx.Response) -> DaybookError:
    try:
        problem = answer.json()
    except ValueError:
        problem = {"title": answer.reason_phrase}
    error = DaybookError(answer.status_code, problem if isinstance(problem, dict) else {})
    error.problem.setdefault("retry_after", answer.headers.get("Retry-After"))
    return error


def _pause(trouble: Exception | None, attempt: int) -> float:
    told = str(trouble.problem.get("retry_after")) if isinstance(trouble, DaybookError) else ""
    return min(_LONGEST_WAIT, float(told) if told.isdecimal() else 0.1 * 2**attempt)


def _rows(rows: Sequence[Mapping[str, Any]] | pd.DataFrame) -> list[dict[str, Any]]:
    if isinstance(rows, Sequence):
        return [dict(row) for row in rows]
    table = rows.astype(object).where(rows.notna(), None)
    found: list[dict[str, Any]] = table.to_dict("records")
    return found


def _flat(record: Mapping[str, Any]) -> dict[str, Any]:
    """Return a record with its inputs and its output as columns."""
    found = {
        name: record[name]
        for name in (
            "id",
            "received_at",
            "model",
            "model_version",
            "status",
            "reference",
            "subject",
        )
    }
    for part, name in (("inputs", "input"), ("output", "output")):
        content = record[part]
        found |= (
            {f"{name}.{key}": value for key, value in content.items()}
            if isinstance(content, dict)
            else {}
        )
    outcome = record.get("outcome")
    return found | {"outcome": outcome["value"] if outcome else None}
