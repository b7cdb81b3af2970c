/// Whose data a request may touch: the tenant and the user of the verified identity. Every key of the store starts
/// with it, so that a request cannot even address another user's data.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct Owner {
    tenant: String,
    user: String,
}

/// A tenant's or user's id that cannot be a key.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("a tenant or user id has 1 to {} bytes", Owner::MAX_ID_BYTES)]
pub struct InvalidOwner;

impl Owner {
    /// Of a tenant's or user's id. Escaped it is up to three times as long, and two of them fit a DynamoDB partition
    /// key.
    pub const MAX_ID_BYTES: usize = 256;

    /// The tenant of a deployment that has only one.
    pub const DEFAULT_TENANT: &str = "default";

    pub fn new(tenant: impl Into<String>, user: impl Into<String>) -> Result<Self, InvalidOwner> {
        let owner = Self { tenant: tenant.into(), user: user.into() };
        let valid = |id: &str| !id.is_empty() && id.len() <= Self::MAX_ID_BYTES;
        if valid(&owner.tenant) && valid(&owner.user) { Ok(owner) } else { Err(InvalidOwner) }
    }

    pub fn tenant(&self) -> &str {
        &self.tenant
    }

    pub fn user(&self) -> &str {
        &self.user
    }
}
