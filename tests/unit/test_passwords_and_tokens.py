"""Which passwords are refused, and what a token looks like."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from app.services.errors import InvalidInputsError
from app.services.passwords import refused_because
from app.services.tokens import _new_secret, is_well_formed, parse_duration


@pytest.mark.parametrize(
    "password",
    [
        "correct horse battery staple",
        "Überraschung im Garten",
        "q8Zk-vT2!mWx7",
        "日本語のパスワードはとても長い",
    ],
)
def test_long_and_uncommon_passwords_are_good(password):
    assert refused_because(password, "ana@example.com") is None


@pytest.mark.parametrize(
    ("password", "words"),
    [
        ("short", "at least 12"),
        ("x" * 1025, "at most"),
        ("password1234", "first that an attacker tries"),
        ("Password!!!!1", "first that an attacker tries"),
        ("123456789012", "first that an attacker tries"),
        ("aaaaaaaaaaaaaaaa", "first that an attacker tries"),
        ("passwordpassword", "first that an attacker tries"),
        ("sunshine2026!", "first that an attacker tries"),
        ("ana.mueller@example.com", "your address"),
    ],
)
def test_passwords_that_are_easy_to_guess_are_refused(password, words):
    assert words in refused_because(password, "ana.mueller@example.com")


@given(st.text(max_size=60))
def test_any_password_is_judged(password):
    assert refused_because(password, "a@b.c") is None or len(password) <= 60


def test_a_token_has_shape_and_check_digits():
    secret = _new_secret()
    assert secret.startswith("dbk_")
    assert len(secret) == 42
    assert is_well_formed(secret)


@given(st.integers(0, 41), st.sampled_from("0aZ_é "))
def test_a_mistyped_token_is_seen_without_the_database(place, sign):
    secret = "dbk_0123456789abcdefghijABCDEFGHIJ01"
    from app.services.tokens import _check_digits

    secret += _check_digits(secret)
    typed = secret[:place] + sign + secret[place + 1 :]
    assert is_well_formed(typed) == (typed == secret)


@pytest.mark.parametrize(("text", "hours"), [("12h", 12), ("90d", 2160), ("4w", 672), ("1y", 8760)])
def test_durations_are_read(text, hours):
    assert parse_duration(text).total_seconds() == hours * 3600


@pytest.mark.parametrize("text", ["", "90", "0d", "d", "-1d", "1.5d", "999999d", "1 d"])
def test_other_durations_are_refused(text):
    with pytest.raises(InvalidInputsError):
        parse_duration(text)
