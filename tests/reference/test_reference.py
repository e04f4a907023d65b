"""The reference implementation against what the RFCs themselves publish: `python3 -m unittest`, in this folder.

RFC 9162 publishes no vectors: the tree is held against its definition, written down once more. A note is put together by hand.
"""

from __future__ import annotations

import base64
import hashlib
import json
import unittest
from pathlib import Path
from typing import Any, Callable

from blindlist import checkpoints, curve, log, oprf, ristretto255, signatures
from blindlist.curve import ORDER, p
from blindlist.errors import Refused

VECTORS = Path(__file__).parent.parent / "vectors" / "rfc9497-ristretto255-sha512.json"

# RFC 9496, appendix A.1: 0 to 15 times the generator.
MULTIPLES = """
0000000000000000000000000000000000000000000000000000000000000000
e2f2ae0a6abc4e71a884a961c500515f58e30b6aa582dd8db6a65945e08d2d76
6a493210f7499cd17fecb510ae0cea23a110e8d5b901f8acadd3095c73a3b919
94741f5d5d52755ece4f23f044ee27d5d1ea1e2bd196b462166b16152a9d0259
da80862773358b466ffadfe0b3293ab3d9fd53c5ea6c955358f568322daf6a57
e882b131016b52c1d3337080187cf768423efccbb517bb495ab812c4160ff44e
f64746d3c92b13050ed8d80236a7f0007c3b3f962f5ba793d19a601ebb1df403
44f53520926ec81fbd5a387845beb7df85a96a24ece18738bdcfa6a7822a176d
903293d8f2287ebe10e2374dc1a53e0bc887e592699f02d077d5263cdd55601c
02622ace8f7303a31cafc63f8fc48fdc16e1c8c8d234b2f0d6685282a9076031
20706fd788b2720a1ed2a5dad4952b01f413bcf0e7564de8cdc816689e2db95f
bce83f8ba5dd2fa572864c24ba1810f9522bc6004afe95877ac73241cafdab42
e4549ee16b9aa03099ca208c67adafcafa4c3f3e4e5303de6026e3ca8ff84460
aa52e000df2e16f55fb1032fc33bc42742dad6bd5a8fc0be0167436c5948501f
46376b80f409b29dc2b5f6f0c52591990896e5716f41477cd30085ab7f10301e
e0c418f7c8d9c4cdd7395b93ea124f3ad99021bb681dfc3302a9d99a2e53e64e
""".split()

# RFC 9496, appendix A.2: encodings that a decoder refuses, by the reason.
BAD_ENCODINGS = {
    "non-canonical field element": """
        00ffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff
        ffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff7f
        f3ffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff7f
        edffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff7f""",
    "negative field element": """
        0100000000000000000000000000000000000000000000000000000000000000
        01ffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff7f
        ed57ffd8c914fb201471d1c3d245ce3c746fcbe63a3679d51b6a516ebebe0e20
        c34c4e1826e5d403b78e246e88aa051c36ccf0aafebffe137d148a2bf9104562
        c940e5a4404157cfb1628b108db051a8d439e1a421394ec4ebccb9ec92a8ac78
        47cfc5497c53dc8e61c91d17fd626ffb1c49e2bca94eed052281b510b1117a24
        f1c6165d33367351b0da8f6e4511010c68174a03b6581212c71c0e1d026c3c72
        87260f7a2f12495118360f02c26a470f450dadf34a413d21042b43b9d93e1309""",
    "non-square x^2": """
        26948d35ca62e643e26a83177332e6b6afeb9d08e4268b650f1f5bbd8d81d371
        4eac077a713c57b4f4397629a4145982c661f48044dd3f96427d40b147d9742f
        de6a7b00deadc788eb6b6c8d20c0ae96c2f2019078fa604fee5b87d6e989ad7b
        bcab477be20861e01e4a0e295284146a510150d9817763caf1a6f4b422d67042
        2a292df7e32cababbd9de088d1d1abec9fc0440f637ed2fba145094dc14bea08
        f4a9e534fc0d216c44b218fa0c42d99635a0127ee2e53c712f70609649fdff22
        8268436f8c4126196cf64b3c7ddbda90746a378625f9813dd9b8457077256731
        2810e5cbc2cc4d4eece54f61c6f69758e289aa7ab440b3cbeaa21995c2f4232b""",
    "negative x*y": """
        3eb858e78f5a7254d8c9731174a94f76755fd3941c0ac93735c07ba14579630e
        a45fdc55c76448c049a1ab33f17023edfb2be3581e9c7aade8a6125215e04220
        d483fe813c6ba647ebbfd3ec41adca1c6130c2beeee9d9bf065c8d151c5f396e
        8a2e1d30050198c65a54483123960ccc38aef6848e1ec8f5f780e8523769ba32
        32888462f8b486c68ad7dd9610be5192bbeaf3b443951ac1a8118419d9fa097b
        227142501b9d4355ccba290404bde41575b037693cef1f438c47f8fbf35d1165
        5c37cc491da847cfeb9281d407efc41e15144c876e0170b499a96a22ed31e01e
        445425117cb8c90edcbc7c1cc0e74f747f2c1efa5630a967c64f287792a48a4b""",
    "s = -1, which causes y = 0": "ecffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff7f",
}

# RFC 9496, appendix A.3: SHA-512 of each label is the input of the derivation function.
DERIVED = {
    "Ristretto is traditionally a short shot of espresso coffee": "3066f82a1a747d45120d1740f14358531a8f04bbffe6a819f86dfe50f44a0a46",
    "made with the normal amount of ground coffee but extracted with": "f26e5b6f7d362d2d2a94c5d0e7602cb4773c95a2e5c31a64f133189fa76ed61b",
    "about half the amount of water in the same amount of time": "006ccd2a9e6867e6a2c5cea83d3302cc9de128dd2a9a57dd8ee7b9d7ffe02826",
    "by using a finer grind.": "f8f0c87cf237953c5890aec3998169005dae3eca1fbb04548c635953c817f92a",
    "This produces a concentrated shot of coffee per volume.": "ae81e7dedf20a497e10c304a765c1767a42d6e06029758d2d7e8ef7cc4c41179",
    "Just pulling a normal shot short will produce a weaker shot": "e2705652ff9f5e44d3e841bf1c251cf7dddb77d140870d1ab2ed64f1a9ce8628",
    "and is not a Ristretto as some believe.": "80bd07262511cdde4863f8a7434cef696750681cb9510eea557088f76d9e5065",
}

# RFC 8032, section 7.1: seed, key, message, signature of tests 1, 2, 3.
ED25519 = [
    (
        "9d61b19deffd5a60ba844af492ec2cc44449c5697b326919703bac031cae7f60",
        "d75a980182b10ab7d54bfed3c964073a0ee172f3daa62325af021a68f707511a",
        "",
        "e5564300c360ac729086e2cc806e828a84877f1eb8e5d974d873e065224901555fb8821590a33bacc61e39701cf9b46bd25bf5f0595bbe24655141438e7a100b",
    ),
    (
        "4ccd089b28ff96da9db6c346ec114e0f5b8a319f35aba624da8cf6ed4fb8a6fb",
        "3d4017c3e843895a92b70aa74d1b7ebc9c982ccf2ec4968cc0cd55f12af4660c",
        "72",
        "92a009a9f0d4cab8720e820b5f642540a2b27b5416503f8fb3762223ebdb69da085ac1e43e15996e458f3613d0f11d8c387b2eaeb4302aeeb00d291612bb0c00",
    ),
    (
        "c5aa8df43f9f837bedb7442f31dcb7b166d38535076f094b85ce3a2e0b4458f7",
        "fc51cd8e6218a1a38da47ed00230f0580816ed13ba3303ac5deb911548908025",
        "af82",
        "6291d657deec24024827e69c3abe01a30ce548a284743a445e3680d7db5ac3ac18ff9b538d16f290ae67f760984dc6594a7c15e9716ed28dc027beceea1ec40a",
    ),
]


class Ristretto255(unittest.TestCase):
    """RFC 9496."""

    def test_constants(self) -> None:
        d = curve.d
        self.assertEqual(ristretto255.SQRT_AD_MINUS_ONE**2 % p, (-d - 1) % p)
        self.assertEqual(ristretto255.INVSQRT_A_MINUS_D**2 * (-1 - d) % p, 1)

    def test_multiples_of_the_generator(self) -> None:
        point = curve.IDENTITY
        for number, encoding in enumerate(MULTIPLES):
            self.assertEqual(ristretto255.encode(point).hex(), encoding)
            decoded = ristretto255.decode(bytes.fromhex(encoding))
            self.assertIsNotNone(decoded)
            self.assertTrue(ristretto255.equal(decoded or point, point))
            self.assertEqual(ristretto255.encode(curve.multiply(number, ristretto255.G)).hex(), encoding)
            self.assertEqual(ristretto255.encode(curve.multiply_base(number)).hex(), encoding)
            point = curve.add(point, ristretto255.G)

    def test_bad_encodings(self) -> None:
        for reason, encodings in BAD_ENCODINGS.items():
            for encoding in encodings.split():
                self.assertIsNone(ristretto255.decode(bytes.fromhex(encoding)), reason)
                self.refuses("element", "not-canonical", bytes.fromhex(encoding))

    def test_the_identity_is_refused(self) -> None:
        self.refuses("element", "identity", bytes(32))

    def test_derivation(self) -> None:
        for label, encoding in DERIVED.items():
            point = ristretto255.from_uniform_bytes(hashlib.sha512(label.encode()).digest())
            self.assertEqual(ristretto255.encode(point).hex(), encoding)

    def test_sums_of_many_multiples(self) -> None:
        for count in (0, 1, 7, 8, 201):
            scalars = [pow(3, i + 1, ORDER) for i in range(count)]
            points = [curve.multiply_base(i) for i in range(count)]
            expected = curve.multiply_base(sum(i * s for i, s in enumerate(scalars)) % ORDER)
            self.assertTrue(curve.equal(curve.multi_multiply(scalars, points), expected))

    def refuses(self, layer: str, error: str, data: bytes) -> None:
        with self.assertRaises(Refused) as caught:
            ristretto255.element(data)
        self.assertEqual((caught.exception.layer, caught.exception.error), (layer, error))


class Ed25519(unittest.TestCase):
    """RFC 8032 and [SIG-1]."""

    seed, message = bytes(range(32)), b"message"

    def test_rfc8032(self) -> None:
        for vector in ED25519:
            seed, key, message, signature = map(bytes.fromhex, vector)
            self.assertEqual(signatures.public_key(seed), key)
            self.assertEqual(signatures.sign(seed, message), signature)
            signatures.verify(key, message, signature)
            self.refuses(key, message + b"!", signature)

    def test_s_is_canonical(self) -> None:
        key, signature = signatures.public_key(self.seed), signatures.sign(self.seed, self.message)
        S = int.from_bytes(signature[32:], "little") + ORDER
        self.refuses(key, self.message, signature[:32] + S.to_bytes(32, "little"))

    def test_points_of_small_order(self) -> None:
        """Each of the eight, as the key, with R = S*B - h*A: without the rule it would hold whenever h*A = h mod 8 * A."""
        for key in map(signatures.encode_point, small_order_points()):
            A = signatures.decode_point(key)
            self.assertTrue(A and signatures.is_small_order(A))
            R = signatures.encode_point(curve.multiply_base(5))
            self.refuses(key, self.message, R + (5).to_bytes(32, "little"))
            self.refuses(signatures.public_key(self.seed), self.message, key + (5).to_bytes(32, "little"))

    def test_encodings_that_are_not_canonical(self) -> None:
        for y in [p + 1, p, p + 3, 1 | 1 << 255, p - 1 | 1 << 255]:  # the last two: x = 0 has no sign
            self.assertIsNone(signatures.decode_point(y.to_bytes(32, "little")))

    def refuses(self, key: bytes, message: bytes, signature: bytes) -> None:
        with self.assertRaises(Refused) as caught:
            signatures.verify(key, message, signature)
        self.assertEqual((caught.exception.layer, caught.exception.error), ("signature", "invalid"))


class Rfc9497(unittest.TestCase):
    """Appendix A.1.2: ristretto255-SHA512, VOPRF mode."""

    def setUp(self) -> None:
        suites = json.loads(VECTORS.read_text())
        (self.suite,) = [suite for suite in suites if suite["mode"] == 1]
        self.k = oprf.secret_key(bytes.fromhex(self.suite["skSm"]))
        self.P = bytes.fromhex(self.suite["pkSm"])

    def test_key(self) -> None:
        self.assertEqual(oprf.public_key_of(self.k), self.P)

    def test_vectors(self) -> None:
        self.assertGreaterEqual(len(self.suite["vectors"]), 3)
        for vector in self.suite["vectors"]:
            inputs, blinds, blinded, evaluated, outputs = (
                [bytes.fromhex(item) for item in vector[member].split(",")]
                for member in ("Input", "Blind", "BlindedElement", "EvaluationElement", "Output")
            )
            self.assertEqual(len(inputs), vector["Batch"])
            for x, blind, B, Z, output in zip(inputs, blinds, blinded, evaluated, outputs, strict=True):
                r = int.from_bytes(blind, "little")
                self.assertEqual(ristretto255.encode(oprf.blind_multiplicatively(x, r)), B)
                self.assertEqual(ristretto255.encode(curve.multiply(self.k, ristretto255.element(B))), Z)
                self.assertEqual(oprf.finalize(x, oprf.unblind_multiplicatively(ristretto255.element(Z), r)), output)
                self.assertEqual(oprf.prf(self.k, x), output)
                self.additive(x, r, output)
            nonce, proof = int.from_bytes(bytes.fromhex(vector["Proof"]["r"]), "little"), bytes.fromhex(vector["Proof"]["proof"])
            self.assertEqual(oprf.generate_proof(self.k, self.P, blinded, evaluated, nonce), proof)
            oprf.verify_proof(self.P, blinded, evaluated, proof)
            with self.assertRaises(Refused):
                oprf.verify_proof(self.P, blinded, evaluated[::-1] if len(evaluated) > 1 else blinded, proof)

    def additive(self, x: bytes, r: int, output: bytes) -> None:
        """Section 14's blinding gives the same y."""
        Z = curve.multiply(self.k, oprf.blind(x, r))
        self.assertEqual(oprf.finalize(x, oprf.unblind(Z, r, oprf.public_key(self.P))), output)


class Rfc9162(unittest.TestCase):
    """Section 2.1: the tree of a log, of every size up to 33."""

    leaves = [log.leaf(bytes([number])) for number in range(33)]

    def test_roots(self) -> None:
        self.assertEqual(log.root([]).hex(), "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855")
        for size in range(1, len(self.leaves) + 1):
            self.assertEqual(log.root(self.leaves[:size]), tree_hash([bytes([number]) for number in range(size)]))

    def test_inclusion(self) -> None:
        for size in range(1, len(self.leaves) + 1):
            root = log.root(self.leaves[:size])
            for index in range(size):
                path = log.inclusion_path(self.leaves[:size], index)
                log.verify_inclusion(self.leaves[index], index, size, root, path)
                for other in (path[:-1], path[1:], [*path, root], path[::-1] if len(set(path)) > 1 else [root]):
                    if other != path:
                        self.refuses(log.verify_inclusion, self.leaves[index], index, size, root, other)
                self.refuses(log.verify_inclusion, self.leaves[index - 1 if index else 1], index, size, root, path)
                for wrong in {*range(size + 1)} - {index}:
                    self.refuses(log.verify_inclusion, self.leaves[index], wrong, size, root, path)

    def test_consistency(self) -> None:
        for end in range(1, len(self.leaves) + 1):
            whole = log.root(self.leaves[:end])
            for start in range(1, end + 1):
                root = log.root(self.leaves[:start])
                path = log.consistency_path(self.leaves[:end], start)
                log.verify_consistency(start, root, end, whole, path)
                for other in (path[:-1], path[1:], [*path, root]):
                    if other != path:
                        self.refuses(log.verify_consistency, start, root, end, whole, other)
                forked = log.root([*self.leaves[: start - 1], log.leaf(b"other"), *self.leaves[start:end]])
                self.refuses(log.verify_consistency, start, root, end, forked, path)
                self.refuses(log.verify_consistency, start, log.leaf(b"other"), end, whole, path)
                if start < end:
                    self.refuses(log.verify_consistency, end, whole, start, root, path)

    def refuses(self, verify: Callable, *given: Any) -> None:
        with self.assertRaises(Refused) as caught:
            verify(*given)
        self.assertEqual((caught.exception.layer, caught.exception.error), ("log", "path"))


class SignedNote(unittest.TestCase):
    """C2SP's signed-note and tlog-cosignature, as SPEC.md section 22.3 has them."""

    seed, ledger, root = bytes(range(32)), bytes(range(16)), bytes([0xFB] * 32)
    name = "blindlist/1/checkpoint/000102030405060708090a0b0c0d0e0f"
    text = name + "\n12\n+/v7+/v7+/v7+/v7+/v7+/v7+/v7+/v7+/v7+/v7+/s=\nblindlist time 1700000000\n"

    def line(self, name: str, kind: int, seed: bytes, data: bytes) -> str:
        key_id = hashlib.sha256(name.encode() + bytes([0x0A, kind]) + signatures.public_key(seed)).digest()[:4]
        return f"\N{EM DASH} {name} {base64.standard_b64encode(key_id + data).decode()}\n"

    def test_note(self) -> None:
        made = checkpoints.sign(self.seed, self.ledger, 12, self.root, 1_700_000_000)
        self.assertEqual(made["signature"], signatures.sign(self.seed, self.text.encode()))
        note = self.text + "\n" + self.line(self.name, 1, self.seed, made["signature"])
        key = signatures.public_key(self.seed)
        self.assertEqual(checkpoints.note(key, made), note)
        self.assertEqual(checkpoints.open_note(note, key), made)

        witness, time = bytes(range(32, 64)), 1_700_000_001
        signature = signatures.sign(witness, f"cosignature/v1\ntime {time}\n{self.text}".encode())
        cosigned = note + self.line("witness.example.org", 4, witness, time.to_bytes(8, "big") + signature)
        self.assertEqual(checkpoints.cosign(note, key, "witness.example.org", time, witness), cosigned)
        self.assertEqual(checkpoints.open_note(cosigned, key), made)


def tree_hash(entries: list[bytes]) -> bytes:
    """MTH of a list that is not empty, as section 2.1.1 defines it."""
    n = len(entries)
    if n == 1:
        return hashlib.sha256(b"\0" + entries[0]).digest()
    k = max(2**i for i in range(n.bit_length()) if 2**i < n)
    return hashlib.sha256(b"\1" + tree_hash(entries[:k]) + tree_hash(entries[k:])).digest()


def small_order_points() -> list[curve.Point]:
    """The eight multiples of ℓ*P for a P whose order is 8ℓ."""
    for y in range(2, 100):
        point = signatures.decode_point(y.to_bytes(32, "little"))
        if point:
            torsion = curve.multiply(ORDER, point)
            if not curve.equal(curve.multiply(4, torsion), curve.IDENTITY):
                return [curve.multiply(i, torsion) for i in range(8)]
    raise AssertionError("there is such a point")


if __name__ == "__main__":
    unittest.main()
