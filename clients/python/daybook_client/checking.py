"""Checking proofs offline, by the verifier that auditors use."""

from collections.abc import Iterable, Mapping
from typing import Any

from daybook_client.errors import WrongProofError

try:
    from daybook_client._verifier.errors import Rejected
    from daybook_client._verifier.notes import Key
    from daybook_client._verifier.proofs import verify_proof, verify_record
    from daybook_client._verifier.records import read_record
except ModuleNotFoundError as error:
    if error.name != "cryptography":
        raise
    raise ImportError("To check proofs: pip install 'daybook-client[verify]'") from error


def check_proof(
    identifier: str,
    text: str,
    keys: Iterable[str],
    record: Mapping[str, Any] | None,
    receipt: str | None,
) -> int:
    """Return which leaf a proof proves; see `Proof.check`.

    Raises:
        WrongProofError: what does not hold.
    """
    try:
        proven = verify_proof(text, frozenset(map(Key.parse, keys)))
        if proven.envelope["id"] != identifier.lower():
            raise WrongProofError(f"The proof is of {proven.envelope['id']}, another record.")
        if receipt is not None and receipt.lower() != proven.leaf.hex():
            raise WrongProofError("The leaf is not the one of the receipt.")
        if record is not None:
            verify_record(proven, read_record(dict(record)))
    except Rejected as why:
        raise WrongProofError(f"The proof proves nothing: {why}.") from None
    return proven.index
