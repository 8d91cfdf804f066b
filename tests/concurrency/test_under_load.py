"""Two of everything at once, with real commits and real workers."""

import threading
import time
from collections import Counter
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime

from sqlalchemy import func, select, text

from app.database.partitions import ensure_partitions_ahead
from app.extensions import db
from app.models import Prediction
from app.services import registry, tokens, users
from tests.support.cast import GOOD_ROW, churn_estimator, customers, register, write_model
from tests.support.live import live_server
from tests.support.waiting import until

URL = "/api/v1/models/churn/predictions"


def stored(app):
    with app.app_context():
        return set(db.session.scalars(select(Prediction.id)))


def test_every_answer_of_many_threads_is_a_record_and_every_record_an_answer(fresh_app):
    headers = fresh_app.extensions["cast"]["owner"].bearer

    def ask(number):
        rows = [GOOD_ROW] * (1 + number % 3)
        answer = fresh_app.test_client().post(URL, json={"inputs": rows}, headers=headers)
        assert answer.status_code == 201
        return [prediction["id"] for prediction in answer.get_json()["predictions"]]

    with ThreadPoolExecutor(8) as pool:
        answered = [i for ids in pool.map(ask, range(120)) for i in ids]
    assert len(answered) == len(set(answered)) == 240
    assert set(answered) == {str(i) for i in stored(fresh_app)}


def test_activating_reaches_every_worker_within_two_seconds_without_a_failed_request(
    fresh_app, fresh_url, tmp_path
):
    headers = fresh_app.extensions["cast"]["owner"].bearer
    data = customers()
    path = write_model(tmp_path, churn_estimator(data, 0.01), data, "second")
    with fresh_app.app_context():
        register(path, "churn", activate=False)
    stop, answers = threading.Event(), []

    def keep_asking(server):
        with server.session(headers) as session:
            while not stop.is_set():
                answer = session.post(URL, json={"inputs": [GOOD_ROW]})
                answers.append((time.monotonic(), answer.status, answer.json()["model"]["version"]))

    with live_server(fresh_url, tmp_path, WEB_CONCURRENCY="2") as server:
        threads = [threading.Thread(target=keep_asking, args=(server,)) for _ in range(4)]
        for thread in threads:
            thread.start()
        until(lambda: len(answers) > 50)
        with fresh_app.app_context():
            registry.activate_version("churn", 2)
            db.session.commit()
        activated = time.monotonic()
        until(lambda: time.monotonic() > activated + 3)
        stop.set()
        for thread in threads:
            thread.join()
    assert {status for _, status, _ in answers} == {201}
    late = Counter(version for moment, _, version in answers if moment > activated + 2)
    assert set(late) == {2}
    assert 1 in {version for moment, _, version in answers if moment < activated}


def test_revoking_and_disabling_reach_every_worker_within_a_second(fresh_app, fresh_url, tmp_path):
    with fresh_app.app_context():
        owner = users.find_user("owner@example.com")
        token, secret = tokens.create_token(owner, "t", ["read:all"])
        identifier = token.id
        db.session.commit()
    revoked = {"Authorization": f"Bearer {secret}"}
    disabled = fresh_app.extensions["cast"]["colleague"].bearer

    def statuses(headers):
        # Connections of their own, so that both workers are asked.
        return {server.get("/api/v1/models", headers).status for _ in range(12)}

    with live_server(fresh_url, tmp_path, WEB_CONCURRENCY="2") as server:
        assert statuses(revoked) == statuses(disabled) == {200}
        with fresh_app.app_context():
            tokens.revoke_token(identifier, user_id=None, actor_id=None)
            users.set_active(users.find_user("colleague@example.com"), False)
            db.session.commit()
        done, began = time.monotonic(), []

        def all_are_refused():
            began.append(time.monotonic())
            return statuses(revoked) == statuses(disabled) == {401}

        until(all_are_refused)
        assert began[-1] - done < 1


def test_many_make_the_same_partition_at_once(fresh_app):
    def make(_):
        with fresh_app.extensions["begin"]() as cursor:
            ensure_partitions_ahead(cursor, datetime(2040, 5, 1, tzinfo=UTC))

    with ThreadPoolExecutor(8) as pool:
        list(pool.map(make, range(16)))
    with fresh_app.app_context():
        query = "SELECT count(*) FROM pg_class WHERE relname LIKE 'predictions_2040___' AND relkind = 'r'"
        assert db.session.scalar(text(query)) == 3


def test_versions_registered_at_once_get_numbers_of_their_own(fresh_app, tmp_path):
    data = customers()
    path = write_model(tmp_path, churn_estimator(data, 0.2), data, "many")

    def add(_):
        with fresh_app.app_context():
            return register(path, "churn", activate=False)

    with ThreadPoolExecutor(4) as pool:
        assert sorted(pool.map(add, range(4))) == list(range(2, 6))


def test_a_connection_lost_before_the_commit_is_answered_by_another_one(fresh_app, server):
    headers = fresh_app.extensions["cast"]["owner"].bearer
    client = fresh_app.test_client()
    assert client.post(URL, json={"inputs": [GOOD_ROW]}, headers=headers).status_code == 201
    (idle,) = fresh_app.extensions["recorder"]._book._idle
    server.execute(f"SELECT pg_terminate_backend({idle.get_backend_pid()})")
    assert client.post(URL, json={"inputs": [GOOD_ROW]}, headers=headers).status_code == 201
    assert len(stored(fresh_app)) == 2


def test_all_connections_cut_at_once_are_replaced(fresh_app, server):
    headers = fresh_app.extensions["cast"]["owner"].bearer
    client = fresh_app.test_client()
    assert client.post(URL, json={"inputs": [GOOD_ROW]}, headers=headers).status_code == 201
    with fresh_app.app_context():
        name = db.session.scalar(text("SELECT current_database()"))
        db.session.remove()
    server.execute(
        f"SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE datname = '{name}'"
    )
    assert client.post(URL, json={"inputs": [GOOD_ROW]}, headers=headers).status_code == 201


def test_a_full_house_answers_everybody(fresh_app):
    """More requests at once than there are connections: they wait their turn."""
    headers = fresh_app.extensions["cast"]["owner"].bearer

    def ask(_):
        return fresh_app.test_client().post(URL, json={"inputs": [GOOD_ROW]}, headers=headers)

    with ThreadPoolExecutor(40) as pool:
        statuses = Counter(answer.status_code for answer in pool.map(ask, range(120)))
    assert statuses == {201: 120}
    with fresh_app.app_context():
        assert db.session.scalar(select(func.count()).select_from(Prediction)) == 120


def test_one_of_many_who_add_the_same_person_at_once_succeeds(fresh_app):
    from app.models import Role
    from app.services.errors import ConflictError
    from tests.support.cast import PASSWORD

    def add(_):
        with fresh_app.app_context():
            try:
                users.create_user("same@example.com", Role.ANALYST, PASSWORD)
                db.session.commit()
            except ConflictError:
                return "conflict"
            return "added"

    with ThreadPoolExecutor(4) as pool:
        assert Counter(pool.map(add, range(4))) == {"added": 1, "conflict": 3}
