"""`python -m benchmarks`: measure Daybook, write benchmarks/results/latest.json and print the tables.

`--peers` measures the other servers beside it, `--latency` one connection beside the quickest of them; `--quick` takes one short round, to see that it works.
"""

import argparse
import json
import os
import platform
import shutil
import subprocess
import sys
from contextlib import closing
from datetime import UTC, datetime
from functools import partial
from pathlib import Path
from typing import Any

from benchmarks import bulk, history, house, ledger, parts, peers, report, single_rows, starting
from benchmarks.client import post
from config import PROJECT

RESULTS = Path(__file__).parent / "results"
WORK = PROJECT / "instance" / "benchmarks"


def main() -> int:
    """Measure and report; return the exit status."""
    arguments = _arguments()
    if not shutil.which("wrk"):
        print("wrk is missing: apt-get install wrk", file=sys.stderr)
        return 1
    rounds, seconds = (1, 1.0) if arguments.quick else (5, 3.0)
    name = next(
        (
            kind
            for kind in ("peers", "latency", "ledger", "parts", "history")
            if getattr(arguments, kind)
        ),
        "latest",
    )
    if arguments.peers:
        measured = _beside_peers(rounds, seconds)
    elif arguments.latency:
        measured = _latency(arguments.quick)
    elif arguments.ledger:
        measured = _ledger(arguments.quick)
    elif arguments.parts:
        measured = _parts()
    elif arguments.history:
        measured = _history(arguments.quick)
    else:
        measured = _alone(rounds, seconds) | _ledger(arguments.quick)
    document = {"about": _about(rounds, seconds), **measured}
    RESULTS.mkdir(exist_ok=True)
    (RESULTS / f"{name}.json").write_text(json.dumps(document, indent=2) + "\n")
    print(report.render(document))
    return 0


def _alone(rounds: int, seconds: float) -> dict[str, Any]:
    with house.furnished(WORK) as furnished:
        with house.own_targets(furnished) as targets, closing(furnished.connect()) as connection:
            rows = single_rows.compare(targets, rounds=rounds, seconds=seconds)
            daybook = targets["daybook", "logreg"]
            slow = single_rows.with_slow_commits(
                daybook, connection, rounds=rounds, seconds=seconds
            )
            megabytes = starting.megabytes_per_worker(daybook.server)
            many = bulk.against_copy(daybook, furnished.rows(), connection, rounds=rounds)
            of_an_answer = parts.of_an_answer(furnished)
        seconds_to_answer = starting.start_to_first_answer(furnished, rounds=rounds)
    return {"single_rows": rows, "slow_commits": slow, "bulk": many,
            "parts": of_an_answer, "megabytes_per_worker": megabytes, "start_to_first_answer": seconds_to_answer}  # fmt: skip


def _ledger(quick: bool) -> dict[str, Any]:
    sizes = (5_000, 20_000) if quick else (100_000, 1_000_000)
    rounds, seconds = (2, 6.0) if quick else (60, 6.0)
    with house.furnished(WORK) as furnished, closing(furnished.connect()) as connection:
        sealing = partial(
            furnished.daybook, DAYBOOK_SEAL_SECONDS="1"
        )  # So that each measurement has its own.
        with house.serving(sealing, "/readyz", furnished) as (server, port):
            target = furnished.target("logreg", port, server)
            slowed = ledger.with_sealing(target, connection, rounds=rounds, seconds=seconds)
        grown = ledger.sealed_and_verified(furnished, connection, sizes=sizes)
    return {"ledger": grown | {"slowed": slowed}}


def _parts() -> dict[str, Any]:
    with house.furnished(WORK) as furnished:
        return {"parts": parts.of_an_answer(furnished)}


def _history(quick: bool) -> dict[str, Any]:
    sizes = (12_000, 48_000) if quick else (100_000, 10_000_000)
    with house.furnished(WORK) as furnished, closing(furnished.connect()) as connection:
        with house.serving(furnished.daybook, "/readyz", furnished) as (server, port):
            rows = json.dumps({"inputs": furnished.rows()[:500]}).encode()
            post(furnished.target("logreg", port, server), rows)
        return {"history": history.measured(furnished, connection, sizes=sizes)}


def _beside_peers(rounds: int, seconds: float) -> dict[str, Any]:
    with house.furnished(WORK) as furnished, house.own_targets(furnished) as own:
        ours = report.OWN
        compared = {name: target for name, target in own.items() if name[0] in ours}
        with peers.targets(furnished) as others:
            rows = single_rows.compare(
                {**compared, **others}, rounds=rounds, seconds=seconds, connections=(1, 32)
            )
    return {"single_rows": rows}


def _latency(quick: bool) -> dict[str, Any]:
    base = ("mlserver", "logreg")
    with house.furnished(WORK) as furnished, house.own_targets(furnished) as own:
        targets = {name: own[name] for name in own if name[0] in report.OWN and name[1] == base[1]}
        with peers.target(*base, furnished) as targets[base]:
            latency = single_rows.latency_against(
                base, targets, rounds=2 if quick else 80, seconds=1
            )
    return {"latency_against_mlserver": latency}


def _about(rounds: int, seconds: float) -> dict[str, Any]:
    commit = subprocess.run(
        ["git", "describe", "--always", "--dirty"], cwd=PROJECT, capture_output=True, text=True, check=False,
    ).stdout.strip()  # fmt: skip
    return {"at": datetime.now(UTC).isoformat(timespec="seconds"), "commit": commit,
            "processors": len(os.sched_getaffinity(0)), "python": platform.python_version(),
            "rounds": rounds, "seconds": seconds}  # fmt: skip


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m benchmarks", description=__doc__)
    parser.add_argument("--peers", action="store_true", help="measure other servers beside ours")
    parser.add_argument(
        "--latency", action="store_true", help="measure one connection beside MLServer, in pairs"
    )
    parser.add_argument("--ledger", action="store_true", help="measure the ledger only")
    parser.add_argument(
        "--history", action="store_true", help="measure the history of ten million records"
    )
    parser.add_argument("--parts", action="store_true", help="measure the parts of one answer only")
    parser.add_argument("--quick", action="store_true", help="one short round")
    return parser.parse_args()


if __name__ == "__main__":
    sys.exit(main())
