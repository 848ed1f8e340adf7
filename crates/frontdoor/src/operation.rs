//! What an operation is, and how a service lists its operations.

use std::collections::BTreeMap;
use std::ops::Deref;
use std::pin::Pin;
use std::sync::Arc;

use base::{AccountId, Region, Timestamp};
use iam::decision_log::DecisionLog;
use model::shape::Shape;
use model::{OperationModel, ServiceModel};
use serde::Serialize;
use serde::de::DeserializeOwned;
use serde_json::Value;
use wire::error::WireError;
use wire::protocol::{self, Found, Incoming};

use crate::access::{Asked, Authorized, Permission};

/// The world a request acts in: one account in one Region. Worlds share nothing.
#[derive(Clone, PartialEq, Eq, Hash, Debug)]
pub struct Scope {
    /// The Region that the request is signed for.
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

/// What an operation knows about its request besides the input: who asks, from where, when.
#[derive(Clone)]
pub struct RequestContext {
    asked: Asked,
    /// INVARIANT: no context without a decision.
    pub authorized: Authorized,
}

impl Deref for RequestContext {
    type Target = Asked;

    fn deref(&self) -> &Asked {
        &self.asked
    }
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

    /// Reads the usual input from the bytes of a JSON body: see [`wire::direct`].
    fn read(shape: &'static Shape, body: &[u8]) -> Option<Self::Input> {
        wire::direct::read(shape, body)
    }

    /// What the caller must be allowed to do, decided in this order before `call`. All of it is
    /// asked of IAM: an operation that needs no permission names none.
    fn permissions<'a>(
        state: &'a Arc<Self::State>,
        asked: &'a Asked,
        input: &'a Self::Input,
    ) -> impl Future<Output = Result<Vec<Permission<'a>>, Self::Error>> + Send;

    /// Does it.
    fn call(
        state: &Arc<Self::State>,
        context: RequestContext,
        input: Self::Input,
    ) -> impl Future<Output = Result<Self::Output, Self::Error>> + Send;
}

type BoxFuture<T> = Pin<Box<dyn Future<Output = T> + Send>>;
type Call = Box<
    dyn Fn(
            &ServiceModel,
            &Found<'_>,
            &Incoming<'_>,
            Asked,
            Arc<dyn DecisionLog>,
        ) -> BoxFuture<Result<Vec<u8>, WireError>>
        + Send
        + Sync,
>;

/// One operation with its types erased.
pub(crate) struct Route {
    pub(crate) call: Call,
}

/// A service: its model and the operations it implements.
pub struct Service {
    pub(crate) model: &'static ServiceModel,
    pub(crate) operations: &'static [OperationModel],
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
            let call: Call = Box::new(move |service, found, incoming, asked, log| {
                let state = Arc::clone(&state);
                let input = protocol::typed(service, found, incoming, O::read);
                Box::pin(async move { run::<O>(&state, asked, input?, log.as_ref()).await })
            });
            self.routes.insert(model.name, Route { call });
        }
        self
    }

    /// Has every request ask `throttle`.
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
    asked: Asked,
    input: O::Input,
    log: &dyn DecisionLog,
) -> Result<Vec<u8>, WireError> {
    let permissions = O::permissions(state, &asked, &input).await;
    let permissions = permissions.map_err(Into::into)?;
    let authorized = Authorized::obtain(&asked, permissions, log).await?;
    let context = RequestContext { asked, authorized };
    let output = O::call(state, context, input).await.map_err(Into::into)?;
    serde_json::to_vec(&output).map_err(|error| {
        tracing::error!(operation = O::NAME, %error, "the output could not be serialized");
        WireError::internal()
    })
}
