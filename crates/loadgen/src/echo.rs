//! What a request costs when nothing is done with it.

use axum::body::Bytes;
use axum::http::StatusCode;
use axum::routing::post;
use axum::{Json, Router};
use serde_json::Value;
use tokio::net::TcpListener;

use crate::Fault;

/// Answers every request with its own JSON body, and says where, as `treeline serve` does.
pub(crate) async fn serve() -> Result<(), Fault> {
    let listener = TcpListener::bind("127.0.0.1:0").await?;
    println!("ready http={}", listener.local_addr()?);
    // Not axum's extractor, which refuses AWS's content type; it does no more than this.
    let echo = |body: Bytes| async move {
        serde_json::from_slice::<Value>(&body)
            .map(Json)
            .map_err(|_| StatusCode::BAD_REQUEST)
    };
    let router = Router::new().route("/", post(echo));
    Ok(axum::serve(listener, router).await?)
}
