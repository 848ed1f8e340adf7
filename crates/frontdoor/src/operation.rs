//! What an operation is, and how a service lists its operations.

use std::collections::BTreeMap;
use std::pin::Pin;
use std::sync::Arc;

use base::{AccountId, Region, Timestamp};
use iam::Caller;
use model::{OperationModel, ServiceModel};
use serde::Serialize;
use serde::de::DeserializeOwned;
use serde_json::Value;
use wire::error::WireError;

use crate::access::Authorized;

/// The world a request acts in: one account in one Region. Worlds share nothing.
#[derive(Clone, PartialEq, Eq, Hash, Debug)]
pub struct Scope {
    /// The Region that this server stands for.
    pub region: Region,
    /// The caller's account.
    pub account: AccountId,
}

/// Request rates of a service.
pub trait Throttle: Send + Sync {
    /// `Ok` when the request may go on, else the error that the client gets
    /// (`ThrottlingException`). `input` has passed its shape check.
    fn admit(
        &self,
        scope: &Scope,
        operation: &'static str,
        input: &Value,
        now: Timestamp,
    ) -> Result<(), WireError>;
}

/// What an operation knows about its request besides the input.
#[derive(Clone)]
pub struct RequestContext {
    /// The `x-amzn-requestid` of the answer.
    pub request_id: String,
    /// Who asks; the signature has been verified.
    pub caller: Caller,
    /// The account and Region the request acts in.
    pub scope: Scope,
    /// When the request was received.
    pub now: Timestamp,
    /// INVARIANT: no context without a decision.
    pub authorized: Authorized,
}

/// One operation of a service: a unit struct in a file of its own.
pub trait Operation: Send + Sync + 'static {
    /// The service's state, shared by its operations.
    type State: Send + Sync + 'static;
    /// The wire type of the input; its shape has been checked.
    type Input: DeserializeOwned + Send;
    /// The wire type of the output.
    type Output: Serialize + Send;
    /// The service's errors.
    type Error: Into<WireError> + Send;

    /// The operation's name in the service model.
    const NAME: &'static str;
    /// The IAM action that permits it; batch operations use the single operation's.
    const ACTION: &'static str = Self::NAME;

    /// Does it.
    fn call(
        state: &Arc<Self::State>,
        context: RequestContext,
        input: Self::Input,
    ) -> impl Future<Output = Result<Self::Output, Self::Error>> + Send;
}

type BoxFuture<T> = Pin<Box<dyn Future<Output = T> + Send>>;
type Call =
    Box<dyn Fn(RequestContext, Value) -> BoxFuture<Result<Vec<u8>, WireError>> + Send + Sync>;

/// One operation with its types erased.
pub(crate) struct Route {
    pub(crate) model: &'static OperationModel,
    pub(crate) action: &'static str,
    pub(crate) call: Call,
}

/// A service: its model and the operations it implements.
pub struct Service {
    pub(crate) model: &'static ServiceModel,
    operations: &'static [OperationModel],
    routes: BTreeMap<&'static str, Route>,
    pub(crate) throttle: Option<Box<dyn Throttle>>,
}

impl Service {
    /// A service without operations yet.
    pub fn new(model: &'static ServiceModel, operations: &'static [OperationModel]) -> Self {
        Self {
            model,
            operations,
            routes: BTreeMap::new(),
            throttle: None,
        }
    }

    /// Adds operation `O`. A name that the model does not have is ignored; a test of the service
    /// compares [`Service::routed`] with the model.
    #[must_use]
    pub fn with<O: Operation>(mut self, state: &Arc<O::State>) -> Self {
        if let Some(model) = self.operations.iter().find(|model| model.name == O::NAME) {
            let state = Arc::clone(state);
            let call: Call = Box::new(move |context, input| {
                let state = Arc::clone(&state);
                Box::pin(async move { run::<O>(&state, context, input).await })
            });
            self.routes.insert(
                model.name,
                Route {
                    model,
                    action: O::ACTION,
                    call,
                },
            );
        }
        self
    }

    /// Has every authorized request ask `throttle`.
    #[must_use]
    pub fn throttled(mut self, throttle: impl Throttle + 'static) -> Self {
        self.throttle = Some(Box::new(throttle));
        self
    }

    /// The names of the routed operations, in alphabetical order.
    pub fn routed(&self) -> impl Iterator<Item = &'static str> + '_ {
        self.routes.keys().copied()
    }

    pub(crate) fn route(&self, operation: &str) -> Option<&Route> {
        self.routes.get(operation)
    }
}

async fn run<O: Operation>(
    state: &Arc<O::State>,
    context: RequestContext,
    input: Value,
) -> Result<Vec<u8>, WireError> {
    let input: O::Input = serde_json::from_value(input)
        .map_err(|_| WireError::serialization("The request does not have the operation's shape"))?;
    let output = O::call(state, context, input).await.map_err(Into::into)?;
    serde_json::to_vec(&output).map_err(|error| {
        tracing::error!(operation = O::NAME, %error, "the output could not be serialized");
        WireError::internal()
    })
}
