use std::fmt;
use std::sync::Arc;

use aws_smithy_runtime_api::client::http::{
    HttpClient, HttpConnector, HttpConnectorFuture, HttpConnectorSettings, SharedHttpConnector,
};
use aws_smithy_runtime_api::client::orchestrator::{HttpRequest, HttpResponse};
use aws_smithy_runtime_api::client::result::ConnectorError;
use aws_smithy_runtime_api::client::runtime_components::RuntimeComponents;
use aws_smithy_types::body::SdkBody;
use bytes::Bytes;
use iam::condition_keys::Network;

use crate::app::Door;

/// Hands the SDK's requests to the front door, as they would come from a socket.
#[derive(Clone)]
pub(crate) struct InProcess {
    pub(crate) door: Arc<Door>,
    /// Where the requests come from.
    pub(crate) network: Arc<Network>,
}

impl fmt::Debug for InProcess {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("InProcess")
    }
}

impl HttpConnector for InProcess {
    fn call(&self, request: HttpRequest) -> HttpConnectorFuture {
        let Self { door, network } = self.clone();
        HttpConnectorFuture::new(async move {
            let request = request.try_into_http1x().map_err(other)?;
            let (mut parts, body) = request.into_parts();
            // The way a client library makes the request line and the host header of HTTP/1.1.
            if let Some(host) = parts.uri.authority() {
                let host = http::HeaderValue::from_str(host.as_str()).map_err(other)?;
                parts.headers.entry(http::header::HOST).or_insert(host);
            }
            let body = Bytes::copy_from_slice(body.bytes().unwrap_or_default());
            let request = http::Request::from_parts(parts, body);
            let response = door.handle(request, &network).await;
            HttpResponse::try_from(response.map(SdkBody::from)).map_err(other)
        })
    }
}

impl HttpClient for InProcess {
    fn http_connector(
        &self,
        _: &HttpConnectorSettings,
        _: &RuntimeComponents,
    ) -> SharedHttpConnector {
        SharedHttpConnector::new(self.clone())
    }
}

fn other(error: impl Into<Box<dyn std::error::Error + Send + Sync>>) -> ConnectorError {
    ConnectorError::other(error.into(), None)
}
