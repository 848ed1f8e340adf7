//! Idempotency tokens: a create request that is sent again gets the first one's result, for eight
//! hours.

use std::time::Duration;

use base::Timestamp;
use resources::idempotency::{self, TokenError, Tokens};
use serde::Serialize;
use serde::de::DeserializeOwned;
use store::{ReadTx, WriteTx};

use crate::error::{Error, ResourceType};

/// Parent = the policy store (or the world, for CreatePolicyStore).
#[derive(Clone)]
struct IdempotencyTokens;

impl Tokens for IdempotencyTokens {
    const KIND: &'static str = "vp.idempotency";
    const LIFETIME: Duration = Duration::from_secs(8 * 60 * 60);
    const SWEEP: usize = 4;
}

/// A create request with its token.
#[derive(Clone)]
pub(crate) struct Idempotent {
    request: idempotency::Idempotent<IdempotencyTokens>,
    kind: ResourceType,
}

impl Idempotent {
    /// `input` without its token: equal inputs are equal requests.
    pub(crate) fn new<I: Serialize>(
        operation: &str,
        kind: ResourceType,
        token: Option<String>,
        input: &I,
    ) -> Self {
        let request = idempotency::Idempotent::new(operation, token, input);
        Self { request, kind }
    }

    /// The result of the request that came with this token before, if there was one;
    /// ConflictException when that was another request.
    pub(crate) fn earlier<R: DeserializeOwned>(
        &self,
        tx: &dyn ReadTx,
        parent: &str,
        now: Timestamp,
    ) -> Result<Option<R>, Error> {
        let earlier = self.request.earlier(tx, parent, now);
        earlier.map_err(|error| match error {
            TokenError::Store(error) => error.into(),
            TokenError::Reused { resource_id } => Error::Conflict {
                message: "The client token was already used with different parameters.".to_owned(),
                resource: (resource_id, self.kind),
            },
        })
    }

    /// Remembers the result, in the transaction that creates the resource.
    pub(crate) fn remember<R: Serialize>(
        self,
        tx: &mut dyn WriteTx,
        parent: &str,
        now: Timestamp,
        resource_id: &str,
        result: &R,
    ) -> Result<(), Error> {
        let request = self.request;
        request.remember(tx, parent, now, resource_id, result)?;
        Ok(())
    }
}
