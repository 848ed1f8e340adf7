//! Client tokens: a request that is sent again gets the first one's result, for 24 hours.

use std::time::Duration;

use frontdoor::RequestContext;
use resources::idempotency::{self, TokenError, Tokens};
use serde::Serialize;
use serde::de::DeserializeOwned;
use store::WriteTx;

use crate::cluster::world;
use crate::error::{Error, ResourceType};

/// Parent = the world, so that tokens outlive what they are about.
struct ClientTokens;

impl Tokens for ClientTokens {
    const KIND: &'static str = "dsql.idempotency";
    const LIFETIME: Duration = Duration::from_secs(24 * 60 * 60);
    const SWEEP: usize = 4;
}

/// A request with its token, if it has one.
pub(crate) struct Idempotent {
    request: idempotency::Idempotent<ClientTokens>,
    kind: ResourceType,
}

impl Idempotent {
    /// A request that makes something of this type.
    pub(crate) fn new<I: Serialize>(
        operation: &str,
        kind: ResourceType,
        token: Option<String>,
        input: &I,
    ) -> Self {
        let request = idempotency::Idempotent::new(operation, token, input);
        Self { request, kind }
    }

    /// A request about something that exists: its token counts for this resource only.
    pub(crate) fn about<I: Serialize>(
        operation: &str,
        (kind, id): (ResourceType, &str),
        token: Option<String>,
        input: &I,
    ) -> Self {
        Self::new(&format!("{operation}/{id}"), kind, token, input)
    }

    /// The result of the request that came with this token before; else that of `work`, which is
    /// remembered. `resource_id` is what the request makes or is about.
    pub(crate) fn run<R: Serialize + DeserializeOwned>(
        self,
        tx: &mut dyn WriteTx,
        context: &RequestContext,
        resource_id: &str,
        work: impl FnOnce(&mut dyn WriteTx) -> Result<R, Error>,
    ) -> Result<R, Error> {
        let (parent, now) = (world(&context.scope), context.now);
        match self.request.earlier(&*tx, &parent, now) {
            Ok(None) => {}
            Ok(Some(result)) => return Ok(result),
            Err(TokenError::Store(error)) => return Err(error.into()),
            Err(TokenError::Reused { resource_id }) => {
                return Err(Error::Conflict {
                    message: "The client token was already used with different parameters."
                        .to_owned(),
                    resource: (self.kind, resource_id),
                });
            }
        }
        let result = work(tx)?;
        let request = self.request;
        request.remember(tx, &parent, now, resource_id, &result)?;
        Ok(result)
    }
}
