"""Signed notes, checkpoints, keys and proofs: known answers, and everything malformed, by both readers."""

import base64
from contextlib import suppress
from dataclasses import replace

import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from hypothesis import given
from hypothesis import strategies as st

from app.ledger.checkpoint import Checkpoint
from app.ledger.keys import PublicKey
from app.ledger.merkle import leaf_hash, node_hash
from app.ledger.notes import Signature, SignedNote
from app.ledger.proof import Proof
from app.ledger.strict_text import FormatError, encode_base64
from verifier.errors import Rejected
from verifier.notes import Key, open_checkpoint, read_size
from verifier.proofs import verify_proof

#: The example of Go's package golang.org/x/mod/sumdb/note.
GO_KEY = "PeterNeumann+c74f20a3+ARpc2QcUPDhMQegwxbzhKqiBfsVkmqq/LDE4izWy10TW"
GO_NOTE = (
    "If you think cryptography is the answer to your problem,\nthen you don't know what your problem is.\n\n"
    "— PeterNeumann x08go/ZJkuBS9UG/SffcvIAQxVBtiFupLLr8pAcElZInNIuGUgYN1FFYC2pZSNXgKvqfqdngotpRZb6KE6RyyBwJnAM=\n"
)
#: The example of C2SP tlog-checkpoint.
C2SP_CHECKPOINT = (
    "example.com/behind-the-sofa\n20852163\nCsUYapGGPo4dkMgIAUqom/Xajj7h2fB2MPA3j2jxq2I=\n\n"
    "— example.com/behind-the-sofa Az3grlgtzPICa5OS8npVmf1Myq/5IZniMp+ZJurmRDeOoRDe4URYN7u5/Zhcyv2q1gGzGku9nTo+zyWE+xeMcTOAYQ8=\n"
)

PRIVATE = Ed25519PrivateKey.from_private_bytes(bytes(range(32)))
PUBLIC = PublicKey("daybook.example/log/1", PRIVATE.public_key().public_bytes_raw())
KEYS = frozenset({Key.parse(PUBLIC.to_text())})
ENTRIES = [
    b'{"commitments":{},"id":"01a1fb10-afac-75f5-b9d3-a946c28e1350","kind":"event","version":1}',
    b"other",
]
ROOT = node_hash(*map(leaf_hash, ENTRIES))


def signed(text: str, key: PublicKey = PUBLIC) -> SignedNote:
    return SignedNote(text, (Signature(key.name, key.id, PRIVATE.sign(text.encode())),))


CHECKPOINT = signed(Checkpoint(PUBLIC.name, 2, ROOT).to_text()).to_text()
PROOF = Proof(ENTRIES[0], 0, [leaf_hash(ENTRIES[1])], CHECKPOINT.encode()).to_text()


def test_a_note_of_gos_package_is_read_and_its_signature_holds():
    note = SignedNote.from_bytes(GO_NOTE.encode())
    (signature,) = note.signatures
    key = PublicKey.from_text(GO_KEY)
    assert (signature.name, signature.key_id) == (key.name, key.id)
    assert Key.parse(GO_KEY).has_signed(note.text.encode(), signature.signature)
    assert not Key.parse(GO_KEY).has_signed(b"x" + note.text.encode(), signature.signature)
    assert note.to_text() == GO_NOTE
    assert key.to_text() == str(Key.parse(GO_KEY)) == GO_KEY


def test_the_specifications_checkpoint_is_read():
    found = Checkpoint.from_note(C2SP_CHECKPOINT.encode())
    assert (found.origin, found.size) == ("example.com/behind-the-sofa", 20852163)
    assert read_size(C2SP_CHECKPOINT.encode()) == 20852163
    assert found.to_text() == C2SP_CHECKPOINT.partition("\n\n")[0] + "\n"


def test_the_verifier_opens_what_the_prover_signed():
    opened = open_checkpoint(CHECKPOINT.encode(), KEYS)
    assert (opened.origin, opened.size, opened.root, opened.signers) == (PUBLIC.name, 2, ROOT, KEYS)


def test_signatures_of_others_are_passed_over():
    """As witnesses add them; they may even have the name or the id of a known key, but not both."""
    note = SignedNote.from_bytes(CHECKPOINT.encode())
    strange = [Signature("witness.example", b"1234", b"x" * 72), Signature(PUBLIC.name, b"1234", b"x" * 64),
               Signature("witness.example", PUBLIC.id, b"x" * 64)]  # fmt: skip
    more = replace(note, signatures=(*strange, *note.signatures))
    assert open_checkpoint(more.to_text().encode(), KEYS).size == 2


@pytest.mark.parametrize(
    ("note", "why"),
    [
        (CHECKPOINT.replace("\n2\n", "\n3\n"), "signature of .* is wrong"),
        (signed(Checkpoint("other.example", 2, ROOT).to_text()).to_text(), "of another book"),
        (C2SP_CHECKPOINT, "none of the keys"),
    ],
)
def test_a_checkpoint_that_no_trusted_key_signed_is_rejected(note, why):
    with pytest.raises(Rejected, match=why):
        open_checkpoint(note.encode(), KEYS)


MALFORMED = {
    "too long": b"a\n" * 600_000 + CHECKPOINT.encode(),
    "not UTF-8": CHECKPOINT.encode() + b"\xff\n",
    "CRLF": CHECKPOINT.replace("\n", "\r\n").encode(),
    "control character": CHECKPOINT.replace("daybook", "day\tbook").encode(),
    "no signature": CHECKPOINT.partition("\n\n")[0].encode() + b"\n",
    "empty signatures": CHECKPOINT.partition("\n\n")[0].encode() + b"\n\n",
    "no end": CHECKPOINT.encode()[:-1],
    "another dash": CHECKPOINT.replace("—", "-").encode(),
    "two spaces": CHECKPOINT.replace("— ", "—  ").encode(),
    "not base64": CHECKPOINT.encode()[:-3] + b"!\n",
    "short signature": (CHECKPOINT.partition("\n\n")[0] + "\n\n— a AAAA\n").encode(),
    "17 signatures": CHECKPOINT.encode() + (CHECKPOINT.rpartition("\n\n")[2] * 16).encode(),
    "plus in a name": CHECKPOINT.replace("daybook.example", "day+book").encode(),
    "two lines": signed(f"{PUBLIC.name}\n2\n").to_text().encode(),
    "extension line": signed(Checkpoint(PUBLIC.name, 2, ROOT).to_text() + "more\n")
    .to_text()
    .encode(),
    "no origin": signed(Checkpoint("", 2, ROOT).to_text()).to_text().encode(),
    "leading zero": CHECKPOINT.replace("\n2\n", "\n02\n").encode(),
    "negative": CHECKPOINT.replace("\n2\n", "\n-2\n").encode(),
    "other digits": CHECKPOINT.replace("\n2\n", "\n٢\n").encode(),
    "too many digits": CHECKPOINT.replace("\n2\n", f"\n1{'0' * 19}\n").encode(),
    "empty size": CHECKPOINT.replace("\n2\n", "\n\n").encode(),
    "short root": signed(Checkpoint(PUBLIC.name, 2, ROOT[:-1]).to_text()).to_text().encode(),
    "base64 of another form": CHECKPOINT.replace(
        encode_base64(ROOT), encode_base64(ROOT)[:-2] + chr(ord(encode_base64(ROOT)[-2]) + 1) + "="
    ).encode(),
}


@pytest.mark.parametrize("note", MALFORMED.values(), ids=MALFORMED)
def test_both_readers_refuse_a_malformed_checkpoint(note):
    with pytest.raises(FormatError) as ours:
        Checkpoint.from_note(note)
    with pytest.raises(Rejected) as theirs:
        open_checkpoint(note, KEYS)
    assert str(ours.value)
    assert "signature of" not in str(theirs.value), "it is refused for its form, not its signature"


@given(st.binary(max_size=300))
def test_both_readers_agree_about_arbitrary_bytes(data):
    """Spliced into a checkpoint, for random bytes alone are refused at once."""
    for note in (data, CHECKPOINT.encode()[:20] + data, data + CHECKPOINT.encode()[30:]):
        ours = theirs = None
        with suppress(FormatError):
            ours = Checkpoint.from_note(note).size
        with suppress(Rejected):
            theirs = read_size(note)
        assert ours == theirs


@given(st.integers(0, len(CHECKPOINT) - 1), st.characters())
def test_both_readers_agree_about_one_changed_character(place, character):
    note = (CHECKPOINT[:place] + character + CHECKPOINT[place + 1 :]).encode(
        "utf-8", "surrogatepass"
    )
    outcomes = []
    for read, error in (
        (lambda n: Checkpoint.from_note(n).size, FormatError),
        (read_size, Rejected),
    ):
        try:
            outcomes.append(read(note))
        except error:
            outcomes.append(None)
    assert outcomes[0] == outcomes[1]


BAD_KEYS = {
    "no plus": "name",
    "one plus": "name+00000000",
    "id of another": GO_KEY.replace("c74f20a3", "c74f20a4"),
    "id in capitals": GO_KEY.replace("c74f20a3", "C74F20A3"),
    "another algorithm": f"a+00000000+{encode_base64(bytes([2]) + bytes(32))}",
    "short": f"a+00000000+{encode_base64(bytes([1]) + bytes(31))}",
    "not base64": "a+00000000+????",
    "no name": "+00000000+" + GO_KEY.rpartition("+")[2],
    "space in name": "Peter Neumann" + GO_KEY.removeprefix("PeterNeumann"),
}


@pytest.mark.parametrize("text", BAD_KEYS.values(), ids=BAD_KEYS)
def test_both_readers_refuse_a_malformed_key(text):
    with pytest.raises(FormatError):
        PublicKey.from_text(text)
    with pytest.raises(Rejected):
        Key.parse(text)


def test_a_proof_is_read_as_written_and_proves():
    read = Proof.from_text(PROOF)
    assert read.to_text() == PROOF
    proven = verify_proof(PROOF, KEYS)
    assert (proven.index, proven.leaf, proven.checkpoint.size) == (0, leaf_hash(ENTRIES[0]), 2)
    assert proven.envelope["id"] == "01a1fb10-afac-75f5-b9d3-a946c28e1350"


HASH = encode_base64(leaf_hash(ENTRIES[1]))
BAD_PROOFS = {
    "another header": PROOF.replace("tlog-proof@v1", "tlog-proof@v2"),
    "CRLF": PROOF.replace("\n", "\r\n"),
    "no checkpoint": PROOF.partition("\n\n")[0],
    "no entry": PROOF.replace("extra ", "more "),
    "no index": PROOF.replace("index 0\n", ""),
    "leading zero": PROOF.replace("index 0", "index 00"),
    "index beyond": PROOF.replace("index 0", "index 2"),
    "negative index": PROOF.replace("index 0", "index -1"),
    "a short hash": PROOF.replace(HASH, encode_base64(bytes(31))),
    "65 hashes": PROOF.replace(HASH, "\n".join([HASH] * 65)),
    "base64 of another form": PROOF.replace(HASH, HASH[:-2] + chr(ord(HASH[-2]) + 1) + "="),
    "a note that is none": PROOF.partition("\n\n")[0] + "\n\nhello\n",
}


@pytest.mark.parametrize("text", BAD_PROOFS.values(), ids=BAD_PROOFS)
def test_both_readers_refuse_a_malformed_proof(text):
    with pytest.raises(FormatError):
        Proof.from_text(text)
    with pytest.raises(Rejected):
        verify_proof(text, KEYS)


WRONG_PROOFS = {
    "too few hashes": PROOF.replace(HASH + "\n", ""),
    "too many hashes": PROOF.replace(HASH, f"{HASH}\n{HASH}"),
    "another leaf": PROOF.replace("index 0", "index 1"),
    "another entry": PROOF.replace(encode_base64(ENTRIES[0]), encode_base64(ENTRIES[0] + b" ")),
    "another hash": PROOF.replace(HASH, encode_base64(bytes(32))),
    "another size": PROOF.replace("\n2\n", "\n3\n"),
}


@pytest.mark.parametrize("text", WRONG_PROOFS.values(), ids=WRONG_PROOFS)
def test_a_proof_of_something_else_is_rejected(text):
    with pytest.raises(Rejected):
        verify_proof(text, KEYS)


def test_a_proof_by_an_unknown_key_is_rejected():
    with pytest.raises(Rejected, match="none of the keys"):
        verify_proof(PROOF, frozenset({Key.parse(GO_KEY)}))


@given(st.binary(min_size=1, max_size=80))
def test_base64_has_one_form(data):
    text = base64.b64encode(data).decode()
    for other in (
        text + "\n",
        " " + text,
        text.rstrip("=") if "=" in text else text + "=",
        text + "====",
    ):
        with pytest.raises(FormatError):
            Proof.from_text(PROOF.replace(HASH, other))
