"""Search: queries of the history, compiled to conditions with bound parameters."""

from collections.abc import Callable, Mapping, Sequence
from typing import Any
from uuid import UUID

from sqlalchemy import (
    Float,
    Text,
    and_,
    case,
    cast,
    exists,
    false,
    func,
    not_,
    or_,
    select,
    true,
)
from sqlalchemy.sql.elements import ColumnElement

from app.access import Caller
from app.extensions import db
from app.identifiers import first_id_at
from app.ledger import canonical
from app.models import Channel, Model, ModelVersion, Outcome, Prediction, Status, User, Verdict
from app.query.checking import (
    Checked,
    Condition,
    Equals,
    Found,
    Matches,
    Present,
    Test,
    Within,
    check,
    named_version,
)
from app.query.editing import written
from app.query.errors import QueryError
from app.query.fields import Field, Kind, Vocabulary, vocabulary
from app.query.syntax import Node, Term, parse
from app.query.tree import And, Not, Or
from app.services.conditions import Bool, compared, escaped
from app.services.errors import InvalidQueryError, QueryFault, pointer_to
from app.services.model_access import is_usable
from app.services.outcomes import has_outcome
from app.services.reviews import has_review
from ml.signature import Signature

#: Signatures of models by name and number of the version.
Signatures = Mapping[str, Mapping[int, Signature]]


def read_query(caller: Caller, text: str, *, of: str | None = None) -> Checked | None:
    """Return what a query asks for, None for all records.

    Args:
        caller: whose models' fields there are.
        text: the query.
        of: the one model whose fields are meant; None if the query says it.

    Raises:
        InvalidQueryError: if it is none; it says what is wrong, and where.
    """
    try:
        if "\x00" in text:
            raise QueryError("Remove the character U+0000.", at := text.index("\x00"), at + 1)
        tree = parse(text)
        if tree is None:
            return None
        named = _named(tree) if of is None else {of.casefold(): None}
        return check(tree, vocabulary_of(signatures_for(caller), named))
    except QueryError as error:
        fault = QueryFault(pointer_to("q"), error.message, error.start, error.end)
        raise InvalidQueryError(f"q: {error.message}", [fault]) from None


def signatures_for(caller: Caller) -> Signatures:
    """Return the signatures of the models that a caller may use, by name and version, the newest first."""
    query = (
        select(Model.name, ModelVersion.number, ModelVersion.signature)
        .join(ModelVersion, ModelVersion.model_id == Model.id)
        .where(is_usable(caller))
        .order_by(Model.name, ModelVersion.number.desc())
    )
    found: dict[str, dict[int, Signature]] = {}
    for name, number, description in db.session.execute(query):
        found.setdefault(name, {})[number] = Signature.from_json(description)
    return found


def vocabulary_of(known: Signatures, named: Mapping[str, str | None] | None = None) -> Vocabulary:
    """Return the fields that can be named.

    Args:
        known: the signatures of the models that the caller may use.
        named: only the fields of these models, in small letters, each with the version that is meant or None for all;
            unless there are none of these names.
    """
    meant: dict[str, list[Signature]] = {}
    for model, versions in known.items() if named else ():
        for number, signature in versions.items():
            if (named or {}).get(model.casefold(), "none") in (None, str(number)):
                meant.setdefault(model, []).append(signature)
    everything = {model: list(versions.values()) for model, versions in known.items()}
    return vocabulary(_record_fields(list(known)), meant or everything)


def its_model(known: Signatures, query: str) -> str | None:
    """Return the name of the one model of these that a query is about; None if it may be any.

    Raises:
        QueryError: if it is none.
    """
    tree = parse(query)
    named = _named(tree) if tree is not None else {}
    meant = [model for model in known if model.casefold() in named] or list(known)
    return meant[0] if len(meant) == 1 else None


def fields_of(known: Signatures, model: str) -> list[Field]:
    """Return the fields of a model's inputs, its answers, and what turned out to be true of them."""
    fields = list(vocabulary_of(known, {model.casefold(): None}))
    parts = ("inputs", "output", "outcome")
    return [field for part in parts for field in fields if field.path[0] == part]


def value_in(parts: Mapping[str, Any], field: Field) -> Any:
    """Return the value that a field has in the parts of a record; None if there is none."""
    part, *names = field.path
    found = parts.get(part)
    for name in names:
        found = found.get(name) if isinstance(found, dict) else None
    return found


def may_name_a_person(asked: Checked | None) -> bool:
    """Whether a query has texts that may tell of a person: of a subject, a reference, or what was sent."""
    match asked:
        case And(parts) | Or(parts):
            return any(map(may_name_a_person, parts))
        case Not(part):
            return may_name_a_person(part)
        case Condition(field, test):
            return (
                field.kind is Kind.TEXT and field.name != "caller" and not isinstance(test, Present)
            )
    return isinstance(asked, Found)


def examples(known: Signatures) -> list[str]:
    """Return queries to begin with, made of the models that there are."""
    fields = list(vocabulary_of(known))
    models = next(field.choices for field in fields if field.name == "model")
    inputs = [field for field in fields if field.path[0] == "inputs"]
    found = [f"model:{name}" for name in models[:1]] + ["status:refused", "latency:>100"]
    found += [f"{written(f.name)}:>0" for f in inputs if f.kind is Kind.NUMBER][:1]
    found += [
        f"{written(f.name)}:{written(f.choices[0])}" for f in inputs if f.kind is Kind.CHOICE
    ][:1]
    return found


def answered_value(record: Prediction, outcome: Outcome | None, field: Field) -> Any:
    """Return the value that a field has in an answered record; None in others, and if there is none."""
    if record.status != Status.ACCEPTED:
        return None
    truth = None if outcome is None else outcome.value
    return value_in({"inputs": record.inputs, "output": record.output, "outcome": truth}, field)


def suggestions(known: Signatures) -> list[dict[str, Any]]:
    """Return what can be written in a query: the names of fields, a note on each, and the values that it may have."""
    return [
        {
            "name": written(field.name),
            "note": " ".join(filter(None, [field.kind, field.unit and f"in {field.unit}"])),
            "values": [written(choice) for choice in field.choices],
        }
        for field in vocabulary_of(known)
    ]


def condition_of(caller: Caller, asked: Checked) -> Bool:
    """Return the SQL condition of what a query asks for.

    What is missing is neither so nor not so: it fits neither a condition nor its opposite.
    """
    return _condition_of(caller, asked, so=True)


def _condition_of(caller: Caller, asked: Checked, *, so: bool) -> Bool:
    """Return the condition that it is so, or that it is not.

    The opposite goes down to each condition: those on other tables say it in their own way.
    """
    match asked:
        case And(parts):
            found = [_condition_of(caller, part, so=so) for part in parts]
            return and_(*found) if so else or_(*found)
        case Or(parts):
            found = [_condition_of(caller, part, so=so) for part in parts]
            return or_(*found) if so else and_(*found)
        case Not(part):
            return _condition_of(caller, part, so=not so)
        case Condition(field, test):
            return _by_field(caller, field, test, so=so)
        case Found(text):
            return _is_somewhere(text) if so else not_(_is_somewhere(text))


def _by_field(caller: Caller, field: Field, test: Test, *, so: bool) -> Bool:
    match field.path[0]:
        case "outcome":
            return has_outcome(field, test, so=so)
        case "review":
            return has_review(caller, test, so=so)
    condition = _COMPILERS.get(field.path[0], _by_value)(field, test)
    whole = condition if so else not_(condition)
    if field.kind is Kind.NUMBER and field.models and not isinstance(test, Present):
        return and_(_is_of(field.models), whole)
    return whole


def _is_of(models: Sequence[str]) -> Bool:
    """Return the condition that a record is of one of some models: an index of a field is of those that have it."""
    ids = db.session.scalars(select(Model.id).where(Model.name.in_(models)).order_by(Model.name))
    return Prediction.model_id.in_(ids.all())


def _named(tree: Node) -> dict[str, str | None]:
    """Return the models and versions that all records of a query are of, if it says so."""
    terms = tree.parts if isinstance(tree, And) else (tree,)
    found = [named_version(term) for term in terms if isinstance(term, Term)]
    return {one[0].casefold(): one[1] for one in found if one is not None}


def _record_fields(models: Sequence[str]) -> list[Field]:
    def field(name: str, kind: Kind, label: str = "", **more: Any) -> Field:
        return Field(name=name, kind=kind, path=(name,), label=label or name.capitalize(), **more)

    return [
        field("model", Kind.CHOICE, choices=tuple(models)),
        field("version", Kind.NUMBER),
        field("status", Kind.CHOICE, choices=tuple(Status)),
        field("channel", Kind.CHOICE, choices=tuple(Channel)),
        field("caller", Kind.TEXT),
        field("at", Kind.MOMENT, "Time"),
        field("id", Kind.IDENTIFIER, "Record"),
        field("request", Kind.IDENTIFIER),
        field("client_request", Kind.TEXT, "Client's request"),
        field("reference", Kind.TEXT),
        field("subject", Kind.TEXT),
        field("latency", Kind.NUMBER, unit="ms"),
        field("review", Kind.CHOICE, choices=tuple(Verdict)),
        field("probability", Kind.NUMBER, "Probability of the prediction"),
    ]


def _is_somewhere(text: str) -> Bool:
    """Whether a text is the reference, or in one of the values that an accepted request sent."""
    pattern = f"%{escaped(text)}%"
    members = func.json_each_text(Prediction.inputs).table_valued("key", "value")
    is_object = and_(
        Prediction.status == Status.ACCEPTED, func.json_typeof(Prediction.inputs) == "object"
    )
    in_inputs = exists().select_from(members).where(members.c.value.ilike(pattern))
    return func.coalesce(
        or_(Prediction.reference.ilike(pattern), and_(is_object, in_inputs)), false()
    )


def _by_value(field: Field, test: Test) -> Bool:
    return compared(_VALUES[field.path[0]](), test)


def _by_part(field: Field, test: Test) -> Bool:
    """Compare a member of the inputs or the output, if it is of the kind that is asked for."""
    if isinstance(test, Present):
        return func.coalesce(func.json_typeof(_member(field)) != "null", false())
    return compared(value_of(field), test)


def value_of(field: Field) -> ColumnElement[Any]:
    """Return the value of a member of the inputs or the output: null unless it is there, and of the field's kind."""
    found = _member(field)
    if field.kind is Kind.NUMBER and field.path[0] == "inputs":
        is_row = Prediction.status == Status.ACCEPTED
        return case((is_row, number_in(Prediction.inputs, *field.path[1:])))
    if field.kind is Kind.NUMBER:
        return case((func.json_typeof(found) == "number", found.as_float()))
    if field.kind is Kind.BOOLEAN:
        return case((func.json_typeof(found) == "boolean", found.as_boolean()))
    text: ColumnElement[Any] = found.as_string().collate("C")
    return text


def _member(field: Field) -> Any:
    part, *names = field.path
    found: Any = Prediction.inputs if part == "inputs" else Prediction.output
    for name in names:
        found = found[name]
    return found


def number_in(row: Any, name: str) -> ColumnElement[Any]:
    """Return the number that a member of a flat canonical JSON object has; null if it is no number, or not there.

    To read a text is twice as quick as to parse JSON. A name between quotation marks, behind a comma or the
    opening brace and before a colon, is that member: within names and texts, quotation marks are written
    with a backslash.
    """
    mark, whole = canonical.encode(name).decode() + ":", cast(row, Text)
    behind = func.split_part(whole, f",{mark}", 2)
    rest = func.coalesce(func.nullif(behind, ""), func.split_part(whole, f"{{{mark}", 2))
    return cast(func.substring(rest, "^-?[0-9][0-9.eE+-]*"), Float)


def _by_caller(_: Field, test: Test) -> Bool:
    address = func.lower(User.email)
    if isinstance(
        test, Equals
    ):  # The planner must know who it is, to know whether an index is of use.
        found = db.session.scalar(select(User.id).where(address == test.value.lower()))
        return Prediction.actor_id == (found or UUID(int=0))
    if isinstance(test, Matches):
        people = select(User.id).where(compared(address, Matches(test.pattern.lower())))
        return Prediction.actor_id.in_(people)
    return true()


def _by_model(_: Field, test: Test) -> Bool:
    if not isinstance(test, Equals):
        return Prediction.model_id.is_not(None)
    return Prediction.model_id == db.session.scalar(
        select(Model.id).where(Model.name == test.value)
    )


def _by_time(_: Field, test: Test) -> Bool:
    """Identifiers order by time, and everything else is found by them."""
    if not isinstance(test, Within):
        return true()
    edges = []
    if test.low is not None:
        edges.append(Prediction.id >= first_id_at(test.low))
    if test.high is not None:
        edges.append(Prediction.id < first_id_at(test.high))
    return and_(*edges)


def _latency() -> ColumnElement[Any]:
    return func.extract("epoch", Prediction.answered_at - Prediction.received_at) * 1000


def probability() -> ColumnElement[Any]:
    """Return the probability of the class that was predicted.

    Probabilities have the names that Python writes: the class `true` is True there, and 0 may be 0.0.
    """
    predicted = Prediction.output["prediction"].as_string()
    names = (predicted, func.initcap(predicted), predicted.concat(".0"))
    by_name = [Prediction.output["probabilities"].op("->>")(name) for name in names]
    return cast(func.coalesce(*by_name), Float)


_VALUES: dict[str, Callable[[], Any]] = {
    "version": lambda: Prediction.model_version,
    "status": lambda: Prediction.status,
    "channel": lambda: Prediction.channel,
    "id": lambda: Prediction.id,
    "request": lambda: Prediction.request_id,
    "client_request": lambda: Prediction.client_request_id,
    "reference": lambda: Prediction.reference,
    "subject": lambda: Prediction.subject,
    "latency": _latency,
    "probability": probability,
}
_COMPILERS: dict[str, Callable[[Field, Test], Bool]] = {
    "inputs": _by_part,
    "output": _by_part,
    "caller": _by_caller,
    "model": _by_model,
    "at": _by_time,
}
