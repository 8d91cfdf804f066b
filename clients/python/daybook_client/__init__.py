"""A client for Daybook: predictions that are recorded, and what becomes of them."""

from daybook_client.client import Client
from daybook_client.errors import DaybookError, NotSealedError, UnreachableError, WrongProofError
from daybook_client.records import Answer, Proof

__all__ = [
    "Answer",
    "Client",
    "DaybookError",
    "NotSealedError",
    "Proof",
    "UnreachableError",
    "WrongProofError",
]
