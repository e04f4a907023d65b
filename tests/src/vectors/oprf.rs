//! Operations of the group, the PRF and its proofs: sections 6, 10 (sets of holders) and 16 of SPEC.md.

use blindlist_protocol::holders::{HolderSet, HolderSetError};
use blindlist_protocol::oprf::{
    self, BatchContext, BlindingBase, Element, Point, Proof, ProofError, PublicKey, Scalar, SecretKey, additive_blind,
    additive_unblind, blind_evaluate, decode, decode_all, encode, evaluate_inputs, finalize, multiplicative_blind,
    multiplicative_unblind,
};
use serde::{Deserialize, Serialize};
use sha2::{Digest as _, Sha256, Sha512};
use voprf::{EvaluationElement, Group, Ristretto255, VoprfClient};

use super::fault::Fault;
use super::people::Nothing;
use super::values::{Fixed, Hex, elements};

/// Input of `secret-key` and `public-key`.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Key {
    key: Fixed<32>,
}

/// Output of `secret-key`.
#[derive(Debug, Serialize)]
pub struct PublicKeyOutput {
    public_key: PublicKey,
}

pub(super) fn secret_key(Key { key }: Key) -> Result<PublicKeyOutput, Fault> {
    Ok(PublicKeyOutput { public_key: SecretKey::from_bytes(&key.0)?.public() })
}

pub(super) fn public_key(Key { key }: Key) -> Result<Nothing, Fault> {
    assert_eq!(*key.public_key()?.element(), key.element());
    Ok(Nothing {})
}

/// Input of `element`.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct OneElement {
    element: Fixed<32>,
}

pub(super) fn element(OneElement { element }: OneElement) -> Result<Nothing, Fault> {
    assert_eq!(encode(&decode(&element.element())?), element.element());
    Ok(Nothing {})
}

/// Input of `hash-to-group`.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct HashInput {
    input: Hex,
}

/// Output of `hash-to-group`.
#[derive(Debug, Serialize)]
pub struct ElementOutput {
    element: Element,
}

pub(super) fn hash_to_group(HashInput { input: Hex(input) }: HashInput) -> Result<ElementOutput, Fault> {
    Ok(ElementOutput { element: encode(&oprf::hash_to_group(&input)) })
}

/// Input of `prf`.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Prf {
    key: Fixed<32>,
    input: Hex,
}

/// Output of `prf`.
#[derive(Debug, Serialize)]
pub struct EvaluationOutput {
    evaluation: Vec<u8>,
}

pub(super) fn prf(Prf { key, input: Hex(input) }: Prf) -> Result<EvaluationOutput, Fault> {
    let evaluations = evaluate_inputs(&SecretKey::from_bytes(&key.0)?, &[&input]);
    Ok(EvaluationOutput { evaluation: evaluations.first().expect("one for each input").as_bytes().to_vec() })
}

/// Input of `blinding`.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Blinding {
    key: Fixed<32>,
    input: Hex,
    blinding: BlindingKind,
    r: Fixed<32>,
    random: Fixed<64>,
}

#[derive(Clone, Copy, Debug, Deserialize)]
#[serde(rename_all = "lowercase")]
enum BlindingKind {
    Additive,
    Multiplicative,
}

/// Output of `blinding`.
#[derive(Debug, Serialize)]
pub struct BlindingOutput {
    blinded: Element,
    evaluated: Element,
    proof: Proof,
    evaluation: Vec<u8>,
}

pub(super) fn blinding(
    Blinding { key, input: Hex(input), blinding, r, random }: Blinding,
) -> Result<BlindingOutput, Fault> {
    let key = SecretKey::from_bytes(&key.0)?;
    let r: Option<Scalar> = Scalar::from_canonical_bytes(r.0).into();
    let r = r.ok_or(Fault::misuse("an r that is no scalar"))?;
    let blinded = match blinding {
        BlindingKind::Additive => additive_blind(&input, &r).0,
        BlindingKind::Multiplicative => multiplicative_blind(&input, &r),
    };
    let (point, public) = (decode(&blinded)?, key.public());
    let evaluated = *blind_evaluate(&key, &[point])?.first().expect("one for each element");
    let proof = oprf::prove(&key, &public, (&blinded, &point), &evaluated, &random.0);
    let proven = oprf::verify(&public, (&blinded, &point), &evaluated, &proof)?;
    let unblinded = match blinding {
        BlindingKind::Additive => additive_unblind(&proven, 0, &r, &BlindingBase::new(&public)),
        BlindingKind::Multiplicative => multiplicative_unblind(&proven, 0, &r),
    };
    let evaluation = finalize(&input, &unblinded.ok_or(Fault::misuse("an r that is 0"))?).as_bytes().to_vec();
    Ok(BlindingOutput { blinded, evaluated, proof, evaluation })
}

/// Input of `holder-part`.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct HolderPart {
    holders: Hex,
    index: u8,
    share: Fixed<32>,
}

/// Output of `holder-part`.
#[derive(Debug, Serialize)]
pub struct PartOutput {
    part: Vec<u8>,
    public_part: PublicKey,
}

pub(super) fn holder_part(HolderPart { holders: Hex(holders), index, share }: HolderPart) -> Result<PartOutput, Fault> {
    let (holders, share) = (HolderSet::try_from(holders)?, SecretKey::from_bytes(&share.0)?);
    // By its documentation the one thing that can be wrong here: the holder is not in the set.
    let (part, public_part) = holders.part(index, &share).map_err(|_| HolderSetError)?;
    assert_eq!(holders.public_part(index, &share.public())?, public_part);
    Ok(PartOutput { part: part.to_bytes().to_vec(), public_part })
}

/// Input of `prove`.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Prove {
    key: Fixed<32>,
    epoch: Fixed<32>,
    holders: Hex,
    holder: u8,
    part: Fixed<32>,
    blinded: Vec<Fixed<32>>,
    random: Fixed<64>,
}

/// Output of `prove`.
#[derive(Debug, Serialize)]
pub struct ProveOutput {
    public_part: PublicKey,
    evaluated: Vec<Element>,
    proof: Proof,
}

pub(super) fn prove(input: Prove) -> Result<ProveOutput, Fault> {
    let key = input.key.public_key()?;
    let holders = HolderSet::try_from(input.holders.0)?;
    let context = BatchContext { epoch: &input.epoch.0, key: &key, holders: holders.indices(), holder: input.holder };
    let part = SecretKey::from_bytes(&input.part.0)?;
    let (public_part, random) = (part.public(), &input.random.0);
    let blinded = elements(&input.blinded);
    let points = decode_all(&blinded)?;
    let evaluated = blind_evaluate(&part, &points)?;
    let proof = match (blinded.as_slice(), points.as_slice(), evaluated.as_slice()) {
        ([element], [point], [answer]) => oprf::prove(&part, &public_part, (element, point), answer, random),
        (blinded, points, evaluated) => {
            oprf::prove_chunk(&context, &part, &public_part, (blinded, points), evaluated, random)?
        }
    };
    Ok(ProveOutput { public_part, evaluated, proof })
}

/// Input of `verify` and `verify-composites`.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Verify {
    key: Fixed<32>,
    epoch: Fixed<32>,
    holders: Hex,
    holder: u8,
    public_part: Fixed<32>,
    blinded: Vec<Fixed<32>>,
    evaluated: Vec<Fixed<32>>,
    proof: Fixed<64>,
}

pub(super) fn verify(input: Verify) -> Result<Nothing, Fault> {
    let (key, public) = (input.key.public_key()?, input.public_part.public_key()?);
    let holders = HolderSet::try_from(input.holders.0)?;
    let context = BatchContext { epoch: &input.epoch.0, key: &key, holders: holders.indices(), holder: input.holder };
    let (blinded, evaluated) = (elements(&input.blinded), elements(&input.evaluated));
    let points: Vec<Point> = decode_all(&blinded)?;
    let proof = Proof::from_bytes(input.proof.0);
    match (blinded.as_slice(), points.as_slice(), evaluated.as_slice()) {
        ([element], [point], [answer]) => oprf::verify(&public, (element, point), answer, &proof)?,
        (blinded, points, evaluated) => oprf::verify_chunk(&context, &public, (blinded, points), evaluated, &proof)?,
    };
    Ok(Nothing {})
}

pub(super) fn verify_composites(input: Verify) -> Result<Nothing, Fault> {
    let Verify { key: _, epoch: _, holders: _, holder: _, public_part, blinded, evaluated, proof } = input;
    let bytes = |elements: &[Fixed<32>]| elements.iter().map(|element| element.0).collect::<Vec<_>>();
    holds_by_composites(&public_part.0, &bytes(&blinded), &bytes(&evaluated), &proof.0)
}

/// RFC 9497's batched `VerifyProof`, by another implementation of that RFC: `blindlist-protocol` must not have it.
///
/// The only way there is `Finalize`, which verifies first; blind and input do not enter the proof.
fn holds_by_composites(
    public: &[u8; 32],
    blinded: &[[u8; 32]],
    evaluated: &[[u8; 32]],
    proof: &[u8; 64],
) -> Result<Nothing, Fault> {
    let public = Ristretto255::deserialize_elem(public)?;
    let one = Scalar::ONE.to_bytes();
    let clients = blinded.iter().map(|blinded| VoprfClient::deserialize(&[one, *blinded].concat()));
    let clients = clients.collect::<Result<Vec<VoprfClient<Ristretto255>>, _>>()?;
    let answers = evaluated.iter().map(|evaluated| EvaluationElement::deserialize(evaluated));
    let answers = answers.collect::<Result<Vec<EvaluationElement<Ristretto255>>, _>>()?;
    let proof = voprf::Proof::deserialize(proof)?;
    let inputs = vec![b"x"; clients.len()];
    Ok(VoprfClient::batch_finalize(&inputs, &clients, &answers, &proof, public).map(|_| Nothing {})?)
}

/// Input of `composites-forgery`.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Forgery {
    key: Fixed<32>,
    deltas: Hex,
    composites_proof: Fixed<64>,
    random: Fixed<64>,
}

/// Output of `composites-forgery`.
#[derive(Debug, Serialize)]
pub struct ForgeryOutput {
    elements: Vec<u8>,
    own_proof: Proof,
}

/// Answers that are all wrong, whose errors cancel for RFC 9497's coefficients; the contract says how they were made.
pub(super) fn composites_forgery(input: Forgery) -> Result<ForgeryOutput, Fault> {
    let (secret, random) = (SecretKey::from_bytes(&input.key.0)?, &input.random.0);
    let k: Option<Scalar> = Scalar::from_canonical_bytes(input.key.0).into();
    let k = k.expect("a secret key is a scalar");
    // c·G, as a public key is made.
    let multiple = |c: Scalar| Ok::<_, Fault>(*SecretKey::from_bytes(&c.to_bytes())?.public().element());
    let (mut blinded, mut evaluated) = (Vec::new(), Vec::new());
    for (i, delta) in (0_u32..).zip(input.deltas.0.chunks_exact(2)) {
        let delta = u16::from_le_bytes(delta.try_into().expect("two bytes"));
        assert_ne!(delta, 0, "answer {i} is right");
        let hash = Sha512::new().chain_update("composites forgery blinded").chain_update(i.to_le_bytes());
        let c = Scalar::from_bytes_mod_order_wide(&hash.finalize().into());
        blinded.push(multiple(c)?);
        evaluated.push(multiple(k * c + Scalar::from(delta))?);
    }
    let public = secret.public();
    let bytes = |elements: &[Element]| elements.iter().map(|element| *element.as_bytes()).collect::<Vec<_>>();
    holds_by_composites(public.element().as_bytes(), &bytes(&blinded), &bytes(&evaluated), &input.composites_proof.0)?;

    let context = BatchContext { epoch: &[0; 32], key: &public, holders: &[1], holder: 1 };
    let points = decode_all(&blinded)?;
    let own_proof = oprf::prove_chunk(&context, &secret, &public, (&blinded, &points), &evaluated, random)?;
    let verdict = oprf::verify_chunk(&context, &public, (&blinded, &points), &evaluated, &own_proof);
    assert_eq!(verdict.err(), Some(ProofError::Invalid), "section 16 accepts wrong answers");
    let elements = Sha256::digest([bytes(&blinded), bytes(&evaluated)].concat().concat());
    Ok(ForgeryOutput { elements: elements.to_vec(), own_proof })
}
