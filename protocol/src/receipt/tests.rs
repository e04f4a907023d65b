//! A receipt is for one chunk, of one insurer, by one holder.

use super::*;
use crate::chunk;
use crate::fixtures::{INSURER, JOB, Operator, holders, insurer, receipt_key};
use crate::ids::Digest;
use crate::log::Status;

struct Asked {
    operator: Operator,
    header: ChunkHeader,
    holders: HolderSet,
}

fn asked() -> Asked {
    let operator = Operator::new(1, 1, 1, 2);
    let record = &operator.record;
    let (operator_key, epoch, key) = (record.operator_key, record.epoch, record.key);
    let header = ChunkHeader { operator_key, epoch, key, job: JOB, number: 3, count: 64, digest: chunk::digest(&[]) };
    Asked { operator, header, holders: holders(&[1]) }
}

impl Asked {
    fn charge(&self) -> Charge {
        let ChunkHeader { epoch, job, number, count, digest, .. } = self.header;
        let signature = self.header.sign(&insurer());
        Charge {
            insurer: INSURER,
            epoch,
            holders: self.holders.clone(),
            job,
            number,
            count,
            digest,
            signature,
            spent: 64,
        }
    }

    fn verify(&self, receipt: &Receipt) -> Result<(), BadReceipt> {
        let signing_key = insurer().verifying();
        let expected =
            Expected { insurer: &INSURER, holders: &self.holders, header: &self.header, signing_key: &signing_key };
        receipt.verify(&self.operator.record.holders[0], &expected)
    }

    fn of(&self, event: Event) -> Receipt {
        let ledger = self.operator.record.holders[0].ledger;
        Receipt::sign(&ledger, 5, Entry { time: 7, event }.encode(), &receipt_key(1))
    }
}

/// [AUD-4]
#[test]
fn the_entry_is_the_charge_of_what_was_asked() {
    let asked = asked();
    assert_eq!(asked.verify(&asked.of(Event::Charge(asked.charge()))), Ok(()));
    let changes: [fn(&mut Charge); 9] = [
        |charge| charge.insurer = InsurerId::from_bytes([9; 16]),
        |charge| charge.epoch = crate::ids::EpochId::from_bytes([9; 32]),
        |charge| charge.holders = holders(&[1, 2]),
        |charge| charge.job = crate::ids::JobId::from_bytes([9; 16]),
        |charge| charge.number = 4,
        |charge| charge.count = 63,
        |charge| charge.digest = Digest::from_bytes([9; 32]),
        |charge| charge.signature = Signature::from_bytes([9; 64]),
        |charge| charge.spent = 63,
    ];
    for (i, change) in changes.iter().enumerate() {
        let mut charge = asked.charge();
        change(&mut charge);
        assert_eq!(asked.verify(&asked.of(Event::Charge(charge))), Err(BadReceipt), "change {i}");
    }
    let status = Event::Status { insurer: INSURER, status: Status::Active };
    assert_eq!(asked.verify(&asked.of(status)), Err(BadReceipt), "another event");
}

/// [AUD-4]
#[test]
fn the_holder_signed_it_for_its_ledger_and_its_place() {
    let asked = asked();
    let good = asked.of(Event::Charge(asked.charge()));
    assert_eq!(asked.verify(&Receipt { index: 6, ..good.clone() }), Err(BadReceipt));
    let ledger = asked.operator.record.holders[0].ledger;
    let by = |ledger: &LedgerId, index| Receipt::sign(ledger, 5, good.entry.clone(), &receipt_key(index));
    assert_eq!(by(&ledger, 1), good, "signatures are deterministic");
    assert_eq!(asked.verify(&by(&ledger, 2)), Err(BadReceipt), "another holder's key");
    assert_eq!(asked.verify(&by(&asked.operator.record.holders[1].ledger, 1)), Err(BadReceipt), "another ledger");
    let trailing = [&good.entry[..], &[0]].concat();
    assert_eq!(asked.verify(&Receipt::sign(&ledger, 5, trailing, &receipt_key(1))), Err(BadReceipt));
}
