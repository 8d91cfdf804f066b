"""The load: wrk posting rows from a number of connections, each sending its next row when it is answered."""

import json
import subprocess
from collections.abc import Callable, Sequence
from contextlib import AbstractContextManager, nullcontext
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from tempfile import NamedTemporaryFile

from benchmarks.processes import Server

_SCRIPT = Path(__file__).parent / "post.lua"
_WARM_UP_SECONDS = 1


class LoadError(Exception):
    """Some requests were not answered as they should be, so a figure would mean nothing."""


@dataclass(frozen=True, kw_only=True)
class Target:
    """What is asked: a server, an address, and the bodies that are posted in turn (none: it is only read).

    `around` is what is done before and after.
    """

    server: Server
    url: str
    bodies: Sequence[bytes] = ()
    headers: tuple[str, ...] = ()
    around: Callable[[], AbstractContextManager[None]] = nullcontext


@dataclass(frozen=True, kw_only=True)
class Load:
    """What one run gave: answers a second, latencies in milliseconds, processor seconds per 1,000 answers."""

    rate: float
    p50: float
    p99: float
    cpu: float


def measure(target: Target, connections: int, seconds: float) -> Load:
    """Load a server and return what it gave; nothing else runs meanwhile.

    Raises:
        LoadError: if an answer was an error, or a connection broke.
    """
    with target.around(), target.server.awake(), NamedTemporaryFile() as bodies:
        bodies.write(b"".join(body + b"\n" for body in target.bodies))
        bodies.flush()
        run = partial(_run, target, bodies.name, connections)
        run(_WARM_UP_SECONDS)
        before = target.server.cpu_seconds()
        told = run(seconds)
        spent = target.server.cpu_seconds() - before
    if told["refused"] or told["broken"] or not told["answers"]:
        raise LoadError(f"{target.url}: {told}")
    return Load(
        rate=told["answers"] / told["seconds"],
        p50=told["p50"] / 1000,
        p99=told["p99"] / 1000,
        cpu=spent / told["answers"] * 1000,
    )


def _run(target: Target, bodies: str, connections: int, seconds: float) -> dict[str, float]:
    headers = [part for header in target.headers for part in ("-H", header)]
    command = ["wrk", "-t1", f"-c{connections}", f"-d{seconds:.0f}s", "-s", str(_SCRIPT), *headers]
    done = subprocess.run(
        [*command, target.url, "--", bodies], capture_output=True, text=True, check=True
    )
    told: dict[str, float] = json.loads(done.stdout.splitlines()[-1])
    return told
