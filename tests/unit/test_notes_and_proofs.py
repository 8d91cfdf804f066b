"""Signed notes, checkpoints, keys and proofs: known answers, and everything malformed, by both readers."""

import base64
import hashlib
from contextlib import suppress
from dataclasses import replace

import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from hypothesis import given
from hypothesis import strategies as st

from app.ledger import tiles
from app.ledger.checkpoint import Checkpoint
from app.ledger.keys import PublicKey
from app.ledger.merkle import TreeRangeError, leaf_hash, node_hash, root
from app.ledger.notes import Signature, SignedNote
from app.ledger.proof import Proof
from app.ledger.strict_text import FormatError, encode_base64, read_number
from verifier.bundle import _split
from verifier.errors import Rejected
from verifier.merkle import verify_inclusion
from verifier.notes import Key, open_checkpoint, parse_number, read_size
from verifier.proofs import Proven, verify_proof, verify_record

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


def refused(read, given, why, error):
    with pytest.raises(error, match=why):
        read(given)


def note_of(signatures: int, size: int | None = None) -> bytes:
    """The checkpoint with so many signatures in all, and so many bytes."""
    others = [
        Signature(f"other{n}.example", bytes(4), bytes(60_000 if size else 60))
        for n in range(signatures - 1)
    ]
    note = CHECKPOINT + "".join(f"{one.to_text()}\n" for one in others)
    if size is None:
        return note.encode()
    missing = size - len(note.encode())
    return note.replace("— other0.example", "— other0.example" + "x" * missing).encode()


def test_a_note_may_have_a_million_bytes_and_16_signatures():
    for note in (note_of(12, 1_000_000), note_of(16)):
        assert len(SignedNote.from_bytes(note).signatures) in (12, 16)
        assert open_checkpoint(note, KEYS).size == 2
    for note, why in (
        (note_of(12, 1_000_001), "more than 1,000,000 bytes"),
        (note_of(17), "more than 16 signatures"),
    ):
        refused(SignedNote.from_bytes, note, why, FormatError)
        refused(read_size, note, why, Rejected)


@pytest.mark.parametrize("length", [5, 4, 3])
def test_a_signature_has_an_id_and_something_behind_it(length):
    note = CHECKPOINT.encode() + f"— other.example {encode_base64(bytes(length))}\n".encode()
    if length == 5:
        assert len(SignedNote.from_bytes(note).signatures) == 2
        assert read_size(note) == 2
    else:
        refused(SignedNote.from_bytes, note, "a signature is too short", FormatError)
        refused(read_size, note, "a signature is too short", Rejected)


@pytest.mark.parametrize(
    ("note", "prover", "verifier"),
    [
        (b"one line\n", "no empty line before signatures", "no signatures after an empty line"),
        (b"a\tb\n2\n" + HASH.encode() + b"\n\n", "a control character", "a control character"),
        (CHECKPOINT.encode()[:-1], "the last line does not end", "its last line does not end"),
    ],
)
def test_the_rule_that_broke_is_named(note, prover, verifier):
    refused(SignedNote.from_bytes, note, prover, FormatError)
    refused(read_size, note, verifier, Rejected)


def test_a_note_without_a_text_is_no_checkpoint():
    note = b"\n\n" + CHECKPOINT.rpartition("\n\n")[2].encode()
    with pytest.raises(FormatError):
        Checkpoint.from_note(note)
    refused(read_size, note, "a checkpoint has not three lines", Rejected)


def key(name: str, raw: bytes) -> str:
    identifier = hashlib.sha256(name.encode() + b"\n\x01" + raw[1:]).digest()[:4].hex()
    return f"{name}+{identifier}+{encode_base64(raw)}"


@pytest.mark.parametrize("raw", [b"\x02" + bytes(32), b"\x01" + bytes(31), b"\x01" + bytes(33)])
def test_a_key_is_of_its_kind_and_length(raw):
    assert Key.parse(key("name", b"\x01" + bytes(32))).public == bytes(32)
    refused(PublicKey.from_text, key("name", raw), "not an Ed25519 key of 32 bytes", FormatError)
    refused(Key.parse, key("name", raw), "not an Ed25519 public key", Rejected)


@pytest.mark.parametrize("name", ["", "a b", "a\u3000b", "a\x01b"])
def test_a_name_is_a_word(name):
    refused(
        PublicKey.from_text, key(name, b"\x01" + bytes(32)), "a key's name is empty", FormatError
    )
    refused(Key.parse, key(name, b"\x01" + bytes(32)), "a name is empty", Rejected)


def test_a_number_has_19_digits_at_most():
    assert parse_number("9" * 19) == read_number("9" * 19) == 10**19 - 1
    refused(parse_number, "9" * 20, "plain decimal digits", Rejected)
    refused(read_number, "9" * 20, "decimal number", FormatError)


def test_no_tree_has_a_negative_size():
    refused(lambda size: root(size, lambda *_: b""), -1, "a size is negative", TreeRangeError)


def test_a_tree_of_one_leaf_has_a_proof_without_hashes():
    checkpoint = signed(Checkpoint(PUBLIC.name, 1, leaf_hash(ENTRIES[0])).to_text()).to_text()
    text = Proof(ENTRIES[0], 0, [], checkpoint.encode()).to_text()
    assert Proof.from_text(text).to_text() == text
    assert verify_proof(text, KEYS).index == 0


@pytest.mark.parametrize("lines", [1, 2])
def test_a_proof_has_an_entry_and_an_index(lines):
    head, _, note = PROOF.partition("\n\n")
    short = "\n".join(head.split("\n")[:lines]) + "\n\n" + note
    refused(Proof.from_text, short, "the lines `extra …` and `index …` are missing", FormatError)
    refused(lambda text: verify_proof(text, KEYS), short, "second and third line", Rejected)


@pytest.mark.parametrize("wrong", [("extra ", "entry "), ("index ", "place ")])
def test_each_line_of_a_proof_says_what_it_is(wrong):
    text = PROOF.replace(*wrong, 1)
    refused(Proof.from_text, text, "the lines `extra …` and `index …` are missing", FormatError)


def with_hashes(count: int) -> str:
    head, _, note = PROOF.partition("\n\n")
    return "\n".join([*head.split("\n")[:3], *[HASH] * count]) + "\n\n" + note


def test_a_proof_has_64_hashes_at_most():
    assert len(Proof.from_text(with_hashes(64)).hashes) == 64
    refused(Proof.from_text, with_hashes(65), "more than 64 hashes", FormatError)
    refused(lambda text: verify_proof(text, KEYS), with_hashes(65), "more than 64 hashes", Rejected)
    with pytest.raises(Rejected) as found:
        verify_proof(with_hashes(64), KEYS)
    assert "more than 64" not in str(found.value), "it is read, and found to be of another tree"


def test_64_hashes_prove_a_leaf_of_the_largest_tree():
    path = [leaf_hash(bytes([n])) for n in range(64)]
    top = leaf_hash(b"first")
    for sibling in path:
        top = node_hash(top, sibling)
    verify_inclusion(leaf_hash(b"first"), 0, 2**64, path, top)
    refused(
        lambda p: verify_inclusion(leaf_hash(b"first"), 0, 2**65, p, top),
        [*path, path[0]],
        "more than 64",
        Rejected,
    )


def test_a_record_that_differs_is_rejected():
    proven: Proven = verify_proof(PROOF, KEYS)
    facts = {
        n: v for n, v in proven.envelope.items() if n not in ("kind", "version", "commitments")
    }
    record = {"kind": "event", "facts": facts, "commitments": {}, "parts": {}, "salts": {}}
    verify_record(proven, record)
    other = record | {"facts": facts | {"id": "other"}}
    refused(lambda one: verify_record(proven, one), other, "id is not what the leaf says", Rejected)


def test_an_entry_has_65535_bytes_at_most():
    entries = [bytes(65_535), b"x"]
    assert list(_split(tiles.bundle(entries), 0)) == entries
    refused(tiles.bundle, [bytes(65_536)], "65536 bytes, more than 65535", ValueError)
