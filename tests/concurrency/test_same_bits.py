"""An answer does not depend on who else was asking: through the whole service, to the last bit."""

from concurrent.futures import ThreadPoolExecutor

import joblib
import pytest

from app.extensions import db
from app.services import registry
from app.services.registry import Registration
from tests.support.estimators import ESTIMATORS, TARGET, biopsies, fitted

ROWS = 48


@pytest.mark.parametrize("name", ESTIMATORS)
def test_answers_under_load_have_the_bits_of_rows_asked_one_by_one(name, fresh_app, tmp_path):
    headers = fresh_app.extensions["cast"]["owner"].bearer
    _register(fresh_app, name, tmp_path)
    rows = biopsies().drop(columns=TARGET).head(ROWS).to_dict("records")

    def ask(*inputs):
        answer = fresh_app.test_client().post(
            f"/api/v1/models/{name}/predictions", json={"inputs": inputs}, headers=headers
        )
        assert answer.status_code == 201, answer.get_json()
        return [repr(prediction["output"]) for prediction in answer.get_json()["predictions"]]

    alone = [ask(row)[0] for row in rows]
    with ThreadPoolExecutor(16) as pool:
        for _ in range(3):
            assert [output for (output,) in pool.map(ask, rows)] == alone
    assert ask(*rows) == alone


def _register(app, name, folder):
    path, data = folder / f"{name}.joblib", folder / f"{name}.csv"
    joblib.dump(fitted(name), path)
    biopsies().to_csv(data, index=False)
    given = Registration(name=name, path=path, data=data, target=TARGET, registered_by="a test")
    with app.app_context():
        registry.register_version(given)
        registry.activate_version(name, 1)
        db.session.commit()
