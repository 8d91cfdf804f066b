"""Whose signatures count, and how that changes along the book."""

from typing import Any

from .errors import Rejected
from .notes import Key, parse_base64


class Keyring:
    """The keys that an auditor trusts; the book may replace one by another, if both agree.

    Args:
        keys: those that the auditor was given.
    """

    def __init__(self, keys: frozenset[Key]) -> None:
        self.trusted = keys

    def change(self, what: Any) -> None:
        """Replace a key as a leaf of kind `key_change` says; its old and its new key have signed that.

        Raises:
            Rejected: if one of them has not, or the old one is not trusted.
        """
        try:
            old, new = Key.parse(what["old"]), Key.parse(what["new"])
            signatures = {name: parse_base64(what["signatures"][name]) for name in ("old", "new")}
        except (KeyError, TypeError, AttributeError) as why:
            raise Rejected(f"it does not name both keys and their signatures: {why}") from None
        statement = f"daybook-key-change-v1\n{old}\n{new}\n".encode()
        if old not in self.trusted:
            raise Rejected(f"the key {old} is replaced, but it is not trusted")
        for key, name in ((old, "old"), (new, "new")):
            if not key.has_signed(statement, signatures[name]):
                raise Rejected(f"the {name} key has not signed the change of keys")
        self.trusted = self.trusted - {old} | {new}
