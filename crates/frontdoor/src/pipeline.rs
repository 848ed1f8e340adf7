//! The pipeline: one readable function with a fixed order.

use std::panic::AssertUnwindSafe;
use std::sync::Arc;

use base::{Clock, Entropy, Region, request_id};
use bytes::Bytes;
use http::{HeaderMap, Method, Request, Response, StatusCode, header};
use iam::condition_keys::Network;
use iam::decision_log::DecisionLog;
use iam::sigv4::{Expected, RequestParts, Signed, verify};
use iam::{Caller, Keys};
use model::ServiceModel;
use wire::error::WireError;
use wire::protocol::{self, Found, Incoming};

use crate::access::Asked;
use crate::operation::{Scope, Service};

/// Says whether the server can serve: `Err` carries the reason for the log.
pub trait Health: Send + Sync {
    /// Checks what the server depends on.
    fn check(&self) -> impl Future<Output = Result<(), String>> + Send;
}

/// Everything a request meets before its operation. `K` is where the access keys are, `H` what
/// `GET /health` asks.
pub struct FrontDoor<K, H> {
    /// The Regions that are served; `None` when every one is.
    pub regions: Option<Vec<Region>>,
    /// What time it is.
    pub clock: Arc<dyn Clock>,
    /// Where request ids come from.
    pub entropy: Arc<dyn Entropy>,
    /// The access keys.
    pub keys: K,
    /// Where refusals are recorded.
    pub decisions: Arc<dyn DecisionLog>,
    /// The services behind this door.
    pub services: Vec<Service>,
    /// Whether the server can serve.
    pub health: H,
}

/// What is told of a request that fails, and to the access log, filled in as it becomes known.
#[derive(Default)]
struct LogEntry {
    /// The service that is meant: its protocol is that of the answer.
    service: Option<&'static ServiceModel>,
    operation: Option<&'static str>,
    caller: Option<Caller>,
}

impl<K: Keys + Send + Sync, H: Health> FrontDoor<K, H> {
    /// Answers one request. Never fails: whatever goes wrong is an answer.
    pub async fn handle(&self, request: Request<Bytes>, network: &Arc<Network>) -> Response<Bytes> {
        if request.method() == Method::GET && request.uri().path() == "/health" {
            return self.health().await;
        }
        let received = self.clock.now();
        let request_id = request_id(self.entropy.as_ref());
        let mut log = LogEntry::default();
        let result = no_panic(self.pipeline(&request, network, &request_id, &mut log)).await;
        let (response, error) = match result {
            Ok(response) => (response, None),
            Err(error) => {
                let response = protocol::failure(log.service, &request_id, &error);
                (response, Some(error.code))
            }
        };
        let micros = self.clock.now().unix_micros() - received.unix_micros();
        tracing::info!(
            request_id,
            operation = log.operation,
            caller = log
                .caller
                .as_ref()
                .map(|caller| caller.principal.arn.as_str()),
            status = response.status().as_u16(),
            error,
            micros,
            "request"
        );
        response
    }

    async fn pipeline(
        &self,
        request: &Request<Bytes>,
        network: &Arc<Network>,
        request_id: &str,
        log: &mut LogEntry,
    ) -> Result<Response<Bytes>, WireError> {
        let incoming = Incoming::from(request);
        let (service, found) = self.find(&incoming, log)?;
        let operation = found.operation;
        let route = service.route(operation.name);
        let route = route.ok_or_else(WireError::unknown_operation)?;
        log.operation = Some(operation.name);
        let Signed { caller, region } = self.authenticate(request, service)?;
        log.caller = Some(caller.clone());
        let scope = Scope {
            region,
            account: caller.account().clone(),
        };
        let now = self.clock.now();
        if let Some(throttle) = &service.throttle {
            let input = protocol::input(service.model, &found, &incoming)?;
            throttle.admit(&scope, operation.name, &input, now)?;
        }
        let header = |name| request.headers().get(name).cloned();
        let asked = Asked {
            request_id: request_id.to_owned(),
            caller,
            scope,
            now,
            network: Arc::clone(network),
            user_agent: header(header::USER_AGENT),
            referer: header(header::REFERER),
        };
        let log = Arc::clone(&self.decisions);
        let output = (route.call)(service.model, &found, &incoming, asked, log).await?;
        let output = Bytes::from(output);
        Ok(protocol::success(
            service.model,
            operation,
            request_id,
            output,
        ))
    }

    /// The operation that is asked for, and its service. Where there is none, the answer has the
    /// form of the service that the request is signed for.
    fn find<'a>(
        &self,
        incoming: &Incoming<'a>,
        log: &mut LogEntry,
    ) -> Result<(&Service, Found<'a>), WireError> {
        for service in &self.services {
            if let Some(found) = protocol::operation(service.model, service.operations, incoming) {
                log.service = Some(service.model);
                return Ok((service, found));
            }
        }
        log.service = self.signed_for(incoming);
        Err(WireError::unknown_operation())
    }

    /// The service that a request says to be signed for.
    fn signed_for(&self, incoming: &Incoming<'_>) -> Option<&'static ServiceModel> {
        let mut models = self.services.iter().map(|service| service.model);
        models.find(|model| protocol::signed_for(model, incoming))
    }

    /// Answers a request whose body could not be read.
    pub(crate) fn refuse(
        &self,
        head: &Request<Bytes>,
        request_id: &str,
        error: &WireError,
    ) -> Response<Bytes> {
        protocol::failure(self.signed_for(&Incoming::from(head)), request_id, error)
    }

    fn authenticate(
        &self,
        request: &Request<Bytes>,
        service: &Service,
    ) -> Result<Signed, WireError> {
        let parts = RequestParts {
            method: request.method().as_str(),
            path: request.uri().path(),
            query: request.uri().query().unwrap_or_default(),
            headers: request.headers(),
            body: request.body(),
        };
        let expected = Expected {
            regions: self.regions.as_deref(),
            service: service.model.signing_name,
        };
        verify(&parts, &self.keys, &expected, self.clock.now())
            .map_err(|error| WireError::new(error.code(), error.status(), error.to_string()))
    }

    async fn health(&self) -> Response<Bytes> {
        let (status, body) = match self.health.check().await {
            Ok(()) => (StatusCode::OK, &b"{\"status\":\"ok\"}"[..]),
            Err(reason) => {
                tracing::error!(reason, "the health check failed");
                (
                    StatusCode::SERVICE_UNAVAILABLE,
                    &b"{\"status\":\"unavailable\"}"[..],
                )
            }
        };
        let mut headers = HeaderMap::new();
        headers.insert(
            header::CONTENT_TYPE,
            header::HeaderValue::from_static("application/json"),
        );
        let mut response = Response::new(Bytes::from_static(body));
        *response.status_mut() = status;
        *response.headers_mut() = headers;
        response
    }
}

/// Turns a panic below into a 500, so that one request cannot take its connection's other
/// requests with it.
async fn no_panic<T>(future: impl Future<Output = Result<T, WireError>>) -> Result<T, WireError> {
    let mut future = std::pin::pin!(future);
    std::future::poll_fn(|cx| {
        std::panic::catch_unwind(AssertUnwindSafe(|| future.as_mut().poll(cx)))
            .unwrap_or_else(|_| std::task::Poll::Ready(Err(WireError::internal())))
    })
    .await
}
