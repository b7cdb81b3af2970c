use crate::hash::sha256_hex;
use crate::identity::Owner;

/// The key of a file in the bucket: `<stage>/<owner>/<id>`.
///
/// The owner is hashed, because the ids of tenants and users come from outside and can have any length and any
/// character, also slashes and dots. Both ids are hashed before they are joined and hashed again, so that no two owners
/// have the same hash. An id with any other character than ours have is hashed, too, so that no key needs escapes. The
/// name that a person gave the file is never part of it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ObjectKey(String);

impl ObjectKey {
    /// For an upload by a browser.
    pub fn upload(owner: &Owner, id: &str) -> Self {
        Self::new("uploads", owner, id)
    }

    /// For the file that is kept.
    pub fn file(owner: &Owner, id: &str) -> Self {
        Self::new("files", owner, id)
    }

    fn new(stage: &str, owner: &Owner, id: &str) -> Self {
        let owner = sha256_hex(&(sha256_hex(owner.tenant()) + &sha256_hex(owner.user())));
        let is_plain = id.len() <= 64 && id.bytes().all(|byte| byte.is_ascii_alphanumeric() || byte == b'_');
        if is_plain {
            Self(format!("{stage}/{owner}/{id}"))
        } else {
            Self(format!("{stage}/{owner}/{}", sha256_hex(id)))
        }
    }

    /// Letters, digits, `_` and `/`.
    pub(super) fn as_str(&self) -> &str {
        &self.0
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn different_owners_have_different_keys() {
        let object = |tenant: &str, user: &str, id: &str| ObjectKey::file(&Owner::new(tenant, user).unwrap(), id);
        assert_ne!(object("a", "b", "atc_1"), object("b", "a", "atc_1"));
        assert_ne!(object("a/b", "c", "atc_1"), object("a", "b/c", "atc_1"));
        assert_ne!(ObjectKey::upload(&Owner::new("a", "b").unwrap(), "x"), object("a", "b", "x"));
    }

    #[test]
    fn object_key_needs_no_escapes() {
        for id in ["../../etc", "a b", "ü", "", &"x".repeat(65)] {
            let ObjectKey(key) = ObjectKey::upload(&Owner::new("..", "/").unwrap(), id);
            assert!(key.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"/_".contains(&byte)), "{key}");
            assert_eq!(key.split('/').count(), 3);
        }
    }
}
