"""Which passwords are refused: by length and a blocklist, with no rules of composition.

See NIST SP 800-63B-4, section 3.1.1.2.
"""

import re
import unicodedata

from zxcvbn.frequency_lists import FREQUENCY_LISTS

SHORTEST = 12
LONGEST = 1024
_COMMON = frozenset(FREQUENCY_LISTS["passwords"])


def normalised(password: str) -> str:
    """Return the one form of a password, however the keyboard composed its letters (Unicode NFKD)."""
    return unicodedata.normalize("NFKD", password)


def refused_because(password: str, email: str) -> str | None:
    """Return why a password is refused, None if it is good.

    A common password with digits or signs around it, or twice in a row, is as easy to guess.
    """
    if len(password) < SHORTEST:
        return f"Use at least {SHORTEST} characters; a sentence of a few words is good."
    if len(password) > LONGEST:
        return f"Use at most {LONGEST:,} characters."
    bare = password.casefold()
    core = re.sub(r"^[\W\d_]+|[\W\d_]+$", "", bare)
    half = bare[: len(bare) // 2]
    if not core or len(set(bare)) < 5 or {bare, core} & _COMMON or _doubled(bare, half):
        return "This password is one of the first that an attacker tries."
    if core in (email.casefold(), email.casefold().partition("@")[0]):
        return "This password is your address; use something else."
    return None


def _doubled(password: str, half: str) -> bool:
    return password == half * 2 and half in _COMMON
