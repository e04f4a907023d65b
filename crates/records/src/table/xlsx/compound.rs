//! Files of the kind that Excel wrote before 2007, which also hold workbooks with a password: told apart, never read.

use super::super::disk::{Disk, Fault};

/// The first bytes of such a file.
pub(super) const SIGNATURE: &[u8] = b"\xd0\xcf\x11\xe0";

/// How much of the file is searched at each end: the directory is near one of them.
const SEARCHED_LEN: u64 = 4 << 20;

/// Says which of the two it is.
pub(super) fn explain(disk: &Disk) -> Fault {
    let name: Vec<u8> = "EncryptedPackage".encode_utf16().flat_map(u16::to_le_bytes).collect();
    let length = disk.length().min(SEARCHED_LEN);
    let holds = |start| {
        let bytes = disk.bytes(start, usize::try_from(length).unwrap_or(0)).unwrap_or_default();
        bytes.windows(name.len()).any(|window| window == name)
    };
    if holds(0) || holds(disk.length() - length) {
        Fault::Broken("it is encrypted; remove the password and save it again")
    } else {
        Fault::Broken("it is of the kind that Excel wrote before 2007 (XLS); save it as XLSX or export it as CSV")
    }
}
