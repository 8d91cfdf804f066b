"""One row in a request: throughput and latency, all servers in turn, round after round.

A machine is now faster and now slower. What is measured within seconds of each other can be compared;
so each round asks every server, in an order of its own, and a figure is the median of the rounds.
"""

import random
from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import asdict
from statistics import median
from typing import Any

from benchmarks.load import Load, LoadError, Target, measure
from benchmarks.pairs import Ratio, ratio_of_pairs

CONNECTIONS = (1, 8, 32, 64)
_SLOW = {"commit_delay": 2000, "commit_siblings": 0}
Name = tuple[str, str]
Measured = dict[str, dict[str, float]]


def compare(
    targets: Mapping[Name, Target], *, rounds: int, seconds: float,
    connections: Sequence[int] = CONNECTIONS,
) -> Measured:  # fmt: skip
    """Return the medians by "server model connections"."""
    runs: dict[str, list[Load]] = defaultdict(list)
    for number in range(rounds):
        for count in connections:
            for name, target in random.sample(list(targets.items()), len(targets)):
                what = _what(*name, count)
                try:
                    load = measure(target, count, seconds)
                except LoadError as error:  # Some do not always wake well: the other rounds count.
                    print(f"  round {number + 1}: {what}: {error}", flush=True)
                    continue
                print(f"  round {number + 1}: {what}: {load.rate:.0f}/s", flush=True)
                runs[what].append(load)
    in_order = [_what(*name, count) for count in connections for name in targets]
    return {what: median_of(runs[what]) for what in in_order if what in runs}


def _what(*words: object) -> str:
    return " ".join(filter(None, map(str, words)))


def latency_against(
    base: Name, targets: Mapping[Name, Target], *, rounds: int, seconds: float
) -> dict[str, Ratio]:
    """Return the median latencies with one connection against those of one server, by "server model".

    Raises:
        StatisticsError: if no round went well.
    """
    runs: dict[Name, list[float]] = defaultdict(list)
    for number in range(rounds):
        if measured := _round(targets, seconds):
            print(f"  round {number + 1} of {rounds}", flush=True)
        for name, load in measured.items():
            runs[name].append(load.p50)
    return {
        _what(*name): ratio_of_pairs(runs[name], runs[base]) for name in targets if name != base
    }  # fmt: skip


def _round(targets: Mapping[Name, Target], seconds: float) -> dict[Name, Load]:
    """Ask every server in a random order; return nothing if one failed, so that all have their neighbours."""
    try:
        names = random.sample(list(targets), len(targets))
        return {name: measure(targets[name], 1, seconds) for name in names}
    except LoadError as error:
        print(f"  {error}", flush=True)
        return {}


def with_slow_commits(target: Target, connection: Any, *, rounds: int, seconds: float) -> Measured:
    """Measure at full speed and with commits that take 2 ms longer, in turn.

    PostgreSQL's commit_delay sleeps before the write-ahead log is flushed, as a slower disk would.
    """
    runs: dict[str, list[Load]] = defaultdict(list)
    for _ in range(rounds):
        _set(connection, {})
        runs["full speed"].append(measure(target, 64, seconds))
        _set(connection, _SLOW)
        runs["commits 2 ms slower"].append(measure(target, 64, seconds))
    _set(connection, {})
    return {what: median_of(loads) for what, loads in runs.items()}


def _set(connection: Any, settings: Mapping[str, int]) -> None:
    with connection.cursor() as cursor:
        for name in _SLOW:
            wanted = f"= {settings[name]}" if name in settings else "TO DEFAULT"
            cursor.execute(f"ALTER SYSTEM SET {name} {wanted}")
        cursor.execute("SELECT pg_reload_conf()")


def median_of(loads: Iterable[Load]) -> dict[str, float]:
    """Return the median of each figure."""
    rows = [asdict(load) for load in loads]
    return {name: median(row[name] for row in rows) for name in rows[0]}
