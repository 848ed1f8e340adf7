//! The place where "may this caller do this?" is answered, before any operation runs.

use iam::Caller;
use wire::error::WireError;

/// What is asked: may `caller` perform `action`?
pub struct AccessRequest<'a> {
    /// Who asks; the signature has been verified.
    pub caller: &'a Caller,
    /// The IAM action without its service prefix, for instance `CreatePolicy`.
    pub action: &'static str,
    /// The IAM service prefix, for instance `verifiedpermissions`.
    pub service: &'static str,
}

/// Decides access requests.
pub trait AuthorizeAccess: Send + Sync {
    /// `Ok` when the caller may, else the error that the client gets (`AccessDeniedException`).
    fn authorize(&self, request: &AccessRequest<'_>) -> Result<(), WireError>;
}

/// The decision of this release: every known key may do everything in its own account.
///
/// Operations look resources up in the caller's account only, so another account's resources do
/// not exist for the caller.
pub struct OwnAccount;

impl AuthorizeAccess for OwnAccount {
    fn authorize(&self, _request: &AccessRequest<'_>) -> Result<(), WireError> {
        Ok(())
    }
}

/// Proof that a request was authorized.
///
/// INVARIANT: only [`Authorized::obtain`] makes one, and [`crate::RequestContext`] holds one, so
/// no operation runs without a decision.
#[derive(Clone, Copy)]
pub struct Authorized(());

impl Authorized {
    /// Asks `authority`; the proof is the answer "yes".
    pub(crate) fn obtain(
        authority: &dyn AuthorizeAccess,
        request: &AccessRequest<'_>,
    ) -> Result<Self, WireError> {
        authority.authorize(request).map(|()| Self(()))
    }
}
