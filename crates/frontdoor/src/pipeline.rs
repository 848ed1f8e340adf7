//! The pipeline: one readable function with a fixed order.

use std::panic::AssertUnwindSafe;
use std::sync::Arc;

use base::{Clock, Entropy, Region, request_id};
use bytes::Bytes;
use http::{HeaderMap, Method, Request, Response, StatusCode, header};
use iam::sigv4::{Expected, RequestParts, verify};
use iam::{Caller, Keys};
use wire::aws_json;
use wire::error::WireError;
use wire::shape_check::shape_check;

use crate::access::{AccessRequest, AuthorizeAccess, Authorized};
use crate::operation::{RequestContext, Route, Scope, Service};

/// Says whether the server can serve: `Err` carries the reason for the log.
pub trait Health: Send + Sync {
    /// Checks what the server depends on.
    fn check(&self) -> impl Future<Output = Result<(), String>> + Send;
}

/// Everything a request meets before its operation. `K` is where the access keys are, `H` what
/// `GET /health` asks.
pub struct FrontDoor<K, H> {
    /// The Region that the credential scope must name.
    pub region: Region,
    /// What time it is.
    pub clock: Arc<dyn Clock>,
    /// Where request ids come from.
    pub entropy: Arc<dyn Entropy>,
    /// The access keys.
    pub keys: K,
    /// Who may do what.
    pub authority: Arc<dyn AuthorizeAccess>,
    /// The services behind this door.
    pub services: Vec<Service>,
    /// Whether the server can serve.
    pub health: H,
}

/// What the access log tells of a request, filled in as it becomes known.
#[derive(Default)]
struct LogEntry {
    operation: Option<&'static str>,
    caller: Option<Caller>,
}

impl<K: Keys + Send + Sync, H: Health> FrontDoor<K, H> {
    /// Answers one request. Never fails: whatever goes wrong is an answer.
    pub async fn handle(&self, request: Request<Bytes>) -> Response<Bytes> {
        if request.method() == Method::GET && request.uri().path() == "/health" {
            return self.health().await;
        }
        let received = self.clock.now();
        let request_id = request_id(self.entropy.as_ref());
        let mut log = LogEntry::default();
        let result = no_panic(self.pipeline(&request, &request_id, &mut log)).await;
        let response = match &result {
            Ok(body) => aws_json::success(&request_id, body.clone()),
            Err(error) => aws_json::failure(&request_id, error),
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
            error = result.as_ref().err().map(|error| error.code),
            micros,
            "request"
        );
        response
    }

    async fn pipeline(
        &self,
        request: &Request<Bytes>,
        request_id: &str,
        log: &mut LogEntry,
    ) -> Result<Bytes, WireError> {
        let (service, route) = self.find(request)?;
        log.operation = Some(route.model.name);
        let caller = self.authenticate(request, service)?;
        log.caller = Some(caller.clone());
        let input = aws_json::parse_body(request.body())?;
        let input = shape_check(route.model.input, input)?;
        let access = AccessRequest {
            caller: &caller,
            action: route.action,
            service: service.model.signing_name,
        };
        let authorized = Authorized::obtain(self.authority.as_ref(), &access)?;
        let scope = Scope {
            region: self.region.clone(),
            account: caller.account().clone(),
        };
        let now = self.clock.now();
        if let Some(throttle) = &service.throttle {
            throttle.admit(&scope, route.model.name, &input, now)?;
        }
        let context = RequestContext {
            request_id: request_id.to_owned(),
            caller,
            scope,
            now,
            authorized,
        };
        (route.call)(context, input).await.map(Bytes::from)
    }

    fn find(&self, request: &Request<Bytes>) -> Result<(&Service, &Route), WireError> {
        if request.method() != Method::POST || request.uri().path() != "/" {
            return Err(WireError::unknown_operation());
        }
        self.services
            .iter()
            .find_map(|service| {
                let operation = aws_json::operation_name(service.model, request.headers())?;
                Some((service, service.route(operation)?))
            })
            .ok_or_else(WireError::unknown_operation)
    }

    fn authenticate(
        &self,
        request: &Request<Bytes>,
        service: &Service,
    ) -> Result<Caller, WireError> {
        let parts = RequestParts {
            method: request.method().as_str(),
            path: request.uri().path(),
            query: request.uri().query().unwrap_or_default(),
            headers: request.headers(),
            body: request.body(),
        };
        let expected = Expected {
            region: self.region.as_str(),
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
