//! Files under a passphrase, in the age format (C2SP age, the scrypt recipient): what `age --decrypt` opens too.
//!
//! A file that is not encrypted is told apart by its first bytes. How hard a file may make it to try a passphrase is
//! bounded, so that a file from elsewhere cannot use up time and memory.

mod stream;

use std::io::{BufRead, Read as _, Write as _};
use std::path::Path;

use age::secrecy::SecretString;
use age::stream::StreamReader;
use age::{DecryptError, Decryptor, Encryptor, scrypt};
use zeroize::Zeroizing;

use crate::StoreError;
use crate::passphrase::Passphrase;

pub use self::stream::{SealedReader, SealedWriter};

/// The first bytes of a file in the age format.
const HEADER: &[u8] = b"age-encryption.org/v1\n";

/// The work to try one passphrase on a file that is written here: scrypt with N = 2^17 and r = 8, which takes 128 MiB.
const WORK: u8 = 17;

/// The most work that a file may ask for, 256 MiB: what the program `age` asks for.
const MOST_WORK: u8 = 18;

/// Bytes that a sealed file of a small secret is longer than the secret, at most.
pub const OVERHEAD: u64 = 512;

/// Whether these are the bytes of a file under a passphrase, rather than of the secret itself.
#[must_use]
pub fn is_sealed(bytes: &[u8]) -> bool {
    bytes.starts_with(HEADER)
}

/// Encrypts a secret of less than 64 KiB.
///
/// # Panics
/// Never: it is written to memory.
#[must_use]
pub fn seal(secret: &[u8], passphrase: &Passphrase) -> Vec<u8> {
    seal_with_work(secret, passphrase, WORK)
}

fn seal_with_work(secret: &[u8], passphrase: &Passphrase, work: u8) -> Vec<u8> {
    let encryptor = encryptor(passphrase, work);
    let mut sealed = Vec::new();
    let mut writer = encryptor.wrap_output(&mut sealed).expect("a vector grows");
    writer.write_all(secret).expect("a vector grows");
    writer.finish().expect("a vector grows");
    sealed
}

/// Decrypts the bytes of the file `path`, at most `max` of them.
///
/// # Errors
/// [`StoreError::WrongPassphrase`], [`StoreError::TooLong`], [`StoreError::NotSealed`] when it is damaged, for another
/// recipient than a passphrase, or asks for more work than is allowed.
pub fn open(path: &Path, sealed: &[u8], passphrase: &Passphrase, max: u64) -> Result<Zeroizing<Vec<u8>>, StoreError> {
    let mut reader = decrypt(path, sealed, passphrase)?;
    // Whole at once: a vector that grew would leave copies behind. The secret is shorter than what it is sealed in.
    let mut secret = Zeroizing::new(Vec::with_capacity(sealed.len()));
    reader.read_to_end(&mut secret).map_err(|_| not_sealed(path, DAMAGED))?;
    if secret.len() as u64 > max {
        return Err(StoreError::TooLong { path: path.to_path_buf(), max });
    }
    Ok(secret)
}

const DAMAGED: &str = "it is damaged";

fn not_sealed(path: &Path, problem: &'static str) -> StoreError {
    StoreError::NotSealed { path: path.to_path_buf(), problem }
}

fn encryptor(passphrase: &Passphrase, work: u8) -> Encryptor {
    let mut recipient = scrypt::Recipient::new(secret_string(passphrase));
    recipient.set_work_factor(work);
    let recipients = std::iter::once(&recipient as &dyn age::Recipient);
    Encryptor::with_recipients(recipients).expect("one passphrase is a set of recipients")
}

#[allow(clippy::wildcard_enum_match_arm, reason = "another crate's errors")]
fn decrypt<R: BufRead>(path: &Path, sealed: R, passphrase: &Passphrase) -> Result<StreamReader<R>, StoreError> {
    let failed = |problem| not_sealed(path, problem);
    let mut identity = scrypt::Identity::new(secret_string(passphrase));
    identity.set_max_work_factor(MOST_WORK);
    let decryptor = Decryptor::new_buffered(sealed).map_err(|_| failed(DAMAGED))?;
    if !decryptor.is_scrypt() {
        return Err(failed("looked for a file under a passphrase, found one for other recipients"));
    }
    let decrypted = decryptor.decrypt(std::iter::once(&identity as &dyn age::Identity));
    decrypted.map_err(|error| match error {
        DecryptError::DecryptionFailed | DecryptError::NoMatchingKeys => {
            StoreError::WrongPassphrase { path: path.to_path_buf() }
        }
        DecryptError::ExcessiveWork { .. } => failed("it asks for more work than is allowed, scrypt with N = 2^18"),
        _ => failed(DAMAGED),
    })
}

fn secret_string(passphrase: &Passphrase) -> SecretString {
    SecretString::from(passphrase.expose().to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Little work: these tests are about what is opened and what is not.
    const LITTLE: u8 = 4;

    fn passphrase(words: &str) -> Passphrase {
        let file = tempfile::NamedTempFile::new().unwrap();
        std::fs::write(file.path(), words).unwrap();
        Passphrase::read(file.path()).unwrap()
    }

    fn opened(sealed: &[u8], words: &str) -> Result<Zeroizing<Vec<u8>>, StoreError> {
        open(Path::new("/k"), sealed, &passphrase(words), 100)
    }

    #[test]
    fn what_was_sealed_opens_with_the_same_passphrase_alone() {
        let sealed = seal_with_work(b"a secret", &passphrase("right"), LITTLE);
        assert!(is_sealed(&sealed) && !is_sealed(b"a secret") && !is_sealed(&HEADER[..10]));
        assert!((sealed.len() as u64) < 8 + OVERHEAD);
        assert!(!sealed.windows(6).any(|window| window == b"secret"));
        assert_eq!(&**opened(&sealed, "right").unwrap(), b"a secret");
        let error = opened(&sealed, "wrong").unwrap_err();
        assert!(matches!(error, StoreError::WrongPassphrase { .. }) && error.code().number() == 77, "{error}");
        assert_ne!(sealed, seal_with_work(b"a secret", &passphrase("right"), LITTLE));
    }

    #[test]
    fn real_work_opens_too() {
        let sealed = seal(b"a secret", &passphrase("right"));
        assert_eq!(&**opened(&sealed, "right").unwrap(), b"a secret");
    }

    #[test]
    fn a_damaged_file_is_told_from_a_wrong_passphrase_and_never_opens() {
        let sealed = seal_with_work(b"a secret", &passphrase("right"), LITTLE);
        for place in 0..sealed.len() {
            let mut bad = sealed.clone();
            bad[place] ^= 1;
            assert!(opened(&bad, "right").is_err(), "byte {place}");
            assert!(opened(&sealed[..place], "right").is_err(), "{place} bytes");
        }
        let mut payload = sealed.clone();
        *payload.last_mut().unwrap() ^= 1;
        assert!(matches!(opened(&payload, "right"), Err(StoreError::NotSealed { .. })));
    }

    #[test]
    fn a_file_that_asks_for_too_much_work_or_is_too_long_is_refused() {
        let sealed = seal_with_work(b"a secret", &passphrase("right"), LITTLE);
        let text = String::from_utf8_lossy(&sealed[..80]).into_owned();
        let line = text.lines().find(|line| line.starts_with("-> scrypt")).unwrap().to_owned();
        let salt = line.rsplit_once(' ').unwrap().0;
        for work in ["19", "30", "63"] {
            let harder = format!("{salt} {work}");
            let place = text.find(&line).unwrap();
            let bad = [&sealed[..place], harder.as_bytes(), &sealed[place + line.len()..]].concat();
            let error = opened(&bad, "right").unwrap_err();
            assert!(error.to_string().contains("more work"), "{error}");
        }
        let error = open(Path::new("/k"), &sealed, &passphrase("right"), 7).unwrap_err();
        assert!(matches!(error, StoreError::TooLong { max: 7, .. }), "{error}");
    }

    #[test]
    fn a_file_for_a_key_is_no_file_under_a_passphrase() {
        let key = age::x25519::Identity::generate();
        let sealed = age::encrypt(&key.to_public(), b"a secret").unwrap();
        let error = opened(&sealed, "right").unwrap_err();
        assert!(error.to_string().contains("other recipients"), "{error}");
    }
}
