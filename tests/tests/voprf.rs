//! Another implementation of RFC 9497, the crate `voprf`, against ours: in process on random inputs, then over the wire,
//! as SPEC.md promises its clients ("Proofs": one element has RFC 9497's proof; JOB-4: its blinding).
#![allow(clippy::unwrap_used, clippy::panic, reason = "tests and their helpers")]

use blindlist_protocol::catalog::Listed;
use blindlist_protocol::identifier::{Identifier, Nir};
use blindlist_protocol::index::Index;
use blindlist_protocol::manifest::Manifest;
use blindlist_protocol::message::{Account, Request, Response};
use blindlist_protocol::object;
use blindlist_protocol::oprf::{
    self, BlindingBase, Element, Evaluation, Proof, ProofError, PublicKey, Scalar, SecretKey,
};
use blindlist_protocol::text::Slug;
use blindlist_tests::Operator;
use blindlist_tests::foreign::{
    Client, Seeded, Server, entry, our_answer, our_blinded, our_key, our_proof, their_answer, their_blinded, their_key,
    their_proof,
};
use blindlist_tests::people::{number, numbers};
use blindlist_tests::raw::{Line, RawInsurer};

/// Random inputs of 1 to 200 bytes, and of lengths at which hashes and lengths turn over.
fn inputs(random: &mut Seeded) -> Vec<Vec<u8>> {
    let lengths = (1..=200).chain([255, 256, 257, 511, 512, 513, 65_534, 65_535]);
    lengths.map(|length| random.input(length)).collect()
}

fn secret_key(random: &mut Seeded) -> SecretKey {
    SecretKey::from_uniform_bytes(&random.bytes()).unwrap()
}

/// Our server's answer to one element: D = k·C and RFC 9497's proof.
fn our_server(key: &SecretKey, blinded: &Element, random: &mut Seeded) -> (Element, Proof) {
    let point = oprf::decode(blinded).unwrap();
    let answer = oprf::blind_evaluate(key, &[point]).unwrap().remove(0);
    let proof = oprf::prove(key, &key.public(), (blinded, &point), &answer, &random.bytes());
    (answer, proof)
}

/// F(k, x) without any blinding, by our code.
fn directly(key: &SecretKey, input: &[u8]) -> Evaluation {
    oprf::evaluate_inputs(key, &[input]).remove(0)
}

/// [JOB-4]: the blinding is the RFC's, and the server cannot tell.
#[test]
fn their_client_accepts_our_server() {
    let mut random = Seeded::new(1);
    for input in inputs(&mut random) {
        let key = secret_key(&mut random);
        let asked = Client::blind(&input, &mut random).unwrap();
        let (answer, proof) = our_server(&key, &our_blinded(&asked.message), &mut random);
        let (answer, proof) = (their_answer(&answer), their_proof(&proof));
        let y = asked.state.finalize(&input, &answer, &proof, their_key(&key.public())).unwrap();
        assert_eq!(&y[..], directly(&key, &input).as_bytes(), "{} bytes", input.len());
    }
}

#[test]
fn our_client_accepts_their_server_with_either_blinding() {
    let mut random = Seeded::new(2);
    for input in inputs(&mut random) {
        let key = secret_key(&mut random);
        let server = Server::new_with_key(&*key.to_bytes()).unwrap();
        let public = our_key(server.get_public_key());
        let y = server.evaluate(&input).unwrap();
        assert_eq!(&y[..], directly(&key, &input).as_bytes(), "{} bytes", input.len());
        for blinding in [Blinding::Additive, Blinding::Multiplicative] {
            let found = ask_theirs(&server, &public, &input, blinding, &mut random).unwrap();
            assert_eq!(&y[..], found.as_bytes(), "{blinding:?}, {} bytes", input.len());
        }
    }
}

#[derive(Clone, Copy, Debug)]
enum Blinding {
    Additive,
    Multiplicative,
}

/// Our client's whole way with their server: blind, verify, unblind, finalise.
fn ask_theirs(
    server: &Server,
    public: &PublicKey,
    input: &[u8],
    blinding: Blinding,
    random: &mut Seeded,
) -> Result<Evaluation, ProofError> {
    let r = Scalar::from_bytes_mod_order_wide(&random.bytes());
    let blinded = match blinding {
        Blinding::Additive => oprf::additive_blind(input, &r).0,
        Blinding::Multiplicative => oprf::multiplicative_blind(input, &r),
    };
    let answered = server.blind_evaluate(random, &their_blinded(&blinded));
    let point = oprf::decode(&blinded).unwrap();
    let (answer, proof) = (our_answer(&answered.message), our_proof(&answered.proof));
    let proven = oprf::verify(public, (&blinded, &point), &answer, &proof)?;
    let unblinded = match blinding {
        Blinding::Additive => oprf::additive_unblind(&proven, 0, &r, &BlindingBase::new(public)),
        Blinding::Multiplicative => oprf::multiplicative_unblind(&proven, 0, &r),
    };
    Ok(oprf::finalize(input, &unblinded.unwrap()))
}

#[test]
fn a_wrong_key_or_answer_is_refused_by_both() {
    let mut random = Seeded::new(3);
    for length in 1..=50 {
        let input = random.input(length);
        let (key, other) = (secret_key(&mut random), secret_key(&mut random));

        let server = Server::new_with_key(&*other.to_bytes()).unwrap();
        for blinding in [Blinding::Additive, Blinding::Multiplicative] {
            let found = ask_theirs(&server, &key.public(), &input, blinding, &mut random);
            assert_eq!(found.unwrap_err(), ProofError::Invalid, "{blinding:?}");
        }

        let asked = Client::blind(&input, &mut random).unwrap();
        let blinded = our_blinded(&asked.message);
        let (right, proof) = our_server(&key, &blinded, &mut random);
        let (wrong, other_proof) = our_server(&other, &blinded, &mut random);
        let finalize = |answer: &Element, proof: &Proof| {
            asked.state.finalize(&input, &their_answer(answer), &their_proof(proof), their_key(&key.public()))
        };
        assert!(finalize(&right, &proof).is_ok());
        for (answer, proof) in [(wrong, other_proof), (right, other_proof), (wrong, proof)] {
            assert_eq!(finalize(&answer, &proof).unwrap_err(), voprf::Error::ProofVerification);
        }
    }
}

/// A list of ten people whose categories differ, as `seal` reads it.
fn breach() -> String {
    let rows = (0..10).map(|n| format!("{},{}\n", number(n), categories(n).unwrap().join("|")));
    std::iter::once("nir,categories\n".to_owned()).chain(rows).collect()
}

/// What leaked for the n-th person; none when it is not on the list.
fn categories(n: u32) -> Option<Vec<&'static str>> {
    let leaked = ["identity", "contract", "coverage"].into_iter().enumerate();
    // 1 to 7 as bits: never nothing.
    (n < 10).then(|| leaked.filter(|(bit, _)| (n % 7 + 1) >> bit & 1 == 1).map(|(_, name)| name).collect())
}

/// [JOB-4], [EVA-4]: the RFC's client needs nothing else of ours to be answered, charged and right.
#[tokio::test]
async fn a_client_made_of_theirs_finds_exactly_the_members_on_the_list() {
    let operator = Operator::new("op");
    let input = operator.file("breach.csv", breach());
    operator.seal(&input, "list-a", "identity,contract,coverage", &[]).ends(0);
    let insurer = RawInsurer::enrolled("foreign", &operator, 60);
    let server = operator.serve();
    let line = insurer.connect(&server).await;
    let (manifest, index) = release(&line, &insurer).await;
    let index = Index::parse(&index).unwrap();
    index.verify().unwrap();

    let mut random = Seeded::new(4);
    for (n, nir) in (5..25).zip(numbers(5, 25)) {
        let identifier = Identifier::nir(&Nir::parse(&nir).unwrap());
        let y = ask_one(&line, identifier.as_bytes(), &mut random).await;
        let entry = entry(&manifest.release, &y);
        let label = index.lookup(entry.tag).unwrap().map(|hidden| entry.open(hidden, &manifest.dictionary).unwrap());
        let names = label.map(|label| manifest.dictionary.names(label).map(Slug::as_str).collect::<Vec<_>>());
        assert_eq!(names, categories(n), "person {n}");
    }
    assert_eq!(line.account().await, Account { granted: 64, spent: 20 }, "one evaluation for each element");
    assert_eq!(operator.account("foreign"), [64, 20, 44]);
}

/// F(k, x) by a request of one element: blinded, verified and finalised by their client.
async fn ask_one(line: &Line<'_>, identifier: &[u8], random: &mut Seeded) -> Vec<u8> {
    let asked = Client::blind(identifier, random).unwrap();
    let answer = line.evaluated(line.chunk(vec![our_blinded(&asked.message)])).await;
    let [element] = answer.elements.as_slice() else { panic!("{} answers", answer.elements.len()) };
    let (element, proof) = (their_answer(element), their_proof(&answer.proof));
    let y = asked.state.finalize(identifier, &element, &proof, their_key(&line.record.key)).unwrap();
    let another = our_key(Server::new(random).unwrap().get_public_key());
    let refused = asked.state.finalize(identifier, &element, &proof, their_key(&another));
    assert_eq!(refused.unwrap_err(), voprf::Error::ProofVerification);
    y.to_vec()
}

/// The one release of the catalog, fetched.
async fn release(line: &Line<'_>, insurer: &RawInsurer) -> (Manifest, Vec<u8>) {
    let [Listed { manifest, .. }] = line.catalog.manifests.as_slice() else { panic!("{:?}", line.catalog) };
    let Response::Object(bytes) = line.ask(&Request::Object(*manifest)).await else { panic!("no manifest") };
    let manifest: Manifest = object::open(&bytes, &insurer.bundle.operator_key).unwrap();
    let mut index = Vec::new();
    for number in (0..).take(manifest.segments.len()) {
        let segment = line.ask(&Request::Segment { release: manifest.release, number }).await;
        let Response::Segment(bytes) = segment else { panic!("no segment {number}") };
        index.extend(bytes);
    }
    (manifest, index)
}
