"""Cohen's kappa: known answers, and what holds for all."""

import pytest
from hypothesis import given
from hypothesis import strategies as st
from sklearn.metrics import cohen_kappa_score

from ml.agreement import cohens_kappa

VERDICTS = ["agree", "disagree", "unsure"]


def test_it_is_that_of_the_definition():
    first = ["yes"] * 25 + ["no"] * 25
    second = ["yes"] * 20 + ["no"] * 5 + ["yes"] * 10 + ["no"] * 15
    assert cohens_kappa(first, second).value == pytest.approx(0.4)


@pytest.mark.parametrize("pairs", [[], [("agree", "agree")] * 5])
def test_where_nothing_could_differ_it_means_nothing(pairs):
    assert cohens_kappa([one for one, _ in pairs], [other for _, other in pairs]) is None


@given(st.lists(st.tuples(st.sampled_from(VERDICTS), st.sampled_from(VERDICTS)), min_size=1, max_size=60)
       .filter(lambda pairs: len({one for pair in pairs for one in pair}) > 1))  # fmt: skip
def test_it_is_what_the_library_finds(pairs):
    first, second = zip(*pairs, strict=True)
    found = cohens_kappa(first, second)
    assert found.value == pytest.approx(cohen_kappa_score(first, second))
    assert found.low <= found.value <= found.high
