"""One request with 10,000 rows, beside PostgreSQL's COPY of the very records that it left."""

import io
import json
import time
from itertools import cycle, islice
from statistics import median
from typing import Any

from benchmarks.client import ask, post
from benchmarks.load import Target

ROWS = 10_000


def against_copy(target: Target, rows: list[dict[str, float]], connection: Any, *, rounds: int) -> dict[str, float]:  # fmt: skip
    """Return the rows a second of both ways, in turn; the median of the rounds."""
    body = json.dumps({"inputs": list(islice(cycle(rows), ROWS))}).encode()
    asked, copied = [], []
    with target.server.awake():
        ask(target, body)
        for _ in range(rounds):
            began = time.perf_counter()
            answer = post(target, body)
            asked.append(ROWS / (time.perf_counter() - began))
            request = json.loads(answer)["request_id"]
            copied.append(ROWS / _copy_again(connection, request))
    return {"request": median(asked), "copy": median(copied)}


def _copy_again(connection: Any, request: str) -> float:
    """Return the seconds that COPY takes for a request's records, into a table with the same indexes."""
    with connection.cursor() as cursor:
        cursor.execute("DROP TABLE IF EXISTS copied")
        cursor.execute("CREATE TABLE copied (LIKE predictions INCLUDING ALL)")
        text = io.StringIO()
        select = cursor.mogrify("SELECT * FROM predictions WHERE request_id = %s", (request,))
        cursor.copy_expert(f"COPY ({select.decode()}) TO STDOUT", text)
        text.seek(0)
        began = time.perf_counter()
        cursor.copy_expert("COPY copied FROM STDIN", text)
        return time.perf_counter() - began
