"""X.509 certificates as section 20 wants them, written by hand (RFC 5280, RFC 8410): for the bundles."""

from __future__ import annotations

from blindlist import signatures

from .common import bytes_for

ED25519 = bytes.fromhex("300506032b6570")  # AlgorithmIdentifier
COMMON_NAME = bytes.fromhex("0603550403")
BASIC_CONSTRAINTS = bytes.fromhex("0603551d13")
KEY_USAGE = bytes.fromhex("0603551d0f")
EXTENDED_KEY_USAGE = bytes.fromhex("0603551d25")
CLIENT_AUTH = bytes.fromhex("06082b06010505070302")
TRUE = bytes.fromhex("0101ff")
AUTHORITY = "Rosewood authority"


def authority(seed: bytes) -> bytes:
    """A certificate authority's own certificate: CA, path length 0."""
    extensions = [
        _extension(BASIC_CONSTRAINTS, _sequence(TRUE + _value(0x02, b"\0"))),
        _extension(KEY_USAGE, bytes.fromhex("03020106")),  # keyCertSign, cRLSign
    ]
    return _certificate(seed, AUTHORITY, signatures.public_key(seed), extensions)


def for_insurer(authority_seed: bytes, name: str, tls_key: bytes) -> bytes:
    """The certificate of an insurer: clientAuth, and its TLS key."""
    extensions = [
        _extension(KEY_USAGE, bytes.fromhex("03020780")),  # digitalSignature
        _extension(EXTENDED_KEY_USAGE, _sequence(CLIENT_AUTH)),
    ]
    return _certificate(authority_seed, name, tls_key, extensions)


def _certificate(authority_seed: bytes, subject: str, key: bytes, extensions: list[bytes]) -> bytes:
    to_be_signed = _sequence(
        _value(0xA0, _value(0x02, b"\2"))  # version 3
        + _value(0x02, b"\x01" + bytes_for(f"serial of {subject}", 15))
        + ED25519
        + _name(AUTHORITY)
        + _sequence(_value(0x17, b"260101000000Z") + _value(0x17, b"360101000000Z"))
        + _name(subject)
        + _sequence(ED25519 + _bits(key))
        + _value(0xA3, _sequence(b"".join(extensions)))
    )
    return _sequence(to_be_signed + ED25519 + _bits(signatures.sign(authority_seed, to_be_signed)))


def _name(common_name: str) -> bytes:
    return _sequence(_value(0x31, _sequence(COMMON_NAME + _value(0x0C, common_name.encode()))))


def _extension(identifier: bytes, value: bytes) -> bytes:
    """A critical extension."""
    return _sequence(identifier + TRUE + _value(0x04, value))


def _bits(data: bytes) -> bytes:
    return _value(0x03, b"\0" + data)


def _sequence(contents: bytes) -> bytes:
    return _value(0x30, contents)


def _value(tag: int, contents: bytes) -> bytes:
    n = len(contents)
    length = bytes([n]) if n < 0x80 else b"\x81" + bytes([n]) if n < 0x100 else b"\x82" + n.to_bytes(2, "big")
    return bytes([tag]) + length + contents
