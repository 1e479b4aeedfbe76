"""Keyed digests are HMAC-SHA-256 (RFC 2104), however often one key is used."""

from __future__ import annotations

import hmac

from nostro.model.references import Reference
from nostro.store.entropy import SystemEntropy
from nostro.store.keys import Keys, _derive

MASTER = b"m" * 32


def test_fingerprints_and_blind_indexes_are_hmacs_of_what_they_are_asked_for_alone() -> None:
    keys, secret = Keys({1: MASTER}, SystemEntropy()), _derive(MASTER, b"blind-index")
    chunked = keys.fingerprinting()
    for chunk in (b"a", b"\x00", b"b"):
        chunked.update(chunk)
    for _ in range(2):
        assert keys.fingerprint(b"a", b"b") == hmac.digest(secret, b"a\x00b", "sha256") == chunked.digest()
        told = Reference.to("psp", "ch_1")
        assert (
            keys.index(told.kind, told.indexed) == hmac.digest(secret, f"psp\x1f{told.indexed}".encode(), "sha256")[:16]
        )
