"""Values that processes share: what the library's collector reads is what was counted."""

import os
from concurrent.futures import ThreadPoolExecutor

import pytest
from prometheus_client import CollectorRegistry, generate_latest, values
from prometheus_client.multiprocess import MultiProcessCollector

from app import counting


@pytest.fixture
def folder(tmp_path, monkeypatch):
    monkeypatch.setenv("PROMETHEUS_MULTIPROC_DIR", str(tmp_path))
    monkeypatch.setattr(values, "ValueClass", counting.SharedValue)
    counting._file.cache_clear()
    yield tmp_path
    counting._file.cache_clear()
    counting._values.clear()


def counted(folder):
    """Return what the collector reads, by the text of each sample."""
    registry = CollectorRegistry()
    MultiProcessCollector(registry, path=str(folder))
    lines = generate_latest(registry).decode().splitlines()
    return dict(line.rsplit(" ", 1) for line in lines if not line.startswith("#"))


def test_the_collector_reads_what_was_counted(folder):
    registry = CollectorRegistry()
    answers = counting.Counter("answers", "Answers.", ["fate"], registry=registry)
    answers.labels("recorded").add(1)
    answers.labels("recorded").add(2)
    answers.labels('a "fate" with ä').add(1)
    here = counting.Gauge("here", "Here.", registry=registry, multiprocess_mode="livesum")
    here.add(3)
    here.add(-1)
    seconds = counting.Histogram("seconds", "Seconds.", buckets=(1, 2), registry=registry)
    for amount in (0.5, 1, 1.5, 3):
        seconds.observe(amount)
    assert counted(folder) == {
        'answers_total{fate="recorded"}': "3.0", 'answers_total{fate="a \\"fate\\" with ä"}': "1.0", "here": "2.0",
        'seconds_bucket{le="1.0"}': "2.0", 'seconds_bucket{le="2.0"}': "3.0", 'seconds_bucket{le="+Inf"}': "4.0",
        "seconds_count": "4.0", "seconds_sum": "6.0",
    }  # fmt: skip


def test_a_file_grows_with_its_values(folder):
    many = counting.Counter("many", "Many.", ["name"], registry=CollectorRegistry())
    children = [many.labels(f"{number:0100}") for number in range(2_000)]
    for child in children:
        child.add(1)
    assert list(counted(folder).values()) == ["1.0"] * 2_000
    assert (folder / f"counter_{os.getpid()}.db").stat().st_size > 2_000 * 100


def test_a_process_goes_on_from_what_its_number_counted_before(folder):
    counting.Counter("starts", "Starts.", registry=CollectorRegistry()).add(5)
    counting._file.cache_clear()
    counting.Counter("starts", "Starts.", registry=CollectorRegistry()).add(1)
    assert counted(folder) == {"starts_total": "6.0"}


def test_threads_lose_no_count(folder):
    total = counting.Counter("total", "Total.", registry=CollectorRegistry())
    with ThreadPoolExecutor(8) as pool:
        list(pool.map(lambda _: [total.add(1) for _ in range(1_000)], range(8)))
    assert counted(folder) == {"total_total": "8000.0"}


def test_forked_processes_count_for_themselves(folder):
    """Some servers fork their workers when the application is loaded."""
    registry = CollectorRegistry()
    total = counting.Counter("forked", "Forked.", registry=registry)
    child_of = counting.Counter("fates", "Fates.", ["fate"], registry=registry).labels("recorded")
    here = counting.Gauge("here", "Here.", registry=registry, multiprocess_mode="sum")
    values = (total, child_of, here)
    for value in values:
        value.add(1)
    for _ in range(2):
        if (child := os.fork()) == 0:
            for value in values:
                value.add(100)
            os._exit(0)
        os.waitpid(child, 0)
    assert list(counted(folder).values()) == ["201.0"] * 3
    assert len(list(folder.glob("counter_*.db"))) == 3
