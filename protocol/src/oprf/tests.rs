//! Published vectors of RFC 9497 for ristretto255-SHA512, all modes, and the properties of both blindings and proofs.
//!
//! What only the vectors need (deriving keys, batched composites, the modes OPRF and POPRF) lives here and nowhere else.

use super::group::{Mode, encode_single, expand};
use super::proof::{Composite, prove_with_nonce, rfc_challenge, rfc_coefficient, verify_composites};
use super::*;
use curve25519_dalek::constants::RISTRETTO_BASEPOINT_POINT;
use curve25519_dalek::ristretto::RistrettoPoint;
use proptest::prelude::*;
use serde::Deserialize;

mod vectors {
    use super::*;

    const FILE: &str = include_str!("../../../tests/vectors/rfc9497-ristretto255-sha512.json");

    /// A suite of the file. A missing or an unknown field is an error; fields that some modes lack are checked by mode.
    #[derive(Deserialize)]
    #[serde(deny_unknown_fields, rename_all = "camelCase")]
    struct Suite {
        #[serde(rename = "groupDST")]
        group_dst: String,
        hash: String,
        identifier: String,
        key_info: String,
        mode: u8,
        seed: String,
        sk_sm: String,
        pk_sm: Option<String>,
        vectors: Vec<Vector>,
    }

    #[derive(Deserialize)]
    #[serde(deny_unknown_fields, rename_all = "PascalCase")]
    struct Vector {
        batch: usize,
        blind: String,
        blinded_element: String,
        evaluation_element: String,
        input: String,
        output: String,
        info: Option<String>,
        proof: Option<VectorProof>,
    }

    #[derive(Deserialize)]
    #[serde(deny_unknown_fields)]
    struct VectorProof {
        proof: String,
        r: String,
    }

    fn array<const N: usize>(text: &str) -> [u8; N] {
        hex::decode(text).unwrap().try_into().unwrap()
    }

    fn scalar(text: &str) -> Scalar {
        Option::from(Scalar::from_canonical_bytes(array(text))).unwrap()
    }

    fn list<T>(vector: &Vector, text: &str, parse: impl Fn(&str) -> T) -> Vec<T> {
        let values: Vec<T> = text.split(',').map(parse).collect();
        assert_eq!(values.len(), vector.batch, "Batch says how many there are");
        values
    }

    /// `DeriveKeyPair`, RFC 9497 section 3.2.1.
    fn derive_key(mode: Mode, seed: &[u8], info: &[u8]) -> SecretKey {
        let length = u16::try_from(info.len()).unwrap().to_be_bytes();
        let input = [seed, &length, info, &[0]].concat();
        SecretKey::from_uniform_bytes(&expand(&input, &mode.tagged("DeriveKeyPair"))).unwrap()
    }

    /// `GenerateProof` with `ComputeCompositesFast` for a batch and a given nonce, RFC 9497 section 2.2.1.
    fn rfc_prove(mode: Mode, key: &SecretKey, c: &[Element], d: &[Element], nonce: &Scalar) -> Proof {
        let public = key.public();
        let m = composite(mode, &public, c, d, c);
        let z = Composite::new(key.scalar() * m);
        let m = Composite::new(m);
        prove_with_nonce(key, &m, nonce, |t2, t3| rfc_challenge(mode, &public, &m, &z, t2, t3))
    }

    /// `VerifyProof` for a batch, RFC 9497 section 2.2.2.
    fn rfc_verify(
        mode: Mode,
        public: &PublicKey,
        c: &[Element],
        d: &[Element],
        proof: &Proof,
    ) -> Result<(), ProofError> {
        let [m, z] = [c, d].map(|of| Composite::new(composite(mode, public, c, d, of)));
        verify_composites(public, &m, &z, proof, |t2, t3| rfc_challenge(mode, public, &m, &z, t2, t3))
    }

    /// Σ d_i · `of`_i.
    fn composite(mode: Mode, public: &PublicKey, c: &[Element], d: &[Element], of: &[Element]) -> RistrettoPoint {
        let terms = c.iter().zip(d).zip(of).zip(0..);
        terms.map(|(((c, d), of), i)| rfc_coefficient(mode, public, i, c, d) * point(of)).sum()
    }

    /// The scalar that a suite evaluates with, and what its proof is about.
    fn evaluation_key(mode: Mode, key: &SecretKey, info: Option<&str>) -> SecretKey {
        let Some(info) = info else { return key.clone() };
        let info = hex::decode(info).unwrap();
        let length = u16::try_from(info.len()).unwrap().to_be_bytes();
        let m = mode.hash_to_scalar(&[b"Info", &length[..], &info].concat());
        SecretKey::from_scalar(key.scalar() + m).unwrap()
    }

    /// The last hash of `Finalize`: POPRF puts the info between input and element.
    fn output(input: &[u8], info: Option<&str>, unblinded: &Element) -> Vec<u8> {
        let Some(info) = info else {
            return finalize(input, unblinded).as_bytes().to_vec();
        };
        let info = hex::decode(info).unwrap();
        let mut hash = Sha512::new();
        for part in [input, &info, unblinded.as_bytes()] {
            hash.update(u16::try_from(part.len()).unwrap().to_be_bytes());
            hash.update(part);
        }
        hash.update(b"Finalize");
        hash.finalize().to_vec()
    }

    fn check(mode: Mode, suite: &Suite, vector: &Vector) {
        let key = SecretKey::from_bytes(&array(&suite.sk_sm)).unwrap();
        let inputs = list(vector, &vector.input, |text| hex::decode(text).unwrap());
        let blinds = list(vector, &vector.blind, scalar);
        let blinded = list(vector, &vector.blinded_element, |text| Element::from_bytes(array(text)));
        let evaluated = list(vector, &vector.evaluation_element, |text| Element::from_bytes(array(text)));
        let outputs = list(vector, &vector.output, |text| hex::decode(text).unwrap());
        let info = vector.info.as_deref();
        let tweaked = evaluation_key(mode, &key, info);

        for ((input, blind), expected) in inputs.iter().zip(&blinds).zip(&blinded) {
            assert_eq!(encode_single(&(blind * mode.hash_to_group(input))), *expected, "BlindedElement");
            if mode == Mode::Voprf {
                assert_eq!(multiplicative_blind(input, blind), *expected, "BlindedElement by the public function");
            }
        }
        let factor = if info.is_some() { tweaked.scalar().invert() } else { *tweaked.scalar() };
        let points = decode_all(&blinded).unwrap();
        let answers: Vec<_> = blinded.iter().map(|element| encode_single(&(factor * point(element)))).collect();
        assert_eq!(answers, evaluated, "EvaluationElement");
        if mode == Mode::Voprf {
            assert_eq!(blind_evaluate(&key, &points).unwrap(), evaluated, "EvaluationElement by the public function");
        }
        if let Some(proof) = &vector.proof {
            let (c, d) = if info.is_some() { (&evaluated, &blinded) } else { (&blinded, &evaluated) };
            let expected = Proof::from_bytes(array(&proof.proof));
            assert_eq!(rfc_prove(mode, &tweaked, c, d, &scalar(&proof.r)), expected, "Proof");
            assert_eq!(rfc_verify(mode, &tweaked.public(), c, d, &expected), Ok(()), "VerifyProof");
            if mode == Mode::Voprf && vector.batch == 1 {
                let proven = verify(&key.public(), (&blinded[0], &points[0]), &evaluated[0], &expected);
                assert!(proven.is_ok(), "VerifyProof by the public function");
            }
        }
        for (((input, blind), z), expected) in inputs.iter().zip(&blinds).zip(&evaluated).zip(&outputs) {
            let unblinded = encode_single(&(blind.invert() * point(z)));
            assert_eq!(output(input, info, &unblinded), *expected, "Output");
        }
        if mode == Mode::Voprf {
            let inputs: Vec<_> = inputs.iter().map(Vec::as_slice).collect();
            let direct: Vec<_> = evaluate_inputs(&key, &inputs).iter().map(|y| y.as_bytes().to_vec()).collect();
            assert_eq!(direct, outputs, "Evaluate without a client");
        }
    }

    /// [NOTE-1]: inside the RFC's functions integers are big-endian, as the RFC says.
    #[test]
    fn every_vector_of_rfc_9497_passes() {
        let suites: Vec<Suite> = serde_json::from_str(FILE).unwrap();
        let mut passed = Vec::new();
        for suite in &suites {
            let mode = [Mode::Oprf, Mode::Voprf, Mode::Poprf][usize::from(suite.mode)];
            assert_eq!((suite.identifier.as_str(), suite.hash.as_str()), ("ristretto255-SHA512", "SHA512"));
            assert_eq!(hex::decode(&suite.group_dst).unwrap(), mode.tagged("HashToGroup-"));
            assert_eq!(suite.pk_sm.is_some(), mode != Mode::Oprf, "a public key where the mode is verifiable");
            let key = SecretKey::from_bytes(&array(&suite.sk_sm)).unwrap();
            let derived = derive_key(mode, &hex::decode(&suite.seed).unwrap(), &hex::decode(&suite.key_info).unwrap());
            assert_eq!(derived.to_bytes(), key.to_bytes(), "skSm");
            if let Some(expected) = &suite.pk_sm {
                assert_eq!(hex::encode(key.public().element().as_bytes()), *expected, "pkSm");
            }
            for vector in &suite.vectors {
                assert_eq!(vector.proof.is_some(), mode != Mode::Oprf, "a proof where the mode is verifiable");
                assert_eq!(vector.info.is_some(), mode == Mode::Poprf, "public input in POPRF only");
                check(mode, suite, vector);
            }
            passed.push((suite.mode, suite.vectors.len()));
        }
        assert_eq!(passed, [(0, 2), (1, 3), (2, 3)], "suites and vectors that were checked");
    }

    #[test]
    fn a_missing_or_an_unknown_field_fails() {
        assert!(serde_json::from_str::<Vec<Suite>>(&FILE.replacen("\"hash\"", "\"hush\"", 1)).is_err());
        assert!(serde_json::from_str::<Vec<Suite>>(&FILE.replacen("\"Blind\"", "\"Blond\"", 1)).is_err());
        assert!(serde_json::from_str::<Vec<Suite>>(&FILE.replacen("\"r\"", "\"q\"", 1)).is_err());
    }

    /// [PRF-4]
    #[test]
    fn a_batch_proof_of_the_rfc_proves_no_chunk() {
        let key = SecretKey::from_uniform_bytes(&[5; 64]).unwrap();
        let public = key.public();
        let c: Vec<_> = (0..3_u8).map(|i| encode(&hash_to_group(&[i]))).collect();
        let points = decode_all(&c).unwrap();
        let d = blind_evaluate(&key, &points).unwrap();
        let proof = rfc_prove(Mode::Voprf, &key, &c, &d, &Scalar::from(9_u64));
        assert_eq!(rfc_verify(Mode::Voprf, &public, &c, &d, &proof), Ok(()), "it is a good proof of the RFC");
        let context = BatchContext { epoch: &[9; 32], key: &public, holders: &[1], holder: 1 };
        assert_eq!(verify_chunk(&context, &public, (&c, &points), &d, &proof).err(), Some(ProofError::Invalid));
    }

    /// The attack that Blindlist's proof answers, for two elements: the RFC's coefficients are fixed by each pair alone, so errors
    /// e_1, e_2 with d_1·e_1 + d_2·e_2 = 0 would cancel; here d_2 changes with e_2, and one finds no such pair by chance.
    #[test]
    fn composites_of_the_rfc_do_not_bind_the_batch() {
        let key = SecretKey::from_uniform_bytes(&[5; 64]).unwrap();
        let public = key.public();
        let c: Vec<_> = (0..3_u8).map(|i| encode(&hash_to_group(&[i]))).collect();
        let d = blind_evaluate(&key, &decode_all(&c).unwrap()).unwrap();
        let coefficient = |d: &[Element]| rfc_coefficient(Mode::Voprf, &public, 0, &c[0], &d[0]);
        let mut other = d.clone();
        other[2] = encode_single(&(point(&d[2]) + RISTRETTO_BASEPOINT_POINT));
        assert_eq!(coefficient(&d), coefficient(&other), "the RFC's first coefficient ignores the third element");
    }
}

/// The point of an element, for curve25519-dalek.
fn point(element: &Element) -> RistrettoPoint {
    decode(element).unwrap().into()
}

fn key(byte: u8) -> SecretKey {
    SecretKey::from_uniform_bytes(&[byte; 64]).unwrap()
}

/// A chunk with its answer and proof.
struct Chunk {
    epoch: [u8; 32],
    key: PublicKey,
    c: Vec<Element>,
    d: Vec<Element>,
    proof: Proof,
}

impl Chunk {
    fn new(size: u16) -> Self {
        let (secret, epoch) = (key(3), [9; 32]);
        let c: Vec<_> = (0..size).map(|i| additive_blind(&i.to_le_bytes(), &Scalar::from(7_u64)).0).collect();
        let points = decode_all(&c).unwrap();
        let d = blind_evaluate(&secret, &points).unwrap();
        let public = secret.public();
        let context = BatchContext { epoch: &epoch, key: &public, holders: &[1], holder: 1 };
        let proof = prove_chunk(&context, &secret, &public, (&c, &points), &d, &[1; 64]).unwrap();
        Self { epoch, key: public, c, d, proof }
    }

    fn verify(&self) -> Result<(), ProofError> {
        let context = BatchContext { epoch: &self.epoch, key: &self.key, holders: &[1], holder: 1 };
        self.verify_in(&context)
    }

    fn verify_in(&self, context: &BatchContext<'_>) -> Result<(), ProofError> {
        let points = decode_all(&self.c).unwrap();
        verify_chunk(context, &self.key, (&self.c, &points), &self.d, &self.proof).map(|_| ())
    }
}

/// [PRF-1], [PRF-2]
#[test]
fn a_chunk_proof_holds_and_is_bound_to_everything() {
    let good = Chunk::new(5);
    assert_eq!(good.verify(), Ok(()));

    let mut swapped = Chunk::new(5);
    swapped.d.swap(1, 2);
    assert_eq!(swapped.verify(), Err(ProofError::Invalid));
    let mut both_swapped = Chunk::new(5);
    both_swapped.c.swap(1, 2);
    both_swapped.d.swap(1, 2);
    assert_eq!(both_swapped.verify(), Err(ProofError::Invalid), "the order is part of the statement");
    let mut shorter = Chunk::new(5);
    shorter.c.pop();
    shorter.d.pop();
    assert_eq!(shorter.verify(), Err(ProofError::Invalid));
    let mut uneven = Chunk::new(5);
    uneven.d.pop();
    assert_eq!(uneven.verify(), Err(ProofError::Shape));
    let other_key = Chunk { key: key(4).public(), ..Chunk::new(5) };
    assert_eq!(other_key.verify(), Err(ProofError::Invalid));
    let other_epoch = Chunk { epoch: [8; 32], ..Chunk::new(5) };
    assert_eq!(other_epoch.verify(), Err(ProofError::Invalid));
    for (holders, holder) in [(&[2][..], 2), (&[1, 2], 1), (&[1], 2)] {
        let context = BatchContext { epoch: &good.epoch, key: &good.key, holders, holder };
        assert_eq!(good.verify_in(&context), Err(ProofError::Invalid), "{holders:?} {holder}");
    }
    let empty = Chunk { c: vec![], d: vec![], ..Chunk::new(5) };
    assert_eq!(empty.verify(), Err(ProofError::Shape));
}

/// Wherever it stands in the blocks and sums of a full chunk, and in whichever of them two are swapped.
#[test]
fn one_wrong_answer_among_8_192_is_found_out() {
    let good = Chunk::new(8_192);
    let pool = rayon::ThreadPoolBuilder::new().num_threads(4).build().unwrap();
    assert_eq!(pool.install(|| good.verify()), Ok(()));
    for place in [0, 255, 256, 4_095, 4_096, 8_190] {
        let mut d = good.d.clone();
        d.swap(place, place + 1);
        let swapped = Chunk { d, c: good.c.clone(), ..good };
        assert_eq!(pool.install(|| swapped.verify()), Err(ProofError::Invalid), "{place}");
        let mut d = good.d.clone();
        d[place] = good.d[7_000];
        let wrong = Chunk { d, c: good.c.clone(), ..good };
        assert_eq!(pool.install(|| wrong.verify()), Err(ProofError::Invalid), "{place}");
    }
}

#[test]
fn a_proof_with_any_bit_changed_fails() {
    let good = Chunk::new(3);
    for bit in 0..512 {
        let mut bytes = *good.proof.as_bytes();
        bytes[bit / 8] ^= 1 << (bit % 8);
        let bad = Chunk { proof: Proof::from_bytes(bytes), ..Chunk::new(3) };
        assert!(matches!(bad.verify(), Err(ProofError::Invalid | ProofError::NotCanonical)), "bit {bit}");
    }
}

/// [PRF-1]
#[test]
fn scalars_of_a_proof_are_canonical() {
    let bytes = [0xff; 64];
    let bad = Chunk { proof: Proof::from_bytes(bytes), ..Chunk::new(3) };
    assert_eq!(bad.verify(), Err(ProofError::NotCanonical));
}

#[test]
fn errors_that_cancel_with_equal_weights_are_caught() {
    let mut chunk = Chunk::new(4);
    chunk.d[0] = encode_single(&(point(&chunk.d[0]) + RISTRETTO_BASEPOINT_POINT));
    chunk.d[1] = encode_single(&(point(&chunk.d[1]) - RISTRETTO_BASEPOINT_POINT));
    assert_eq!(chunk.verify(), Err(ProofError::Invalid));
}

/// n = s + c·k, as whoever knows k can compute it.
fn nonce_of(proof: &Proof, key: &SecretKey) -> Scalar {
    let (c, s) = proof.as_bytes().split_at(32);
    let scalar = |bytes: &[u8]| Scalar::from_canonical_bytes(bytes.try_into().unwrap()).unwrap();
    scalar(s) + scalar(c) * key.scalar()
}

/// [PRF-3]
#[test]
fn no_two_proofs_share_a_nonce() {
    let mut nonces = Vec::new();
    for secret in [key(3), key(4)] {
        let public = secret.public();
        let context = BatchContext { epoch: &[9; 32], key: &public, holders: &[1], holder: 1 };
        for (size, random) in [(1, 1), (1, 2), (2, 1), (2, 2), (3, 1)] {
            let c: Vec<_> = (0..size).map(|i| encode(&hash_to_group(&[i]))).collect();
            let points = decode_all(&c).unwrap();
            let d = blind_evaluate(&secret, &points).unwrap();
            let chunk = prove_chunk(&context, &secret, &public, (&c, &points), &d, &[random; 64]).unwrap();
            let single = prove(&secret, &public, (&c[0], &points[0]), &d[0], &[random; 64]);
            nonces.push(nonce_of(&chunk, &secret).to_bytes());
            // One element of a larger chunk is the statement of the chunk of one.
            if size == 1 {
                nonces.push(nonce_of(&single, &secret).to_bytes());
            }
        }
    }
    assert_eq!(nonces.iter().collect::<std::collections::BTreeSet<_>>().len(), 14);
}

/// [PRF-1]
#[test]
fn elements_points_and_answers_are_equally_many() {
    let good = Chunk::new(3);
    let points = decode_all(&good.c).unwrap();
    let context = BatchContext { epoch: &good.epoch, key: &good.key, holders: &[1], holder: 1 };
    for points in [&points[..2], &[&points[..], &points[..1]].concat()] {
        let verified = verify_chunk(&context, &good.key, (&good.c, points), &good.d, &good.proof);
        assert_eq!(verified.err(), Some(ProofError::Shape));
        let proven = prove_chunk(&context, &key(3), &good.key, (&good.c, points), &good.d, &[1; 64]);
        assert_eq!(proven.err(), Some(ProofError::Shape));
    }
    let proven = |chunk: &Chunk| {
        let points = decode_all(&chunk.c).unwrap();
        verify_chunk(&context, &chunk.key, (&chunk.c, &points), &chunk.d, &chunk.proof).unwrap()
    };
    assert_eq!(Proven::sum([proven(&good), proven(&Chunk::new(2))]).err(), Some(ProofError::Shape));
    assert_eq!(Proven::sum([]).err(), Some(ProofError::Shape));
    assert!(Proven::sum([proven(&good), proven(&good)]).is_ok());
}

#[test]
fn empty_and_oversized_chunks_are_refused() {
    assert_eq!(blind_evaluate(&key(1), &[]), Err(ElementError::Count));
    let many = vec![hash_to_group(b"x"); MAX_CHUNK + 1];
    assert_eq!(blind_evaluate(&key(1), &many), Err(ElementError::Count));
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(24))]

    #[test]
    fn both_blindings_and_the_direct_way_agree(input in prop::collection::vec(any::<u8>(), 0..80), r in any::<[u8; 32]>(), k in any::<[u8; 32]>()) {
        let wide = |bytes: [u8; 32]| [bytes, [0x5a; 32]].concat().try_into().unwrap();
        let secret = SecretKey::from_uniform_bytes(&wide(k)).unwrap();
        let r = Scalar::from_bytes_mod_order_wide(&wide(r));
        let direct = evaluate_inputs(&secret, &[&input]).remove(0);

        let public = secret.public();
        let (b, point) = additive_blind(&input, &r);
        let z = blind_evaluate(&secret, &[decode(&b).unwrap()]).unwrap()[0];
        let proof = prove(&secret, &public, (&b, &point), &z, &[3; 64]);
        let proven = verify(&public, (&b, &point), &z, &proof).unwrap();
        let base = BlindingBase::new(&public);
        let n = additive_unblind(&proven, 0, &r, &base).unwrap();
        prop_assert_eq!(additive_unblind(&proven, 1, &r, &base), None, "there is one answer");
        prop_assert_eq!(&finalize(&input, &n), &direct);

        let b = multiplicative_blind(&input, &r);
        let z = blind_evaluate(&secret, &[decode(&b).unwrap()]).unwrap()[0];
        let point = decode(&b).unwrap();
        let proof = prove(&secret, &public, (&b, &point), &z, &[4; 64]);
        let proven = verify(&public, (&b, &point), &z, &proof).unwrap();
        prop_assert_eq!(multiplicative_unblind(&proven, 0, &Scalar::ZERO), None);
        let n = multiplicative_unblind(&proven, 0, &r).unwrap();
        prop_assert_eq!(&finalize(&input, &n), &direct);
    }

    #[test]
    fn the_proof_of_one_element_is_verified(seed in any::<[u8; 32]>(), random in any::<[u8; 32]>()) {
        let secret = key(6);
        let public = secret.public();
        let random: [u8; 64] = [random, [0; 32]].concat().try_into().unwrap();
        let c = encode(&hash_to_group(&seed));
        let points = decode_all(&[c]).unwrap();
        let d = blind_evaluate(&secret, &points).unwrap()[0];
        let proof = prove(&secret, &public, (&c, &points[0]), &d, &random);
        prop_assert!(verify(&public, (&c, &points[0]), &d, &proof).is_ok());
        prop_assert_eq!(verify(&key(7).public(), (&c, &points[0]), &d, &proof).err(), Some(ProofError::Invalid));
    }
}
