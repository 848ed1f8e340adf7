//! Whether the caller may be the role that it asks for.

use super::admit::Admitted;
use super::token::ADMIN;
use crate::catalog::Catalog;
use crate::gateway::Gateway;
use crate::refusal::Refusal;

/// A client that may be its role.
pub(crate) struct Entitled(pub(super) Admitted);

impl Admitted {
    /// Asks the database whether the role is granted to the caller: to its user, or to the role
    /// behind its session. `admin` needs no grant, but the other action.
    ///
    /// # Errors
    /// It is not granted, or the database does not answer.
    pub(crate) async fn entitle<C: Catalog>(
        self,
        gateway: &Gateway<C>,
    ) -> Result<Entitled, Refusal> {
        let role = &self.requested.user;
        if role == ADMIN {
            return Ok(Entitled(self));
        }
        let arn = self.caller.principal.principal_arn();
        let database = &self.cluster.database;
        match gateway.backends.is_mapped(database, role, arn).await {
            Ok(true) => Ok(Entitled(self)),
            Ok(false) => Err(not_granted(role, arn)),
            Err(error) => {
                tracing::error!(%error, database, "a role cannot be looked up");
                Err(Refusal::unavailable())
            }
        }
    }
}

/// The same whether there is such a role or not.
pub(super) fn not_granted(role: &str, arn: &str) -> Refusal {
    Refusal::access_denied(format!(
        "The database role {role} is not granted to {arn}: see AWS IAM GRANT."
    ))
}
