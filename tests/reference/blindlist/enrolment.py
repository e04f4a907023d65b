"""SPEC.md section 13: enrolment requests, bundles, fingerprints."""

from __future__ import annotations

import hashlib
from typing import Any

from . import signatures
from .certificate import ed25519_key
from .encoding import Bytes, Fixed, List, Struct
from .errors import Refused
from .objects import ENROLMENT_LIMIT, Kind, require
from .text import Address, Slug

MOST_CERTIFICATE = 4_096
MOST_ADDRESSES = 16
WHITE_SPACE = " \t\n\f\r"

REQUEST_BODY = Struct(
    "enrolment request", [("name", Slug), ("tls_key", Fixed(32)), ("signing_key", Fixed(32)), ("tls_proof", Fixed(64))]
)
BUNDLE_BODY = Struct(
    "bundle",
    [
        ("operator", Slug),
        ("operator_key", Fixed(32)),
        ("successor", Fixed(32)),
        ("insurer", Slug),
        ("insurer_id", Fixed(16)),
        ("signing_key", Fixed(32)),
        ("tls_key", Fixed(32)),
        ("certificate", Bytes),
        ("authority", Bytes),
        ("addresses", List(Address)),
    ],
)


def tls_proof(tls_seed: bytes, signing_key: bytes, name: str) -> bytes:
    """Shows that whoever asks has the TLS key."""
    return signatures.sign(tls_seed, _tls_statement(signing_key, name))


def successor(key: bytes) -> bytes:
    """How the manifest key that will follow is named before anybody sees it."""
    return hashlib.sha256(b"blindlist/1 successor\n" + key).digest()


def fingerprint(file: bytes) -> str:
    """A file's fingerprint as it is shown."""
    digits = hashlib.sha256(file).hexdigest()
    return "-".join(digits[i : i + 8] for i in range(0, 64, 8))


def same_fingerprint(typed: str, file: bytes) -> bool | None:
    """Whether a fingerprint as somebody typed it is the file's; None when it is no fingerprint."""
    digits = "".join(character for character in typed if character not in "-:" + WHITE_SPACE)
    if len(digits) != 64 or any(character not in "0123456789abcdefABCDEF" for character in digits):
        return None
    return digits.lower() == hashlib.sha256(file).hexdigest()


def check_certificate(bundle: dict[str, Any]) -> None:
    """An insurer's check of the certificate that it is given. [ENR-4]"""
    require(ed25519_key(bundle["certificate"]) == bundle["tls_key"], "ENR-4")


def _tls_statement(signing_key: bytes, name: str) -> bytes:
    return b"blindlist/1 tls key\n" + signing_key + name.encode()


def _request_rules(fields: dict[str, Any]) -> None:
    require(fields["tls_key"] != fields["signing_key"], "ENR-4")
    try:
        signatures.verify(fields["tls_key"], _tls_statement(fields["signing_key"], fields["name"]), fields["tls_proof"])
    except Refused as error:
        raise Refused("fields", "ENR-4") from error


def _bundle_rules(fields: dict[str, Any]) -> None:
    require(all(len(fields[name]) <= MOST_CERTIFICATE for name in ("certificate", "authority")), "OBJ-3")
    require(1 <= len(fields["addresses"]) <= MOST_ADDRESSES, "OBJ-3")


ENROLMENT_REQUEST = Kind(
    "enrolment request", b"blindlist/1 enrolment request\n", REQUEST_BODY, ENROLMENT_LIMIT, "signing_key", True, _request_rules
)
BUNDLE = Kind("bundle", b"blindlist/1 bundle\n", BUNDLE_BODY, ENROLMENT_LIMIT, "operator_key", True, _bundle_rules)
