"""Keys: made once, kept to their owner, changed with a leaf that both have signed."""

import os

import pytest

from app.cli.main import Menu
from app.extensions import db
from app.jobs.verify_book import verify_requested_book
from app.ledger.strict_text import FormatError
from app.models import NoticeKind
from app.sealer.signing import KeyStore, SigningKey, SigningKeyError
from app.services import ledger, verifications
from app.services.errors import ConflictError
from app.services.notices import record_notice
from app.services.signing_keys import change_key
from tests.support.asking import ask


def store(house) -> KeyStore:
    return house.app.extensions["ledger_keys"]


def rotate(house) -> str:
    with house.context():
        public = change_key(store(house), actor_id=None)
        db.session.commit()
        return public.to_text()


def test_whoever_trusts_the_old_key_can_trust_the_new_one(house, capsys):
    new = rotate(house)
    with house.context() as app:
        ask(app, app.extensions["cast"]["owner"], rows=2)
    house.seal()
    with house.context():
        assert ledger.status([]).key == new
    code, said = house.whole_book(capsys)
    assert code == 0, said
    code, said = house.verify(capsys, "database", house.url, "--key", new)
    assert (code, "signed by none of the keys that are trusted" in said) == (1, True)
    again = rotate(house)
    assert again not in (new, house.key)
    house.seal()
    assert house.whole_book(capsys)[0] == 0


def test_where_an_old_private_key_stood_its_public_half_is_enough(house):
    rotate(house)
    house.seal()
    path = store(house).path
    old, new = path.read_text().split()
    path.write_text(f"{SigningKey.from_text(old).public.to_text()}\n{new}\n")
    assert (len(store(house).all()), len(store(house).publics())) == (1, 2)
    with house.context() as app:
        ask(app, app.extensions["cast"]["owner"])
    house.seal()
    with house.context():
        verifications.request_verification(None)
        db.session.commit()
        verify_requested_book()
        assert verifications.latest_verification(done=True).findings == []


def test_a_change_that_the_key_has_not_signed_does_not_stop_the_sealer(house, capsys):
    with house.context():
        change = {"old": house.key, "new": SigningKey.generate("x").public.to_text()}
        signatures = {"old": "AA==", "new": "AA=="}
        record_notice(NoticeKind.KEY_CHANGE, actor_id=None, **change, signatures=signatures)
        db.session.commit()
    assert house.seal() == 615
    code, said = house.whole_book(capsys)
    assert (code, "the old key has not signed the change of keys" in said) == (1, True)


def test_a_checkpoint_by_the_old_key_after_the_change_is_a_finding(house, capsys):
    """Who has stolen the old key cannot go on with it."""
    old = store(house).find(store(house).all()[0].public)
    rotate(house)
    house.seal()
    with house.context():
        size, root = ledger.status([]).size, ledger.status([]).root
    from app.ledger.checkpoint import Checkpoint
    from app.ledger.notes import SignedNote

    text = Checkpoint(old.name, size, root).to_text()
    house.tamper("UPDATE ledger_checkpoints SET note = :note WHERE size = :size",
                 note=SignedNote(text, (old.sign(text),)).to_text(), size=size)  # fmt: skip
    code, said = house.whole_book(capsys)
    assert (code, "signed by none of the keys that are trusted" in said) == (1, True)


def test_a_forged_change_is_a_finding(house, capsys):
    rotate(house)
    house.tamper(
        'UPDATE notices SET what = replace(what::text, \'"old":"daybook\', \'"old":"dayb00k\')::json'
    )
    house.seal()
    code, said = house.whole_book(capsys)
    assert (code, "key_change" in said) == (1, True)


def test_only_one_change_waits(house):
    rotate(house)
    with pytest.raises(ConflictError, match="waits to be sealed"):
        rotate(house)
    assert len(store(house).all()) == 2


def test_without_the_key_nothing_is_sealed_and_nothing_is_lost(house):
    store(house).path.rename(house.folder / "elsewhere")
    with house.context() as app:
        ask(app, app.extensions["cast"]["owner"])
    with pytest.raises(SigningKeyError, match="is not here"):
        house.app.extensions["sealer"].seal()
    (house.folder / "elsewhere").rename(store(house).path)
    assert house.app.extensions["sealer"].seal().leaves == 1


def test_production_makes_no_key_by_itself(tmp_path):
    with pytest.raises(SigningKeyError, match="ledger keys create"):
        KeyStore(tmp_path / "keys").newest()
    made = KeyStore(tmp_path / "keys", makes_first=True).newest()
    assert KeyStore(tmp_path / "keys").newest().public == made.public


def test_the_file_is_its_owners_only(tmp_path):
    keys = KeyStore(tmp_path / "ledger" / "keys", makes_first=True)
    keys.newest()
    assert os.stat(keys.path).st_mode & 0o777 == 0o600
    keys.path.chmod(0o640)
    with pytest.raises(SigningKeyError, match="Others may read"):
        keys.all()


def test_keys_may_come_from_the_settings(tmp_path):
    key = SigningKey.generate("book.example/log/1")
    given = KeyStore(tmp_path / "keys", given=key.to_text() + "\n")
    assert given.newest().public == key.public
    with pytest.raises(SigningKeyError, match="DAYBOOK_LEDGER_KEY"):
        given.add(key)


@pytest.mark.parametrize("text", ["x", "PRIVATE+KEY+a+b+c", "PRIVATE+KEY+name+00000000+AAAA"])
def test_what_is_no_key_is_refused_without_a_word_of_it(tmp_path, text):
    with pytest.raises(SigningKeyError) as refusal:
        KeyStore(tmp_path / "keys", given=text).all()
    assert text not in str(refusal.value)


def test_a_name_has_neither_space_nor_plus():
    for name in ("", "a b", "a+b"):
        with pytest.raises(FormatError):
            SigningKey.generate(name)


def test_the_commands(house):
    menu = Menu(create_app=lambda: house.app, add_default_commands=False)

    def run(*arguments):
        result = house.app.test_cli_runner().invoke(menu, ["ledger", *arguments])
        return result.exit_code, result.stdout.strip(), result.stderr

    assert run("keys", "list")[:2] == (0, house.key)
    assert "There is a key already" in run("keys", "create")[2]
    code, new, _ = run("keys", "rotate")
    assert code == 0
    assert run("keys", "list")[1].split() == [house.key, new]
    assert run("seal")[1] == "615"
    assert run("checkpoint")[1].split("\n")[1] == "615"
    assert "size\t615" in run("status")[1]
    assert run("proof", house.ids[0])[1].startswith("c2sp.org/tlog-proof@v1\n")
    assert run("proof", "01a1fb94-3447-7115-a759-b8b05717c722")[0] == 1
    assert '"parts"' in run("record", house.ids[0])[1]
    assert run("export", str(house.folder / "book"))[1].endswith("615")
    assert run("export", str(house.folder / "book"))[0] == 1
    store(house).path.unlink()
    assert run("keys", "create", "--name", "a b")[0] == 2
    code, made, _ = run("keys", "create", "--name", "book.example/log/1")
    assert (code, made.split("+")[0]) == (0, "book.example/log/1")
