"""Change the ledger's and the verifier's pure code in small ways: each time a direct test must fail.

Runs when it is named (`make mutants`, about ten minutes): each change is a run of the tests on a copy.
"""

import ast
import copy
import shutil
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from config import PROJECT

TESTS = (
    "tests/unit/test_merkle.py",
    "tests/unit/test_notes_and_proofs.py",
    "tests/unit/test_ledger_records.py",
)
MODULES = (
    "app/ledger/merkle.py", "app/ledger/tiles.py", "app/ledger/keys.py", "app/ledger/notes.py",
    "app/ledger/strict_text.py", "app/ledger/checkpoint.py", "app/ledger/proof.py", "app/ledger/commitment.py",
    "verifier/merkle.py", "verifier/notes.py", "verifier/proofs.py",
)  # fmt: skip
_COMPILED = shutil.ignore_patterns("__pycache__")
#: Changes that change nothing that anyone could see, by module and line of code: a limit one higher, say.
EQUAL = {
    # One line more is read, and the proof is refused all the same.
    ("app/ledger/proof.py", "56: hashes=[read_hash(line) for line in lines[3 : 4 + MOST_HASHES]], (Constant)"),
    # A width of 256 is written without a width, so the other condition refuses it.
    ("app/ledger/tiles.py", "110: if path != path_of(level, number, width) or (found[3] and width >= WIDTH): (Compare)"),
    # A space is a space already.
    ("verifier/notes.py", '180: if not name or "+" in name or any(c.isspace() or c < " " for c in name): (Compare)'),
}  # fmt: skip
_SWAPS = {
    ast.Lt: ast.LtE, ast.LtE: ast.Lt, ast.Gt: ast.GtE, ast.GtE: ast.Gt, ast.Eq: ast.NotEq, ast.NotEq: ast.Eq,
    ast.In: ast.NotIn, ast.NotIn: ast.In, ast.Add: ast.Sub, ast.Sub: ast.Add, ast.LShift: ast.RShift,
    ast.RShift: ast.LShift, ast.FloorDiv: ast.Mult, ast.Mod: ast.FloorDiv, ast.And: ast.Or, ast.Or: ast.And,
}  # fmt: skip


def mutants(source: str) -> Iterator[tuple[str, str]]:
    """Yield changed sources, each with what was changed."""
    tree = ast.parse(source)
    for number, node in enumerate(ast.walk(tree)):
        for change in _changes(node):
            changed = copy.deepcopy(tree)
            target = next(one for n, one in enumerate(ast.walk(changed)) if n == number)
            change(target)
            line = getattr(node, "lineno", 0)
            yield (
                ast.unparse(changed),
                f"{line}: {source.splitlines()[line - 1].strip()} ({type(node).__name__})",
            )


def _changes(node: ast.AST):
    if isinstance(node, ast.Compare) and type(node.ops[0]) in _SWAPS:
        yield lambda n: n.ops.__setitem__(0, _SWAPS[type(n.ops[0])]())
    if isinstance(node, ast.BinOp | ast.BoolOp) and type(node.op) in _SWAPS and not _is_type(node):
        yield lambda n: setattr(n, "op", _SWAPS[type(n.op)]())
    if isinstance(node, ast.Constant) and type(node.value) is int:
        yield lambda n: setattr(n, "value", n.value + 1)
    if isinstance(node, ast.Constant) and type(node.value) is bytes and node.value:
        yield lambda n: setattr(n, "value", n.value[:-1])
    if isinstance(node, ast.UnaryOp) and isinstance(node.op, ast.Not):
        yield lambda n: (
            setattr(n, "op", ast.UAdd()),
            setattr(n, "operand", ast.Call(ast.Name("bool", ast.Load()), [n.operand], [])),
        )
    if isinstance(node, ast.If):
        yield lambda n: setattr(n, "test", ast.Constant(False))


def _is_type(node) -> bool:
    return any(isinstance(one, ast.Constant) and one.value is None for one in ast.walk(node))


@pytest.mark.parametrize("module", MODULES)
def test_every_change_is_noticed(module, tmp_path):
    source = (PROJECT / module).read_text()
    found = list(mutants(source))
    survived = [_survives(module, tmp_path, *numbered) for numbered in enumerate(found)]
    left = [
        found[n][1]
        for n, alive in enumerate(survived)
        if alive and (module, found[n][1]) not in EQUAL
    ]
    assert not left, (
        f"{len(left)} of {len(found)} changes of {module} were not noticed:\n" + "\n".join(left)
    )


def _survives(module: str, folder: Path, numbered: int, mutant: tuple[str, str]) -> bool:
    place = folder / str(numbered)
    shutil.copytree(PROJECT / "app/ledger", place / "app/ledger", ignore=_COMPILED)
    shutil.copytree(PROJECT / "verifier", place / "verifier", ignore=_COMPILED)
    (place / "app/__init__.py").touch()  # The service is not needed, and takes a second to load.
    (place / "tests/unit").mkdir(parents=True)
    for name in (*TESTS, "pyproject.toml"):
        shutil.copy(PROJECT / name, place / name)
    (place / module).write_text(mutant[0])
    command = [sys.executable, "-m", "pytest", "-x", "-q", "-p", "no:cacheprovider", *TESTS]
    try:
        done = subprocess.run(command, cwd=place, capture_output=True, check=False, timeout=120)
    except subprocess.TimeoutExpired:
        return False  # It goes round for ever: that is noticed.
    finally:
        shutil.rmtree(place)
    return done.returncode == 0
