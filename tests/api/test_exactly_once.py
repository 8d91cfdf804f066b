"""Whatever is asked again, in whatever order, and wherever connections break: everything is there once."""

import itertools
from collections import defaultdict
from typing import Any, ClassVar
from uuid import UUID

import pytest
from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, rule, run_state_machine_as_test
from sqlalchemy import select

from app.errors import REPLAYED
from app.extensions import db
from app.identifiers import new_id
from app.models import Channel, Prediction, Status
from app.recorder import Kept, Key, KeyReusedError, RecordingError, Submitted
from app.recorder.tickets import Ticket
from app.services.predictions import begin_attempt
from tests.support.cast import GOOD_ROW
from tests.support.unreliable import Fate, UnreliableBook

#: What is recorded, and what is repeated, is decided in SQL.
pytestmark = pytest.mark.postgres
URL = "/api/v1/models/churn/predictions"
BODIES = {
    "one": [GOOD_ROW],
    "three": [GOOD_ROW | {"visits": visits} for visits in (1, 2, 3)],
    "bad": [GOOD_ROW | {"age": "old"}],
}
FATES = st.lists(st.sampled_from(Fate), max_size=4)
KEYS = st.sampled_from("abc")
BRIEFLY = settings(
    max_examples=40, stateful_step_count=12, deadline=None,
    suppress_health_check=[HealthCheck.too_slow],
)  # fmt: skip
_runs = itertools.count(1)


@pytest.fixture
def unreliable(app, monkeypatch):
    """The recorder's book breaks as it is told; two more tries are made, at once."""
    monkeypatch.setattr("app.recorder.recorder._PAUSES", (0.0, 0.0))
    recorder = app.extensions["recorder"]
    monkeypatch.setattr(recorder, "_book", UnreliableBook(recorder._book))
    return recorder._book


def accepted(references):
    """The accepted records, by reference."""
    found = defaultdict(list)
    query = select(
        Prediction.reference, Prediction.request_id, Prediction.id, Prediction.row
    ).where(Prediction.status == Status.ACCEPTED, Prediction.reference.in_(references))
    for record in db.session.execute(query.order_by(Prediction.row)):
        found[record.reference].append(record)
    db.session.rollback()
    return found


class Requests(RuleBasedStateMachine):
    """`told` is what the client knows under a key; `possible` which bodies may have been first."""

    world: ClassVar[Any]

    def __init__(self):
        super().__init__()
        self.number = next(_runs)
        self.told, self.possible = {}, defaultdict(set)

    @rule(key=KEYS, body=st.sampled_from(sorted(BODIES)), fates=FATES, is_heard=st.booleans())
    def ask(self, key, body, fates, is_heard):
        app, headers, unreliable = self.world
        unreliable.fates = list(fates)
        rows, reference = BODIES[body], self.reference(key)
        answer = app.test_client().post(
            URL,
            json={"inputs": rows, "references": [reference] * len(rows)},
            headers=headers | {"Idempotency-Key": reference},
        )
        if answer.status_code == 503:
            assert set(fates) - {Fate.FINE}
        elif b"idempotency-key-reused" in answer.data:
            assert self.possible[key] - {body}
            return
        else:
            self.compare(key, body, answer)
            if is_heard:
                self.told[key] = (body, answer.status_code, answer.data)
        self.possible[key].add(body)

    def compare(self, key, body, answer):
        assert answer.status_code == (422 if body == "bad" else 201), answer.data
        if key in self.told:
            assert self.told[key] == (body, answer.status_code, answer.data)
            assert answer.headers[REPLAYED] == "true"
        elif not self.possible[key]:
            assert REPLAYED not in answer.headers

    @rule()
    def restart(self):
        app, *_ = self.world
        for name in ("callers", "runtimes"):
            app.extensions[name].forget()

    @invariant()
    def each_key_has_one_request_at_most(self):
        app, *_ = self.world
        with app.app_context():
            found = accepted(map(self.reference, "abc"))
        for records in found.values():
            assert len({record.request_id for record in records}) == 1
            assert [record.row for record in records] in ([0], [0, 1, 2])

    def reference(self, key):
        return f"{self.number}-{key}"


def test_requests_with_keys_are_answered_once(app, cast, unreliable):
    Requests.world = app, cast["owner"].bearer, unreliable
    run_state_machine_as_test(Requests, settings=BRIEFLY)


class Batches(RuleBasedStateMachine):
    """Tickets with and without keys go together; of some nobody hears how they ended: the crashes."""

    world: ClassVar[Any]

    def __init__(self):
        super().__init__()
        self.number, self.references = next(_runs), itertools.count(1)
        self.sent, self.told = {}, {}

    @rule(
        asked=st.lists(st.tuples(st.none() | KEYS, st.integers(1, 3)), min_size=1, max_size=4),
        fates=FATES,
        is_heard=st.booleans(),
    )
    def answer(self, asked, fates, is_heard):
        recorder, unreliable, *_ = self.world
        unreliable.fates = list(fates)
        at_once = {key or f"no {n}": (key, size) for n, (key, size) in enumerate(asked)}
        tickets = [self.ticket(key, size) for key, size in at_once.values()]
        recorder._process(tickets)
        assert all(ticket.is_ended for ticket in tickets)
        if is_heard:
            for ticket in tickets:
                self.note(ticket, may_fail=bool(set(fates) - {Fate.FINE}))

    def ticket(self, key, size):
        _, _, version, rows, caller = self.world
        reference = f"{self.number}:{next(self.references)}"
        self.sent[reference] = size
        return Ticket(
            attempt=begin_attempt(caller, Channel.API, new_id()),
            target=version,
            work=Submitted(rows=rows * size, references=[reference] * size, subjects=[None] * size),
            key=key and Key.of(caller.user_id, f"{self.number}-{key}", b"%d" % size),
            size=0,
            deadline=float("inf"),
        )

    def note(self, ticket, may_fail):
        match ticket.error, ticket.result:
            case RecordingError(), _:
                assert may_fail
            case (KeyReusedError(), _) | (None, Kept()):
                assert ticket.key
            case None, records:
                told = [(UUID(record.facts.id), record.facts.row) for record in records]
                self.told[ticket.work.references[0]] = told
            case unexpected:
                raise AssertionError(unexpected)

    @invariant()
    def nothing_is_lost_in_part_or_twice(self):
        found = accepted(list(self.sent))
        for reference, size in self.sent.items():
            kept = [(record.id, record.row) for record in found.get(reference, [])]
            assert [row for _, row in kept] in ([], list(range(size)))
            assert kept == self.told.get(reference, kept)


def test_batches_are_recorded_once(context, cast, unreliable):
    runtimes, caller = context.extensions["runtimes"], cast["owner"].caller
    version = runtimes.version(runtimes.entry(caller, "churn"))
    rows = version.runtime.validator.parse_json([GOOD_ROW])
    Batches.world = context.extensions["recorder"], unreliable, version, rows, caller
    run_state_machine_as_test(Batches, settings=BRIEFLY)
