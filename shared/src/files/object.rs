use crate::hash::sha256_hex;
use crate::identity::Owner;

/// A file's place in the bucket: `<stage>/<owner>/<id>`.
///
/// The owner is the verified one, hashed, because a tenant's and a user's id are texts from outside that can have any
/// length and any character, slashes and dots among them; two hashes are hashed once more, so that no two owners share a
/// place. The id is one that was minted here or names a record under the owner's own key, hashed where it is neither,
/// so that no key has a character to escape. A name that a person gave is never part of it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Object(String);

impl Object {
    /// Where a browser uploads it.
    pub fn upload(owner: &Owner, id: &str) -> Self {
        Self::new("uploads", owner, id)
    }

    /// Where it stays.
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

    /// The key in the bucket, of letters, digits, `_` and `/`.
    pub(super) fn key(&self) -> &str {
        &self.0
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn owners_do_not_meet() {
        let object = |tenant: &str, user: &str, id: &str| Object::file(&Owner::new(tenant, user).unwrap(), id);
        assert_ne!(object("a", "b", "atc_1"), object("b", "a", "atc_1"));
        assert_ne!(object("a/b", "c", "atc_1"), object("a", "b/c", "atc_1"));
        assert_ne!(Object::upload(&Owner::new("a", "b").unwrap(), "x"), object("a", "b", "x"));
    }

    #[test]
    fn nothing_in_a_key_needs_an_escape() {
        for id in ["../../etc", "a b", "ü", "", &"x".repeat(65)] {
            let Object(key) = Object::upload(&Owner::new("..", "/").unwrap(), id);
            assert!(key.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"/_".contains(&byte)), "{key}");
            assert_eq!(key.split('/').count(), 3);
        }
    }
}
