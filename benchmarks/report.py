"""The tables of a run, as Markdown."""

from collections.abc import Iterable, Sequence
from typing import Any

from benchmarks.pairs import Ratio

Row = Sequence[str]


def render(document: dict[str, Any]) -> str:
    """Return the tables of what was measured, and the ratios that the project holds itself to."""
    about = document["about"]
    rounds = f", median of {about['rounds']} rounds of {about['seconds']:g} s"
    parts = [
        f"Measured {about['at']} at {about['commit']}: {about['processors']} processors, Python"
        f" {about['python']}{rounds if 'single_rows' in document else ''}.",
    ]
    if "single_rows" in document:
        parts += [_single_rows(document["single_rows"])]
    if "bulk" in document:
        parts += [_others(document)]
    if "parts" in document:
        parts += [_parts(document["parts"])]
    if "ledger" in document:
        parts += [_ledger(document["ledger"])]
    if "history" in document:
        parts += [_history(document["history"])]
    if "single_rows" in document:
        parts += [_table(("ratio", "measured"), _ratios(document))]
    if "latency_against_mlserver" in document:
        parts += [_latency(document["latency_against_mlserver"])]
    return "\n\n".join(parts)


def _single_rows(measured: dict[str, dict[str, float]]) -> str:
    rows = [
        (what, f"{one['rate']:,.0f}", f"{one['p50']:.2f}", f"{one['p99']:.2f}", f"{one['cpu']:.2f}")
        for what, one in measured.items()
    ]
    head = ("server, model, connections", "answers/s", "p50 ms", "p99 ms", "CPU s per 1,000")
    return _table(head, rows)


def _parts(measured: dict[str, Any]) -> str:
    rows = [(what, f"{us:,.0f} µs") for what, us in measured["microseconds"].items()]
    rows += [("functions of Python that it passes", f"{measured['functions']:,}")]
    return _table(("one answer, nobody else asking", "median"), rows)


def _others(document: dict[str, Any]) -> str:
    bulk, slow = document["bulk"], document["slow_commits"]
    rows = [
        (f"64 connections, {what}", f"{one['rate']:,.0f} answers/s") for what, one in slow.items()
    ]
    rows += [
        ("a request with 10,000 rows", f"{bulk['request']:,.0f} rows/s"),
        ("COPY of the same records", f"{bulk['copy']:,.0f} rows/s"),
        ("memory of a worker", f"{document['megabytes_per_worker']:.0f} MB"),
        ("start to first answer", f"{document['start_to_first_answer']:.1f} s"),
    ]  # fmt: skip
    return _table(("what", "measured"), rows)


def _ledger(measured: dict[str, Any]) -> str:
    rows = [
        ("sealed", f"{measured['sealed']:,.0f} leaves/s"),
        ("verified from the database", f"{measured['verified']:,.0f} records/s"),
    ]
    rows += [
        (f"memory of the verifier, {size} records", f"{megabytes:.0f} MB")
        for size, megabytes in measured["megabytes"].items()
    ]
    for what, one in measured["slowed"]["loads"].items():
        told = f"{one['rate']:,.0f} answers/s, {one['cpu']:.2f} CPU s per 1,000"
        rows += [(f"predictions at 32 connections, {what}", told)]
    for what, one in measured["slowed"]["ratios"].items():
        rows += [
            (f"{what}, sealing against not, median of {one['pairs']} pairs (95 %)", _told(one))
        ]
    return _table(("ledger", "measured"), rows)


def _latency(measured: dict[str, Ratio]) -> str:
    rows = [(what, str(one["pairs"]), _told(one)) for what, one in measured.items()]
    head = ("1 connection, median latency against MLServer's", "pairs", "median (95 %)")
    return _table(head, rows)


def _history(measured: dict[str, dict[str, float]]) -> str:
    questions = dict.fromkeys(what for found in measured.values() for what in found)
    rows = [
        (what, *(f"{found[what]:,.1f} ms" if what in found else "" for found in measured.values()))
        for what in questions
    ]
    return _table(("records", *measured), rows)


def _ratios(document: dict[str, Any]) -> Iterable[Row]:
    rows = document["single_rows"]
    for model in ("logreg", "forest"):
        own = rows[f"daybook {model} 32"]["rate"]
        for name, at_32 in rows.items():
            if name.endswith(f"{model} 32") and not name.startswith("daybook"):
                yield (
                    f"{model}, 32 connections, against {name.split()[0]}",
                    _ratio(own, at_32["rate"]),
                )
    if "mlserver logreg 32" in rows:
        yield from _floors_against_the_best(rows)
    if "bulk" in document:
        yield from _own_ratios(document)


#: What is measured of Daybook, and the floors that it is measured against.
FLOORS = ("committed", "stored", "recorded")
OWN = ("daybook", *FLOORS)


def _floors_against_the_best(rows: dict[str, dict[str, float]]) -> Iterable[Row]:
    """What could be reached at all is what an answer costs that is kept, and nothing else."""
    for model in ("logreg", "forest"):
        best = max(
            one["rate"] for name, one in rows.items()
            if name.endswith(f"{model} 32") and name.split()[0] not in OWN
        )  # fmt: skip
        for floor in FLOORS:
            rate = rows[f"{floor} logreg 32"]["rate"]
            yield (
                f"{floor} logreg, 32 connections, against the best with {model}",
                _ratio(rate, best),
            )


def _own_ratios(document: dict[str, Any]) -> Iterable[Row]:
    rows, bulk = document["single_rows"], document["bulk"]
    fast, slow = (one["rate"] for one in document["slow_commits"].values())
    at_64 = rows["daybook logreg 64"]
    own, constant = rows["daybook logreg 32"]["rate"], rows["constant 32"]["rate"]
    yield "logreg, 32 connections, against the constant route", _ratio(own, constant)
    for floor in FLOORS:
        rate = rows[f"{floor} logreg 32"]["rate"]
        yield f"{floor}, 32 connections, against the constant route", _ratio(rate, constant)
    yield "logreg, 64 connections, p99 against p50", _ratio(at_64["p99"], at_64["p50"])
    yield "a request with 10,000 rows against COPY", _ratio(bulk["request"], bulk["copy"])
    yield "64 connections, commits 2 ms slower against full speed", _ratio(slow, fast)


def _told(ratio: Ratio) -> str:
    return f"{ratio['median']:.3f} × ({ratio['low']:.3f} to {ratio['high']:.3f})"


def _ratio(one: float, other: float) -> str:
    return f"{one / other:.2f} ×"


def _table(head: Row, rows: Iterable[Row]) -> str:
    lines = [head, ["---"] + ["---:"] * (len(head) - 1), *rows]
    return "\n".join(f"| {' | '.join(line)} |" for line in lines)
