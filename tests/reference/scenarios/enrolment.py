"""SPEC.md section 13: enrolment requests, bundles, successors, fingerprints."""

from __future__ import annotations

from typing import Iterator

from blindlist.enrolment import BUNDLE, ENROLMENT_REQUEST, fingerprint, successor, tls_proof
from blindlist.objects import sign_object

from .certificates import authority, for_insurer
from .common import Scenario, bytes_for
from .fixtures import (
    INSURER, INSURER_ID, OPERATOR, OPERATOR_KEY, OPERATOR_SEED, OTHER_KEY, OTHER_SEED, SIGNING_KEY, SIGNING_SEED, key_of, seed_of,
)  # fmt: skip
from .opening import broken, kept, malformed

TLS_SEED, TLS_KEY = seed_of("the insurer's TLS key"), key_of("the insurer's TLS key")
AUTHORITY_SEED = seed_of("the operator's certificate authority")
NEXT_KEY = key_of("the manifest key that will follow")

REQUEST_FIELDS = {
    "name": INSURER,
    "tls_key": TLS_KEY,
    "signing_key": SIGNING_KEY,
    "tls_proof": tls_proof(TLS_SEED, SIGNING_KEY, INSURER),
}
BUNDLE_FIELDS = {
    "operator": OPERATOR,
    "operator_key": OPERATOR_KEY,
    "successor": successor(NEXT_KEY),
    "insurer": INSURER,
    "insurer_id": INSURER_ID,
    "signing_key": SIGNING_KEY,
    "tls_key": TLS_KEY,
    "certificate": for_insurer(AUTHORITY_SEED, INSURER, TLS_KEY),
    "authority": authority(AUTHORITY_SEED),
    "addresses": ["evaluate.example.org:4433"],
}


def scenarios() -> Iterator[Scenario]:
    yield from broken(ENROLMENT_REQUEST, REQUEST_FIELDS, SIGNING_SEED, broken_requests())
    yield from malformed(
        ENROLMENT_REQUEST, REQUEST_FIELDS, SIGNING_SEED, [("name-empty", "A request without a name.", {"name": ""}, "TEXT-1")]
    )
    yield from kept(BUNDLE, BUNDLE_FIELDS, OPERATOR_SEED, edges())
    yield from broken(BUNDLE, BUNDLE_FIELDS, OPERATOR_SEED, broken_bundles())
    yield from malformed(BUNDLE, BUNDLE_FIELDS, OPERATOR_SEED, malformed_bundles())
    yield Scenario("successor", "of-a-key", "How the next manifest key is named.", [], {"key": NEXT_KEY.hex()})
    yield from fingerprints()


def broken_requests() -> list:
    def proof(seed: bytes, signing_key: bytes = SIGNING_KEY, name: str = INSURER) -> dict:
        return {"tls_proof": tls_proof(seed, signing_key, name)}

    one_key = {"tls_key": SIGNING_KEY, **proof(SIGNING_SEED)}
    return [
        ("proof-by-another-key", "tls_proof is another key's signature.", proof(OTHER_SEED), "ENR-4"),
        ("proof-by-the-signing-key", "tls_proof is the request-signing key's signature.", proof(SIGNING_SEED), "ENR-4"),
        ("proof-for-another-name", "tls_proof is for another name.", proof(TLS_SEED, name="elm"), "ENR-4"),
        ("proof-for-another-signing-key", "tls_proof is for another request-signing key.", proof(TLS_SEED, OTHER_KEY), "ENR-4"),
        ("tls-key-of-another", "The TLS key is somebody else's, who made no proof.", {"tls_key": OTHER_KEY}, "ENR-4"),
        ("one-key-twice", "Both keys are one; the proof holds.", one_key, "ENR-4"),
    ]


def edges() -> list:
    sixteen = [f"h{i}.example.org:4433" for i in range(16)]
    kinds = ["[2001:db8::7]:1", "192.0.2.7:65535", "under_score.example:4433"]
    return [
        ("16-addresses", "16 addresses.", {"addresses": sixteen}, "ENR-4"),
        (
            "kinds-of-addresses",
            "An IPv6 address, an IPv4 address, a name; the first and the last port.",
            {"addresses": kinds},
            "TEXT-1",
        ),
    ]


def broken_bundles() -> list:
    seventeen = [f"h{i}.example.org:4433" for i in range(17)]
    return [
        ("no-addresses", "No address.", {"addresses": []}, "OBJ-3"),
        ("17-addresses", "17 addresses.", {"addresses": seventeen}, "OBJ-3"),
        ("authority-4097-bytes", "A certificate of 4,097 bytes for the authority.", {"authority": bytes(4097)}, "OBJ-3"),
        ("certificate-4097-bytes", "A certificate of 4,097 bytes for the insurer.", {"certificate": bytes(4097)}, "OBJ-3"),
    ]  # fmt: skip


def malformed_bundles() -> list:
    return [
        ("address-without-host", "An address without a host.", {"addresses": [":4433"]}, "TEXT-1"),
        ("address-port-with-zero", "A port with a leading zero.", {"addresses": ["example.org:04433"]}, "TEXT-1"),
        ("address-ipv6-without-brackets", "An IPv6 address without brackets.", {"addresses": ["2001:db8::7:4433"]}, "TEXT-1"),
        ("insurer-with-a-slash", "A name that is no slug.", {"insurer": "willow/mutual"}, "TEXT-1"),
    ]


def fingerprints() -> Iterator[Scenario]:
    file = sign_object(ENROLMENT_REQUEST, REQUEST_FIELDS, SIGNING_SEED)
    for name, data in [("enrolment-request", file), ("empty-file", b"")]:
        yield Scenario("fingerprint", name, "A fingerprint as it is shown.", ["ENR-2"], {"file": data.hex()})
    shown = fingerprint(file)
    digits = shown.replace("-", "")
    last = "0" if digits[-1] != "0" else "1"
    for name, about, text in [
        ("as-shown", "As it is shown.", shown),
        ("digits-only", "Without hyphens.", digits),
        ("upper-case", "In capitals.", shown.upper()),
        ("spaces-and-colons", "White space and colons in odd places.", " " + ":".join(digits[i : i + 2] for i in range(0, 64, 2)) + "\r\n\t"),
        ("one-digit-other", "One digit is another.", shown[:-1] + last),
        ("one-digit-less", "A digit is missing: no fingerprint.", shown[:-1]),
        ("one-digit-more", "A digit too many: no fingerprint.", shown + "0"),
        ("no-digit", "A letter that is no digit: no fingerprint.", "g" + shown[1:]),
        ("empty", "Nothing: no fingerprint.", ""),
        ("underscores", "Other separators than hyphens and colons: no fingerprint.", shown.replace("-", "_")),
        ("other-digits", "Digits that are not ASCII: no fingerprint.", shown[:-1] + "\uff10"),
        ("no-break-space", "White space that is not ASCII: no fingerprint.", shown + "\u00a0"),
        ("of-another-file", "The fingerprint of another file.", fingerprint(bytes_for("another file", 8))),
    ]:  # fmt: skip
        yield Scenario("fingerprint-parse", name, about, ["ENR-2"], {"text": text, "file": file.hex()})
