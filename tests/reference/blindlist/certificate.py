"""SPEC.md sections 13 and 20: as much of X.509 (RFC 5280, RFC 8410) as it takes to find the Ed25519 key in a certificate."""

from __future__ import annotations

ED25519 = bytes.fromhex("06032b6570")  # the object identifier 1.3.101.112, with its tag and length
SEQUENCE, BIT_STRING, EXPLICIT_VERSION = 0x30, 0x03, 0xA0


def ed25519_key(certificate: bytes) -> bytes | None:
    """The public key of a certificate (DER), or None when this is no certificate with an Ed25519 key."""
    try:
        outer = _only(certificate, SEQUENCE)
        _, to_be_signed, _ = _take(outer)
        tag, _, after = _take(to_be_signed)
        rest = after if tag == EXPLICIT_VERSION else to_be_signed
        for _ in ("serialNumber", "signature", "issuer", "validity", "subject"):
            _, _, rest = _take(rest)
        tag, key_info, _ = _take(rest)  # subjectPublicKeyInfo
        tag, algorithm, key = _take(key_info)
    except ValueError:
        return None
    prefix = bytes([BIT_STRING, 33, 0])  # 33 bytes, no unused bits
    if algorithm != ED25519 or len(key) != 35 or not key.startswith(prefix):
        return None
    return key[3:]


def _only(data: bytes, tag: int) -> bytes:
    found, value, rest = _take(data)
    if found != tag or rest:
        raise ValueError("another value, or bytes after it")
    return value


def _take(data: bytes) -> tuple[int, bytes, bytes]:
    """The tag and the contents of the first value, and what follows it."""
    if len(data) < 2:
        raise ValueError("cut short")
    tag, length, start = data[0], data[1], 2
    if length >= 0x80:
        size = length & 0x7F
        length, start = int.from_bytes(data[2 : 2 + size], "big"), 2 + size
        if not 1 <= size <= 2 or length < 0x80:
            raise ValueError("no length that DER allows here")
    if len(data) < start + length:
        raise ValueError("cut short")
    return tag, data[start : start + length], data[start + length :]
