"""Cosignatures: what is signed, to the byte, and what it covers."""

import base64

import pytest

from holdfast.audit import Cosigner, NoteError, Verifier
from holdfast.audit.keys import mldsa44_message
from holdfast.core import Instant

TEXT = "test\n123\nf+7CoKgXKE/tNys9TTXcr/ad6U/K3xvznmzew9y6SP0=\n"
AT = Instant(1_727_964_367_000_000)


def test_an_ed25519_cosignature_covers_extension_lines_and_the_time() -> None:
    cosigner = Cosigner.ed25519("cosigner", bytes(32), now=lambda: AT)
    extended = TEXT + "Extendo\n"
    value = cosigner.cosign(extended).value
    assert cosigner.verifier.holds(extended, value)
    assert not cosigner.verifier.holds(TEXT, value)
    later = (int.from_bytes(value[:8], "big") + 1).to_bytes(8, "big") + value[8:]
    assert not cosigner.verifier.holds(extended, later)


def test_an_ml_dsa_44_cosigner_signs_the_structure_of_the_specification() -> None:
    assert mldsa44_message(TEXT, 7, "w") == (
        b"subtree/v1\n\x00"
        b"\x01w"
        + (7).to_bytes(8, "big")
        + b"\x04test"
        + (0).to_bytes(8, "big")
        + (123).to_bytes(8, "big")
        + base64.b64decode("f+7CoKgXKE/tNys9TTXcr/ad6U/K3xvznmzew9y6SP0=")
    )


@pytest.mark.parametrize("names", [("mldsa" + "a" * 255, "test"), ("mldsa", "t" * 256)])
def test_names_of_more_than_255_bytes_are_not_cosigned(names: tuple[str, str]) -> None:
    cosigner, origin = names
    text = TEXT.replace("test", origin, 1)
    with pytest.raises(NoteError):
        mldsa44_message(text, 0, cosigner)


@pytest.mark.parametrize("kind", ["ed25519", "mldsa44"])
def test_a_cosignature_opens_with_its_key_and_covers_origin_size_and_root(kind: str) -> None:
    cosigner = getattr(Cosigner, kind)("cosigner", bytes(32), now=lambda: AT)
    value = cosigner.cosign(TEXT).value
    assert Verifier.parse(cosigner.verifier.vkey).holds(TEXT, value)
    for altered in (
        TEXT.replace("test", "tset"),
        TEXT.replace("123", "124"),
        TEXT.replace("f+7C", "f+7D"),
    ):
        assert not cosigner.verifier.holds(altered, value)
    with pytest.raises(NoteError):
        cosigner.verifier.open(b"nobbled")
