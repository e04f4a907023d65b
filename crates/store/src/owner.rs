//! Whose a file or folder is, and who else may use it.

use std::fs::Metadata;
use std::os::unix::fs::{MetadataExt, PermissionsExt};
use std::path::Path;

use rustix::process::geteuid;

use crate::StoreError;

/// Requires that nobody but the user who runs this program has access: not the group, not others, not another owner,
/// who could let anyone in. `wanted` are the permission bits to suggest.
pub(crate) fn check_private(path: &Path, found: &Metadata, wanted: u32) -> Result<(), StoreError> {
    let mode = found.permissions().mode() & 0o7777;
    if mode & 0o077 != 0 {
        return Err(StoreError::OpenToOthers { path: path.to_path_buf(), mode, wanted });
    }
    check_owner(path, found.uid(), geteuid().as_raw())
}

fn check_owner(path: &Path, owner: u32, user: u32) -> Result<(), StoreError> {
    if owner == user { Ok(()) } else { Err(StoreError::OwnedByAnother { path: path.to_path_buf(), owner, user }) }
}

#[cfg(test)]
mod tests {
    use std::fs::{self, Permissions};

    use rustix::fs::{Gid, Uid, chown};

    use super::*;
    use crate::file::{check_secret, read_secret};
    use crate::folder::PrivateFolder;

    #[test]
    fn another_owner_is_told_with_both_numbers() {
        check_owner(Path::new("/k"), 7, 7).unwrap();
        for (owner, user) in [(0, 7), (7, 0), (7, 8)] {
            let error = check_owner(Path::new("/k"), owner, user).unwrap_err().to_string();
            assert!(error.contains(&format!("uid {owner},")) && error.contains(&format!("uid {user})")), "{error}");
        }
    }

    #[test]
    fn what_belongs_to_another_user_is_refused() {
        let folder = tempfile::tempdir().unwrap();
        let (file, inner) = (folder.path().join("key"), folder.path().join("inner"));
        fs::write(&file, b"secret").unwrap();
        fs::set_permissions(&file, Permissions::from_mode(0o600)).unwrap();
        PrivateFolder::create(&inner).unwrap();
        read_secret(&file, 100).unwrap();
        check_secret(&file).unwrap();
        if !geteuid().is_root() {
            // Only root can give a file away; the rule itself is tested above.
            return;
        }
        for path in [&file, &inner] {
            chown(path, Some(Uid::from_raw(4_711)), Some(Gid::from_raw(4_711))).unwrap();
        }
        let foreign = |error: StoreError| assert!(matches!(error, StoreError::OwnedByAnother { owner: 4_711, .. }));
        foreign(read_secret(&file, 100).unwrap_err());
        foreign(check_secret(&file).unwrap_err());
        foreign(PrivateFolder::open(&inner).unwrap_err());
    }
}
