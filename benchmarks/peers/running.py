"""The peers at work: started, checked against the models' own answers, and given as targets."""

import json
import subprocess
from collections.abc import Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack, contextmanager

from benchmarks.client import post
from benchmarks.house import MODELS, House, free_port
from benchmarks.load import Target
from benchmarks.peers.servers import PEERS, Peer, Row
from benchmarks.processes import Server, wait_for

_TOLERANCE = 1e-9


@contextmanager
def targets(house: House) -> Iterator[Mapping[tuple[str, str], Target]]:
    """Start every peer with every model; give what to ask of each, by name and model.

    Raises:
        RuntimeError: if one does not start, or answers something else than its model.
    """
    with ExitStack() as stack:
        yield {
            (peer.name, model): stack.enter_context(target(peer.name, model, house))
            for peer in PEERS for model in MODELS
        }  # fmt: skip


@contextmanager
def target(name: str, model: str, house: House) -> Iterator[Target]:
    """Start one peer with one model; see `targets`."""
    peer = next(peer for peer in PEERS if peer.name == name)
    port = free_port()
    server = Server(_start(peer, model, port))
    rows = [list(row.values()) for row in house.rows()[::9]]
    url = peer.predict_url(model, port)
    try:
        wait_for(server.process, peer.ready_url(model, port))
        asked = Target(server=server, url=url, bodies=[peer.encode(row) for row in rows])
        _check(peer, model, asked)
        yield asked
    finally:
        server.stop()


def _start(peer: Peer, model: str, port: int) -> subprocess.Popen[bytes]:
    program, *arguments = peer.command(model, port)
    with (peer.folder / "server.log").open("wb") as log:
        return subprocess.Popen(
            [str(peer.programs / program), *arguments],
            cwd=peer.folder, env=peer.full_environment(model, port), stdin=subprocess.DEVNULL,
            stdout=log, stderr=subprocess.STDOUT, start_new_session=True,
        )  # fmt: skip


def _check(peer: Peer, model: str, target: Target) -> None:
    """Ask for one row alone, then for many at once, so that batches must keep them apart."""
    expected = json.loads((peer.folder / "models" / "expected.json").read_text())
    rows: list[Row] = expected["rows"]
    wanted: list[Row] = expected[model]
    with target.server.awake(), ThreadPoolExecutor(32) as pool:
        given = [peer.decode(post(target, peer.encode(rows[0])))]
        given += pool.map(lambda row: peer.decode(post(target, peer.encode(row))), rows)
    worst = max(map(_difference, given, [wanted[0], *wanted]))
    if worst > _TOLERANCE:
        raise RuntimeError(f"{peer.name} answers for {model} what is off by {worst:.1e}")


def _difference(given: Row, wanted: Row) -> float:
    return max(abs(a - b) for a, b in zip(given, wanted, strict=True))
