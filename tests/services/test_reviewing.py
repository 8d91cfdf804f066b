"""Reviews and queues: each person once, the second one blind, and what they disagree on is decided."""

import pytest
from sqlalchemy import func, select

from app.extensions import db
from app.models import Event, EventKind, Prediction, Review, SamplingRule, Status
from app.services import erasure, model_access, outcomes, queues, reporting, reviews, search, users
from app.services.errors import (
    ConflictError,
    InvalidInputsError,
    InvalidQueryError,
    UnknownThingError,
)
from app.services.history import find_predictions
from app.services.queues import State
from app.services.reviewing import Draft, review_prediction
from app.services.sampling import Sample
from tests.support.asking import ask
from tests.support.history import record_some

AGREE, UNSURE = Draft(verdict="agree"), Draft(verdict="unsure")
EVERYTHING = Sample(rule=SamplingRule.RANDOM, size=100)


@pytest.fixture
def asked(context, cast):
    return ask(context, cast["owner"], rows=6)


def prediction(identifier):
    return db.session.get(Prediction, identifier).output["prediction"]


def other_than(identifier):
    return {"yes": "no", "no": "yes"}[prediction(identifier)]


def queue_of(
    cast,
    *,
    people=2,
    assigned=("owner", "colleague"),
    query="",
    sample=EVERYTHING,
    by="owner",
    name="q",
):
    addresses = [cast[who].email for who in assigned]
    return queues.open_queue(
        cast[by].caller, name, "churn", query, sample, people=people, assigned=addresses
    )


def found(caller, query):
    return {
        one.id
        for one in find_predictions(caller, search.read_query(caller, query), limit=500).records
    }


def state_of(cast, queue, identifier, who="owner"):
    return queues.find_item(queues.progress_of(cast[who].caller, queue).items, identifier).state


def test_a_review_is_kept_with_its_parts_and_their_commitments(asked, cast):
    draft = Draft(
        verdict="disagree", correction=other_than(asked[0]), reason=" age ", note="Looks\nodd"
    )
    review = review_prediction(cast["colleague"].caller, asked[0], draft)
    assert (review.verdict, review.correction, review.reason, review.note) == (
        "disagree", other_than(asked[0]), "age", "Looks\nodd"
    )  # fmt: skip
    assert all(
        len(getattr(review, f"{n}_commitment")) == 32 for n in ("correction", "reason", "note")
    )
    plain = review_prediction(cast["owner"].caller, asked[0], AGREE)
    assert (plain.correction, plain.reason, plain.reason_salt) == (None, None, None)
    told = reviews.reviews_of(cast["owner"].caller, asked)[asked[0]]
    assert [one.verdict for one in told] == ["agree", "disagree"]


@pytest.mark.parametrize(
    ("draft", "pointer"),
    [
        ({"verdict": "fine"}, "/verdict"), ({"verdict": "agree", "correction": "yes"}, "/correction"),
        ({"verdict": "disagree", "correction": "perhaps"}, "/correction"), ({"verdict": "unsure", "reason": "x" * 201}, "/reason"),
        ({"verdict": "unsure", "note": "a\x00"}, "/note"), ({"verdict": "disagree", "is_outcome": True}, "/correction"),
    ],
)  # fmt: skip
def test_what_does_not_fit_is_refused_at_its_place(asked, cast, draft, pointer):
    with pytest.raises(InvalidInputsError) as refused:
        review_prediction(cast["owner"].caller, asked[0], Draft(**draft))
    assert refused.value.errors[0].pointer == pointer


def test_the_answer_itself_is_no_correction(asked, cast):
    with pytest.raises(InvalidInputsError, match="what the model answered"):
        review_prediction(
            cast["owner"].caller,
            asked[0],
            Draft(verdict="disagree", correction=prediction(asked[0])),
        )


def test_a_correction_can_become_the_outcome(asked, cast):
    draft = Draft(verdict="disagree", correction=other_than(asked[0]), is_outcome=True)
    review_prediction(cast["owner"].caller, asked[0], draft)
    assert outcomes.newest_outcomes(asked)[asked[0]].value == other_than(asked[0])


def test_strangers_review_nothing_and_what_is_gone_is_not_reviewed(context, client, cast):
    records = record_some(client, cast)
    refused = next(one for one in records if one.status == Status.REFUSED)
    erased = next(one for one in records if one.status == Status.ACCEPTED and one.output is None)
    good = next(one for one in records if one.output and one.status == Status.ACCEPTED)
    with pytest.raises(UnknownThingError):
        review_prediction(cast["stranger"].caller, good.id, AGREE)
    for record in (refused, erased):
        with pytest.raises(ConflictError):
            review_prediction(cast["admin"].caller, record.id, AGREE)


def test_erasing_a_prediction_erases_what_was_written_of_it(asked, cast):
    review = review_prediction(
        cast["owner"].caller, asked[0], Draft(verdict="unsure", note="Mrs Example")
    )
    erasure.erase_prediction(asked[0], basis="x", actor_id=None)
    assert (review.note, review.note_salt, review.verdict) == (None, None, "unsure")
    assert erasure.erasure_of(review.id).what["parts"] == ["note"]


def test_the_newest_review_is_searched(asked, cast):
    caller = cast["owner"].caller
    review_prediction(caller, asked[0], AGREE)
    review_prediction(caller, asked[1], AGREE)
    review_prediction(caller, asked[1], UNSURE)
    assert found(caller, "review:agree") == {asked[0]}
    assert found(caller, "review:unsure") == found(caller, "-review:agree") == {asked[1]}
    assert found(caller, "has:review") == set(asked[:2])
    assert found(caller, "-has:review") == set(asked[2:])


def test_a_queue_is_worked_off_by_two_and_what_they_disagree_on_is_decided(asked, cast):
    queue = queue_of(cast, by="admin")
    owner, colleague, admin = (cast[who].caller for who in ("owner", "colleague", "admin"))
    for caller in (owner, colleague):
        seen = set()
        while item := queues.next_item(caller, queue):
            assert item.prediction_id not in seen
            seen.add(item.prediction_id)
            draft = UNSURE if caller is colleague and item.prediction_id == asked[0] else AGREE
            queues.review_item(caller, queue, item.prediction_id, draft)
        assert seen == set(asked)
    progress = queues.progress_of(admin, queue)
    assert (progress.counts["done"], progress.counts["disputed"], len(progress.mine)) == (5, 1, 1)
    assert (len(progress.pairs), progress.agreeing) == (6, 5)
    assert progress.kappa is not None
    assert queues.next_item(owner, queue) is None
    assert queues.next_item(admin, queue).prediction_id == asked[0]
    decision = queues.review_item(admin, queue, asked[0], AGREE)
    assert decision.adjudicates
    assert state_of(cast, queue, asked[0]) is State.DONE
    assert queues.progress_of(admin, queue).verdicts == {"agree": 6}
    with pytest.raises(ConflictError, match="done, or not yours"):
        queues.review_item(admin, queue, asked[0], AGREE)


def test_two_corrections_that_differ_are_disputed(asked, cast):
    queue = queue_of(cast)
    wrong = Draft(verdict="disagree", correction=other_than(asked[0]))
    queues.review_item(cast["owner"].caller, queue, asked[0], wrong)
    queues.review_item(cast["colleague"].caller, queue, asked[0], Draft(verdict="disagree"))
    assert state_of(cast, queue, asked[0]) is State.DISPUTED


def test_the_second_reader_is_blind_until_both_have_reviewed(asked, cast):
    owner, colleague = cast["owner"].caller, cast["colleague"].caller
    queue = queue_of(cast)
    queues.review_item(owner, queue, asked[0], AGREE)
    assert reviews.reviews_of(colleague, asked) == {}
    assert found(colleague, "has:review") == found(colleague, "review:agree") == set()
    item = queues.find_item(queues.progress_of(colleague, queue).items, asked[0])
    assert not queues.comparable(colleague, queue, [item])
    assert found(owner, "has:review") == found(cast["auditor"].caller, "has:review") == {asked[0]}
    queues.review_item(colleague, queue, asked[0], UNSURE)
    assert len(reviews.reviews_of(colleague, asked)[asked[0]]) == 2
    item = queues.find_item(queues.progress_of(colleague, queue).items, asked[0])
    assert queues.comparable(colleague, queue, [item]) == {asked[0]}


def test_the_second_reader_is_blind_to_whatever_the_first_one_says(asked, cast):
    owner, colleague = cast["owner"].caller, cast["colleague"].caller
    queue, other = queue_of(cast), queue_of(cast, people=1, name="other")
    queues.review_item(owner, other, asked[0], UNSURE)
    review_prediction(owner, asked[1], UNSURE)
    assert reviews.reviews_of(colleague, asked) == {}
    assert found(colleague, "has:review") == set()
    assert found(colleague, "-has:review") == set(asked)
    draft = Draft(verdict="disagree", correction=other_than(asked[0]), is_outcome=True)
    with pytest.raises(InvalidInputsError) as refused:
        queues.review_item(owner, queue, asked[0], draft)
    assert refused.value.errors[0].pointer == "/is_outcome"
    with pytest.raises(InvalidInputsError, match="reviews this blind"):
        review_prediction(owner, asked[0], draft)
    review_prediction(colleague, asked[1], AGREE)
    assert [one.verdict for one in reviews.reviews_of(colleague, asked)[asked[1]]] == ["agree"], (
        "their own"
    )


def test_somebody_else_may_be_assigned_when_one_leaves(asked, cast):
    queue = queue_of(cast)
    queues.review_item(cast["owner"].caller, queue, asked[0], AGREE)
    for who, address in (("colleague", "admin@example.com"), ("stranger", "admin@example.com")):
        with pytest.raises(UnknownThingError):
            queues.assign(cast[who].caller, queue.id, address)
    with pytest.raises(InvalidQueryError, match="may not review"):
        queues.assign(cast["owner"].caller, queue.id, "stranger@example.com")
    for _ in range(2):
        queues.assign(cast["owner"].caller, queue.id, "admin@example.com")
    queues.review_item(cast["admin"].caller, queue, asked[0], AGREE)
    assert state_of(cast, queue, asked[0]) is State.DONE


def test_who_may_not_use_the_model_any_more_sees_no_queue_of_it(asked, cast):
    queue = queue_of(cast)
    model_access.revoke_grant("churn", users.find_user("colleague@example.com"))
    with pytest.raises(UnknownThingError):
        queues.get_queue(cast["colleague"].caller, queue.id)
    assert queues.queues_for(cast["colleague"].caller) == []


def test_six_queues_take_no_more_statements_than_one(asked, cast, statements):
    def shown():
        statements.clear()
        return queues.queues_for(cast["colleague"].caller)

    queue_of(cast, name="first")
    assert [len(one.items) for one in shown()] == [6]
    of_one = len(statements)
    others = [queue_of(cast, name=name, assigned=["colleague"], people=1) for name in "abcde"]
    queues.review_item(cast["colleague"].caller, others[0], asked[0], AGREE)
    assert [len(one.mine) for one in shown()] == [6, 6, 6, 6, 5, 6]
    assert [one.people for one in shown()][4:] == [
        ["colleague@example.com"],
        ["owner@example.com", "colleague@example.com"],
    ]
    assert len(statements) == of_one


def test_a_closed_queue_hides_nothing_and_takes_nothing(asked, cast):
    owner, colleague = cast["owner"].caller, cast["colleague"].caller
    queue = queue_of(cast)
    queues.review_item(owner, queue, asked[0], AGREE)
    with pytest.raises(UnknownThingError):
        queues.close_queue(colleague, queue.id)
    queues.close_queue(owner, queue.id)
    assert len(reviews.reviews_of(colleague, asked)[asked[0]]) == 1
    assert queues.next_item(colleague, queue) is None
    with pytest.raises(ConflictError):
        queues.review_item(colleague, queue, asked[1], AGREE)
    kinds = {EventKind.QUEUE_OPENED, EventKind.QUEUE_CLOSED}
    query = select(func.count()).where(Event.kind.in_(kinds), Event.subject_id == queue.id)
    assert db.session.scalar(query) == 2


def test_people_at_work_get_other_items(asked, cast):
    queue = queue_of(cast, people=1)
    owner, colleague = cast["owner"].caller, cast["colleague"].caller
    first = queues.next_item(owner, queue)
    second = queues.next_item(colleague, queue)
    assert first.prediction_id != second.prediction_id
    assert queues.next_item(owner, queue).prediction_id == first.prediction_id, "it is still theirs"
    assert queues.next_item(owner, queue, after=first.place).place > first.place


def test_one_review_of_each_person_for_each_item(asked, cast):
    queue = queue_of(cast)
    queues.review_item(cast["owner"].caller, queue, asked[0], AGREE)
    with pytest.raises(ConflictError):
        queues.review_item(cast["owner"].caller, queue, asked[0], UNSURE)


def test_only_the_assigned_work_in_a_queue(asked, cast):
    queue = queue_of(cast, people=1, assigned=("owner",))
    with pytest.raises(UnknownThingError):
        queues.get_queue(cast["colleague"].caller, queue.id)
    assert queues.get_queue(cast["auditor"].caller, queue.id) is queue
    assert queues.next_item(cast["auditor"].caller, queue) is None
    with pytest.raises(ConflictError):
        queues.review_item(cast["admin"].caller, queue, asked[0], AGREE)


@pytest.mark.parametrize(
    ("given", "pointer"),
    [
        ({"name": " "}, "/name"), ({"name": "taken"}, "/name"), ({"people": 3}, "/people"), ({"assigned": ("owner",)}, "/assigned"),
        ({"assigned": ("owner", "stranger")}, "/assigned"), ({"assigned": ("owner", "auditor")}, "/assigned"),
        ({"query": "age:>300"}, "/q"), ({"query": "aeg:>30"}, "/q"), ({"sample": Sample(rule="best", size=5)}, "/rule"),
        ({"sample": Sample(rule="random", size=0)}, "/size"), ({"sample": Sample(rule="random", size=1001)}, "/size"),
        ({"sample": Sample(rule="nearest", size=5)}, "/field"),
        ({"sample": Sample(rule="nearest", size=5, field="country", threshold=1)}, "/field"),
        ({"sample": Sample(rule="nearest", size=5, field="age")}, "/threshold"),
    ],
)  # fmt: skip
def test_a_queue_that_does_not_fit_is_refused_at_its_place(asked, cast, given, pointer):
    queue_of(cast, name="taken")
    with pytest.raises(InvalidQueryError) as refused:
        queue_of(cast, **({"name": "other"} | given))
    assert refused.value.errors[0].pointer == pointer


def test_strangers_fill_no_queue(asked, cast):
    with pytest.raises(UnknownThingError):
        queue_of(cast, by="stranger")


def items(cast, sample, query=""):
    queue = queue_of(cast, people=1, sample=sample, query=query)
    return [one.prediction_id for one in queues.progress_of(cast["owner"].caller, queue).items]


def outputs(ids):
    return {one: db.session.get(Prediction, one) for one in ids}


def test_a_random_sample_is_of_what_fits(asked, cast):
    drawn = items(cast, Sample(rule="random", size=2), "age:>=22")
    assert len(set(drawn)) == 2
    assert set(drawn) <= {one for one in asked if outputs(asked)[one].inputs["age"] >= 22}


def test_the_least_confident_come_first(asked, cast):
    certainty = {
        one: max(found.output["probabilities"].values()) for one, found in outputs(asked).items()
    }
    assert (
        items(cast, Sample(rule="least_confident", size=3)) == sorted(asked, key=certainty.get)[:3]
    )


def test_the_nearest_to_a_threshold_come_first(asked, cast):
    sample = Sample(rule="nearest", size=2, field="age", threshold=23.6)
    assert [outputs(asked)[one].inputs["age"] for one in items(cast, sample)] == [24.0, 23.0]


def test_those_that_turned_out_otherwise_are_sampled(asked, cast):
    reporting.report_outcome(cast["owner"].caller, asked[1], other_than(asked[1]))
    reporting.report_outcome(cast["owner"].caller, asked[2], prediction(asked[2]))
    assert items(cast, Sample(rule="disagreeing", size=9)) == [asked[1]]


def test_an_item_that_was_erased_is_none_any_more(asked, cast):
    queue = queue_of(cast, people=1)
    erasure.erase_prediction(asked[0], basis="x", actor_id=None)
    progress = queues.progress_of(cast["owner"].caller, queue)
    assert asked[0] not in {one.prediction_id for one in progress.items}
    assert db.session.scalar(select(func.count()).select_from(Review)) == 0
