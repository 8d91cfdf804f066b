"""`python -m verifier`: check a proof, an exported book, or a live database."""

import argparse
import json
import sqlite3
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from .book import Source, verify_book
from .bundle import Bundle
from .database import Database, Psql
from .errors import Rejected, printable
from .keyring import Keyring
from .merkle import verify_consistency
from .notes import Key, open_checkpoint, parse_hash
from .proofs import verify_proof, verify_record
from .records import read_record

_EPILOG = """examples:
  python -m verifier proof record.tlog-proof --key NAME+ID+BASE64
  python -m verifier proof record.tlog-proof --key keys.txt --record record.json
  python -m verifier consistency kept/checkpoint checkpoint --proof consistency.json --key keys.txt
  python -m verifier bundle exported/ --key keys.txt --checkpoint kept/checkpoint
  python -m verifier database postgresql://auditor@host/daybook --key keys.txt

It exits with 0 if everything holds, with 1 if something is wrong, and with 2 if it is used wrongly.
"""


def main(arguments: Sequence[str] | None = None) -> int:
    """Check what the command line names; return the exit code."""
    given = _parser().parse_args(arguments)
    try:
        return int(given.check(given))
    except Rejected as why:
        print(f"WRONG: {printable(str(why))}.")
        return 1
    except ValueError:
        print("WRONG: something that was given is no text, or no JSON, or not in its form.")
        return 1
    except sqlite3.Error as error:
        print(f"The temporary folder cannot be written: {error}", file=sys.stderr)
        return 2
    except OSError as error:
        print(f"{error.filename}: {error.strerror}", file=sys.stderr)
        return 2


def _check_proof(given: argparse.Namespace) -> int:
    proven = verify_proof(given.file.read_text(encoding="utf-8"), _keys(given))
    if given.receipt and given.receipt.lower() != proven.leaf.hex():
        raise Rejected("the leaf is not the one of the receipt")
    if given.record:
        verify_record(proven, _record(given.record))
    what, checkpoint = proven.envelope, proven.checkpoint
    print(f"GOOD: {what['kind']} {what['id']} is leaf {proven.index} of {checkpoint.origin}")
    print(
        f"at size {checkpoint.size}, signed by {', '.join(str(key) for key in checkpoint.signers)}."
    )
    if given.record:
        print("The record is the one that was sealed, and its parts are what was committed to.")
    print(json.dumps(what, indent=2, sort_keys=True, ensure_ascii=False))
    return 0


def _check_consistency(given: argparse.Namespace) -> int:
    keys = _keys(given)
    old, new = (open_checkpoint(path.read_bytes(), keys) for path in (given.old, given.new))
    if old.origin != new.origin:
        raise Rejected(f"the checkpoints are of two books, {old.origin} and {new.origin}")
    served = json.loads(given.proof.read_text(encoding="utf-8")) if given.proof else {"hashes": []}
    hashes = [parse_hash(one) for one in served["hashes"]]
    verify_consistency(old.size, new.size, hashes, old.root, new.root)
    print(f"GOOD: {old.origin} of size {old.size} is the beginning of the one of size {new.size}.")
    return 0


def _check_bundle(given: argparse.Namespace) -> int:
    bundle = Bundle(given.folder)
    return _check_book(given, bundle, bundle.keys() if not given.key else None)


def _check_database(given: argparse.Namespace) -> int:
    with Psql(given.url) as ask:
        return _check_book(given, Database(ask), None)


def _check_book(given: argparse.Namespace, source: Source, keys: frozenset[Key] | None) -> int:
    if keys is not None:
        print(
            "No key is given: the keys that came with the book are used, so whoever made it is believed."
        )
    held = [path.read_bytes() for path in given.checkpoint]
    report = verify_book(
        source, Keyring(_keys(given) if keys is None else keys), held=held,
        receipts=dict(_receipt(text) for text in given.receipt), progress=_progress,
    )  # fmt: skip
    print(*report.lines(), sep="\n")
    return 0 if report.is_good else 1


def _progress(leaves: int) -> None:
    if sys.stderr.isatty():
        print(f"\r{leaves:,} leaves", end="", file=sys.stderr)


def _keys(given: argparse.Namespace) -> frozenset[Key]:
    words: list[str] = []
    for value in given.key:
        words += (
            Path(value).read_text(encoding="utf-8").split() if Path(value).is_file() else [value]
        )
    if not words:
        raise Rejected("no key is given: use --key with the public key that you were given")
    return frozenset(map(Key.parse, words))


def _record(path: Path) -> dict[str, Any]:
    """Return a record as `manage.py ledger record ID` prints it, or as its page gives it."""
    try:
        return read_record(json.loads(path.read_text(encoding="utf-8")))
    except (ValueError, RecursionError):
        raise Rejected("the record is not JSON") from None


def _receipt(text: str) -> tuple[str, str]:
    identifier, equals, leaf = text.partition("=")
    if not equals:
        raise Rejected("a receipt is written ID=LEAF_HASH")
    return identifier.lower(), leaf.lower()


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="python -m verifier", description="Checks a Daybook without Daybook.", epilog=_EPILOG,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )  # fmt: skip
    commands = parser.add_subparsers(required=True, metavar="WHAT")
    proof = commands.add_parser("proof", help="one record's proof file")
    proof.add_argument("file", type=Path)
    proof.add_argument("--record", type=Path, help="the record, to check its parts too")
    proof.add_argument("--receipt", help="the leaf hash that came with the answer")
    consistency = commands.add_parser(
        "consistency", help="two checkpoints: one book that has only grown?"
    )
    consistency.add_argument("old", type=Path)
    consistency.add_argument("new", type=Path)
    consistency.add_argument("--proof", type=Path, help="what /api/v1/ledger/consistency answered")
    bundle = commands.add_parser("bundle", help="an exported book")
    bundle.add_argument("folder", type=Path)
    database = commands.add_parser("database", help="a live database, by psql")
    database.add_argument("url", nargs="?", help="its address; PGHOST and so on if not given")
    checks = {
        proof: _check_proof, consistency: _check_consistency, bundle: _check_bundle, database: _check_database,
    }  # fmt: skip
    for command, check in checks.items():
        command.add_argument(
            "--key", action="append", default=[], help="a public key, or a file of them"
        )
        command.set_defaults(check=check)
    for command in (bundle, database):
        command.add_argument("--checkpoint", action="append", default=[], type=Path,
                             help="a checkpoint that was kept elsewhere")  # fmt: skip
        command.add_argument("--receipt", action="append", default=[], metavar="ID=LEAF_HASH",
                             help="what a client was answered")  # fmt: skip
    return parser


if __name__ == "__main__":
    sys.exit(main())
