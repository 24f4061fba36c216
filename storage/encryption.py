"""Encrypts at rest: AES-256-GCM over each frame of a file, bound to the file and its place there.

Each file has a key of its own, derived from the store's key and the file's salt, so that random
nonces stay far from ever repeating under one key.
"""

import os

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.ciphers import Cipher
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from cryptography.hazmat.primitives.ciphers.algorithms import AES
from cryptography.hazmat.primitives.ciphers.modes import GCM
from cryptography.hazmat.primitives.kdf.hkdf import HKDF

KEY_SIZE = 32
_NONCE_SIZE = 12
_AT_ONCE = 1 << 20  # bytes sealed before somebody else may have the processor


class Unsealable(Exception):
    """A sealed text is not what was sealed, or was sealed under another key or in another place."""


class Seal:
    """Seals and opens the frames of one file; `header` is the file's own, in plain."""

    def __init__(self, key: bytes, salt: bytes, header: bytes) -> None:
        own_key = _derived(key, salt, b"petition-bell file")
        self._cipher, self._algorithm = AESGCM(own_key), AES(own_key)
        self._header = header

    def close(self, plain: bytes, sequence: int) -> bytes:
        """Seal a frame's text: it opens only with the key, in this file and at this place."""
        nonce = os.urandom(_NONCE_SIZE)
        sealing = Cipher(self._algorithm, GCM(nonce)).encryptor()
        sealing.authenticate_additional_data(self._context(sequence))
        starts = range(0, len(plain), _AT_ONCE)
        pieces = [sealing.update(plain[start : start + _AT_ONCE]) for start in starts]
        return b"".join((nonce, *pieces, sealing.finalize(), sealing.tag))

    def open(self, sealed: bytes, sequence: int) -> bytes:
        """Return the plain bytes that were sealed as this frame; Unsealable if these were not."""
        nonce, rest = sealed[:_NONCE_SIZE], sealed[_NONCE_SIZE:]
        try:
            return self._cipher.decrypt(nonce, rest, self._context(sequence))
        except (InvalidTag, ValueError) as error:
            raise Unsealable(f"frame {sequence} does not open") from error

    def _context(self, sequence: int) -> bytes:
        return self._header + sequence.to_bytes(8, "big")


def mark_of(key: bytes) -> str:
    """Return a short mark that tells a key from others without giving it away."""
    return _derived(key, b"", b"petition-bell mark")[:8].hex()


def _derived(key: bytes, salt: bytes, purpose: bytes) -> bytes:
    return HKDF(hashes.SHA256(), KEY_SIZE, salt, purpose).derive(key)
