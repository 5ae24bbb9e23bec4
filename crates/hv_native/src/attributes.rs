//! Extended attributes that a file hands over to the one that replaces it: its
//! access list, its security label, and what users have attached to it.

use rustix::fs::{XattrFlags, lgetxattr, llistxattr, removexattr, setxattr};
use rustix::io::{Errno, Result};

/// `XATTR_LIST_MAX` and `XATTR_SIZE_MAX` (include/uapi/linux/limits.h).
const LARGEST: usize = 65_536;

const ACCESS_LIST: &[u8] = b"system.posix_acl_access";

/// Not capabilities, nor the kernel's measurements: they are the old content's.
fn is_handed_over(name: &[u8]) -> bool {
    name == ACCESS_LIST
        || name == b"security.selinux"
        || name.starts_with(b"security.SMACK64")
        || name.starts_with(b"user.")
}

/// Whether a file may do without: a label then is that of the directory, while a
/// lost access list would open the file to others.
fn is_dispensable(name: &[u8], errno: Errno) -> bool {
    // A security module lists its label also where the file system keeps none (FAT).
    let refused = [Errno::ACCESS, Errno::PERM, Errno::OPNOTSUPP, Errno::INVAL];
    name != ACCESS_LIST && refused.contains(&errno)
}

/// Gives the file at `to` the attributes of the file at `from`, which is no link.
///
/// # Errors
/// An attribute cannot be read, or not be given.
pub fn hand_over(from: &str, to: &str) -> Result<()> {
    let mut list = vec![0; LARGEST];
    let length = match llistxattr(from, &mut list[..]) {
        Ok(length) => length,
        Err(Errno::OPNOTSUPP) => return Ok(()),
        Err(errno) => return Err(errno),
    };
    let names = || list[..length].split(|byte| *byte == 0);
    if !names().any(|name| name == ACCESS_LIST) {
        // One that came from the directory's default.
        match removexattr(to, ACCESS_LIST) {
            Ok(()) | Err(Errno::NODATA | Errno::OPNOTSUPP) => {}
            Err(errno) => return Err(errno),
        }
    }
    let mut value = vec![0; LARGEST];
    for name in names().filter(|name| is_handed_over(name)) {
        let length = match lgetxattr(from, name, &mut value[..]) {
            Ok(length) => length,
            // Taken away since it was listed.
            Err(Errno::NODATA) => continue,
            Err(errno) if is_dispensable(name, errno) => continue,
            Err(errno) => return Err(errno),
        };
        match setxattr(to, name, &value[..length], XattrFlags::empty()) {
            Err(errno) if !is_dispensable(name, errno) => return Err(errno),
            Ok(()) | Err(_) => {}
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;
    use rustix::fs::getxattr;

    /// `user::rw-, user:1:rw-, group::r--, mask::rw-, other::r--`
    const LIST: [u8; 44] = [
        2, 0, 0, 0, 1, 0, 6, 0, 255, 255, 255, 255, 2, 0, 6, 0, 1, 0, 0, 0, 4, 0, 4, 0, 255, 255,
        255, 255, 16, 0, 6, 0, 255, 255, 255, 255, 32, 0, 4, 0, 255, 255, 255, 255,
    ];

    fn file(name: &str) -> String {
        let path = std::env::temp_dir().join(format!("hv_native-{}-{name}", std::process::id()));
        std::fs::write(&path, b"").unwrap();
        path.to_str().unwrap().to_owned()
    }

    fn set(path: &str, name: &str, value: &[u8]) {
        setxattr(path, name, value, XattrFlags::empty()).unwrap();
    }

    fn get(path: &str, name: &str) -> Result<Vec<u8>> {
        let mut value = vec![0; 100];
        let length = getxattr(path, name, &mut value[..])?;
        value.truncate(length);
        Ok(value)
    }

    #[test]
    fn an_access_list_and_the_attributes_of_users_are_handed_over() {
        let (from, to) = (file("from"), file("to"));
        set(&from, "user.origin", b"host");
        set(&from, "user.empty", b"");
        set(&from, "system.posix_acl_access", &LIST);
        hand_over(&from, &to).unwrap();
        assert_eq!(get(&to, "user.origin").unwrap(), b"host");
        assert_eq!(get(&to, "user.empty").unwrap(), b"");
        assert_eq!(get(&to, "system.posix_acl_access").unwrap(), LIST);
        for path in [from, to] {
            std::fs::remove_file(path).unwrap();
        }
    }

    #[test]
    fn an_access_list_of_the_directory_does_not_stay_where_the_old_file_had_none() {
        let (from, to) = (file("plain"), file("inherited"));
        set(&to, "system.posix_acl_access", &LIST);
        hand_over(&from, &to).unwrap();
        assert_eq!(get(&to, "system.posix_acl_access"), Err(Errno::NODATA));
        for path in [from, to] {
            std::fs::remove_file(path).unwrap();
        }
    }

    #[test]
    fn capabilities_and_measurements_are_of_the_old_content() {
        for name in ["security.capability", "security.ima", "trusted.x"] {
            assert!(!is_handed_over(name.as_bytes()), "{name}");
        }
        assert!(is_handed_over(b"security.selinux"));
    }

    #[test]
    fn only_a_label_or_a_users_attribute_may_be_refused() {
        assert!(is_dispensable(b"security.selinux", Errno::OPNOTSUPP));
        assert!(is_dispensable(b"user.x", Errno::PERM));
        assert!(!is_dispensable(b"user.x", Errno::NOSPC));
        assert!(!is_dispensable(ACCESS_LIST, Errno::OPNOTSUPP));
    }

    #[test]
    fn a_file_that_is_gone_is_an_error() {
        let to = file("alone");
        assert_eq!(hand_over("/nonexistent", &to), Err(Errno::NOENT));
        std::fs::remove_file(to).unwrap();
    }
}
