"""What the recorder writes of a record is what PostgreSQL reads, whatever the texts and bytes are."""

from datetime import datetime

from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st

from app.extensions import db
from app.ledger.envelope import PARTS
from app.models import Channel, Role, Status
from app.recorder.records import Attempt, Submitted, Target, make_record
from app.recorder.statements import Batch
from app.recorder.tickets import Ticket

TEXTS = st.none() | st.text(st.characters(exclude_categories=["Cs"], exclude_characters="\x00"))
DIGESTS = st.none() | st.binary(min_size=32, max_size=32).map(bytes.hex)
ID = "01890a5d-ac96-774b-bcce-b302099a8057"
AS_TEXTS = ("id", "request_id", "actor_id", "token_id", "model_id", "inputs", "output")


def ticket_of(texts, digests, token, number):
    model, client, first, reference, subject = texts
    attempt = Attempt(
        actor_id=ID, token_id=token, role=Role.ANALYST, channel=Channel.API, client_request_id=client
    )  # fmt: skip
    artifact, environment = digests
    target = Target(
        model_id=token and attempt.request_id, model=model, number=number,
        artifact_sha256=artifact, environment_sha256=environment,
    )  # fmt: skip
    ticket = Ticket(
        attempt=attempt, target=target, work=Submitted(rows=[], references=[], subjects=[]),
        key=None, size=0, deadline=0,
    )  # fmt: skip
    ticket.records = [
        make_record(
            attempt, target, row=row, status=Status.ACCEPTED, answered_at=attempt.now(),
            inputs=inputs, output={"prediction": first}, reference=reference, subject=subject,
        )
        for row, inputs in enumerate(({"text": first, first or "": 1.5}, None))
    ]  # fmt: skip
    return ticket


def read(rows):
    """Return rows as PostgreSQL reads them, identifiers and JSON as texts."""
    cursor = db.session.connection().connection.cursor()
    cursor.execute("SELECT * FROM unnest(%s::prediction_to_record[])", (rows,))
    names = [column.name for column in cursor.description]
    texts = [f"{name}::text" if name in AS_TEXTS else name for name in names]
    cursor.execute(f"SELECT {', '.join(texts)} FROM unnest(%s::prediction_to_record[])", (rows,))
    return [
        {name: bytes(value) if isinstance(value, memoryview) else value for name, value in zip(names, row, strict=True)}
        for row in cursor.fetchall()
    ]  # fmt: skip


def expected(caller, ticket, record):
    found = record.facts._asdict() | {"caller": caller, "leaf_hash": record.leaf_hash}
    for name in ("artifact_sha256", "environment_sha256"):
        found[name] = found[name] and bytes.fromhex(found[name])
    for name in PARTS:
        part = record.parts.get(name)
        found[name] = None if part is None else part.decode()
        found[f"{name}_salt"] = record.salts.get(name)
        found[f"{name}_commitment"] = record.commitments.get(name)
    for name in ("received_at", "answered_at"):
        found[name] = datetime.fromisoformat(found[name])
    found["model_id"] = record.model_id and str(record.model_id)
    found["client_request_id"] = ticket.attempt.client_request_id
    return found


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture], deadline=None)
@given(
    st.tuples(TEXTS, TEXTS, TEXTS, TEXTS, TEXTS), st.tuples(DIGESTS, DIGESTS),
    st.sampled_from([None, ID]), st.sampled_from([None, 1, 7]),
)  # fmt: skip
@example(("", "", "", "", ""), (None, None), None, None)
@example(("NULL", "\\", '"', ",()'", "\\x00 \n\t{}%s"), ("00" * 32, "ff" * 32), ID, 1)
def test_what_is_written_of_a_record_is_what_postgresql_reads(
    context, texts, digests, token, number
):
    tickets = [ticket_of(texts, digests, token, number), ticket_of(texts, digests, None, None)]
    _, rows, _ = Batch(tickets).to_record()
    callers = (0, 1 if token else 0)
    with db.session.begin_nested():
        found = read(rows)
    assert found == [
        expected(caller, ticket, record)
        for caller, ticket in zip(callers, tickets, strict=True)
        for record in ticket.records
    ]
