"""The ledger: leaves sealed in a second, records verified in a second, and what memory the verifier needs."""

import subprocess
import sys
import tempfile
import time
from collections import defaultdict
from collections.abc import Callable
from pathlib import Path
from typing import Any

from app.database.binaries import packaged_binaries
from benchmarks.house import House
from benchmarks.load import Load, Target, measure
from benchmarks.pairs import Ratio, ratio_of_pairs
from benchmarks.single_rows import median_of
from config import PROJECT

SEALING, NOT_SEALING = "sealing", "not sealing"
_COLUMNS = """
SELECT string_agg(quote_ident(attname), ', ') FROM pg_attribute
WHERE attrelid = 'predictions'::regclass AND attnum > 0 AND attname <> 'id' AND NOT attisdropped
"""
#: Copies of real records under new identifiers: texts, salts and commitments still fit each other.
_COPY = """
WITH few AS MATERIALIZED (SELECT * FROM predictions WHERE status = 'accepted' LIMIT 500),
made AS (
    INSERT INTO predictions (id, {columns})
    SELECT (lpad(to_hex((extract(epoch FROM clock_timestamp()) * 1000)::bigint), 12, '0')
            || '70008000' || lpad(to_hex(row_number() OVER ()), 12, '0'))::uuid, {columns}
    FROM few, generate_series(1, {times})
    RETURNING id)
INSERT INTO ledger_pending (kind, id) SELECT 'prediction', id FROM made
"""


def sealed_and_verified(house: House, connection: Any, *, sizes: tuple[int, ...]) -> dict[str, Any]:
    """Grow the book to each size; return the rates of the last growth and the verifier's memory at each."""
    key = _run(house, "manage.py", "ledger", "keys", "list")[0].split()[-1]
    _run(house, "manage.py", "ledger", "seal")
    measured: dict[str, Any] = {"megabytes": {}}
    before = 0
    for size in sizes:
        _copy_records(connection, size - before)
        _, seconds, _ = _run(house, "manage.py", "ledger", "seal")
        measured["sealed"] = (size - before) / seconds
        said, seconds, megabytes = _run(
            house, "-m", "verifier", "database", house.url, "--key", key
        )
        measured["verified"] = int(said.split()[0].replace(",", "")) / seconds
        measured["megabytes"][f"{size:,}"] = megabytes
        before = size
    return measured


def with_sealing(target: Target, connection: Any, *, rounds: int, seconds: float) -> dict[str, Any]:
    """Measure predictions while records are sealed, and while somebody holds the lock of the sealer, in turn.

    What waited meanwhile is sealed before the next measurement. How fast the machine is changes from minute to minute, by
    more than what is looked for: so each measurement is compared with its neighbour only.
    """
    runs: dict[str, list[Load]] = defaultdict(list)
    for number in range(rounds):
        for what in (SEALING, NOT_SEALING)[:: 1 if number % 2 else -1]:
            with connection.cursor() as cursor:
                cursor.execute("BEGIN")
                if what == NOT_SEALING:
                    cursor.execute("SELECT FROM ledger_head FOR UPDATE")
                runs[what].append(measure(target, 32, seconds))
                cursor.execute("ROLLBACK")
            _wait_until_sealed(target, connection)
    return {
        "loads": {what: median_of(loads) for what, loads in runs.items()},
        "ratios": {
            "answers": _ratio(runs, lambda load: load.rate),
            "processor time of an answer": _ratio(runs, lambda load: load.cpu),
        },
    }


def _ratio(runs: dict[str, list[Load]], of: Callable[[Load], float]) -> Ratio:
    return ratio_of_pairs(map(of, runs[SEALING]), map(of, runs[NOT_SEALING]))


def _wait_until_sealed(target: Target, connection: Any) -> None:
    with target.server.awake(), connection.cursor() as cursor:
        while True:
            cursor.execute("SELECT EXISTS (SELECT FROM ledger_pending)")
            if not cursor.fetchone()[0]:
                return
            time.sleep(0.1)


def _copy_records(connection: Any, count: int) -> None:
    with connection.cursor() as cursor:
        cursor.execute(_COLUMNS)
        (columns,) = cursor.fetchone()
        cursor.execute(_COPY.format(columns=columns, times=count // 500))


def _run(house: House, *arguments: str) -> tuple[str, float, float]:
    """Run a command; return what it said, the seconds and the megabytes that it took."""
    environment = house.environment()
    environment["PATH"] = f"{packaged_binaries()}:{environment['PATH']}"
    began, most = time.perf_counter(), 0.0
    with tempfile.TemporaryFile("w+") as output:
        process = subprocess.Popen(
            [sys.executable, *arguments], cwd=PROJECT, env=environment, stdout=output
        )
        while process.poll() is None:
            most = max(most, _most_megabytes(process.pid))
            time.sleep(0.02)
        seconds = time.perf_counter() - began
        output.seek(0)
        said = output.read()
    if process.returncode:
        raise RuntimeError(f"{' '.join(arguments)}: {said}")
    return said, seconds, most


def _most_megabytes(pid: int) -> float:
    """Return the most that a process had in memory so far; nothing if it has just ended."""
    try:
        status = Path(f"/proc/{pid}/status").read_text()
    except OSError:
        return 0.0
    found = [line.split()[1] for line in status.splitlines() if line.startswith("VmHWM:")]
    return int(found[0]) / 1024 if found else 0.0
