//! One document from a provider: HTTP/1.1, without cookies, proxies or compression.

use std::pin::pin;
use std::time::{Duration, UNIX_EPOCH};

use base::Timestamp;
use bytes::Bytes;
use headers::{Age, CacheControl, Date, Expires, HeaderMapExt};
use http::header::{ACCEPT, CONTENT_ENCODING, HOST, LOCATION, USER_AGENT};
use http::uri::PathAndQuery;
use http::{HeaderMap, Request, Response, StatusCode, Uri};
use http_body_util::{BodyExt, Empty, LengthLimitError, Limited};
use hyper::body::Incoming;
use hyper::client::conn::http1;
use hyper_util::rt::TokioIo;

use crate::connect::Connector;
use crate::error::Reason;

/// Bytes of a response's head.
const HEAD: usize = 16 * 1024;

/// How long a document may be used, whatever its provider says.
const LIFETIME: (Duration, Duration) = (Duration::from_secs(60), Duration::from_secs(24 * 3_600));

/// How long a document may be used of which its provider does not say.
const DEFAULT_LIFETIME: Duration = Duration::from_secs(3_600);

/// A document, and for how long it may be used.
pub(crate) struct Fetched {
    pub(crate) body: Bytes,
    pub(crate) lifetime: Duration,
}

/// Fetches `url`, following at most `redirects`, with a body of at most `most` bytes. How long that
/// may take is up to the caller.
pub(crate) async fn fetch(
    connector: &Connector,
    url: Uri,
    redirects: usize,
    most: usize,
    now: Timestamp,
) -> Result<Fetched, Reason> {
    let mut url = url;
    for _ in 0..=redirects {
        connector.network().check(&url)?;
        match exchange(connector, &url, most, now).await? {
            Answer::Document(document) => return Ok(document),
            Answer::Elsewhere(location) => url = location,
        }
    }
    Err(Reason::Redirects)
}

enum Answer {
    Document(Fetched),
    Elsewhere(Uri),
}

async fn exchange(
    connector: &Connector,
    url: &Uri,
    most: usize,
    now: Timestamp,
) -> Result<Answer, Reason> {
    let stream = connector.connect(url).await?;
    let (mut sender, connection) = http1::Builder::new()
        .max_buf_size(HEAD)
        .handshake(TokioIo::new(stream))
        .await
        .map_err(|_| Reason::Http)?;
    let request = request(url)?;
    let mut answer = pin!(async {
        let response = sender
            .send_request(request)
            .await
            .map_err(|error| failure(&error))?;
        read(response, url, most, now).await
    });
    // The connection ends with this function, whatever comes of it.
    tokio::select! {
        answer = &mut answer => answer,
        _ = connection => answer.await,
    }
}

fn request(url: &Uri) -> Result<Request<Empty<Bytes>>, Reason> {
    let authority = url.authority().ok_or(Reason::Url)?;
    let path = url.path_and_query().map_or("/", PathAndQuery::as_str);
    Request::get(path)
        .header(HOST, authority.as_str())
        .header(ACCEPT, "application/json")
        .header(USER_AGENT, "treeline")
        .body(Empty::new())
        .map_err(|_| Reason::Url)
}

async fn read(
    response: Response<Incoming>,
    url: &Uri,
    most: usize,
    now: Timestamp,
) -> Result<Answer, Reason> {
    let (head, body) = response.into_parts();
    match head.status {
        StatusCode::OK => {}
        StatusCode::MOVED_PERMANENTLY
        | StatusCode::FOUND
        | StatusCode::SEE_OTHER
        | StatusCode::TEMPORARY_REDIRECT
        | StatusCode::PERMANENT_REDIRECT => {
            return elsewhere(&head.headers, url).map(Answer::Elsewhere);
        }
        other => return Err(Reason::Status(other.as_u16())),
    }
    let encoding = head.headers.get(CONTENT_ENCODING);
    if encoding.is_some_and(|encoding| encoding != "identity") {
        return Err(Reason::Encoding);
    }
    let collected = Limited::new(body, most).collect().await;
    let body = collected.map_err(|error| match error.is::<LengthLimitError>() {
        true => Reason::TooLarge,
        false => Reason::Http,
    })?;
    Ok(Answer::Document(Fetched {
        body: body.to_bytes(),
        lifetime: lifetime(&head.headers, now),
    }))
}

/// Where a redirect leads: an absolute URL, or a path at the same place.
fn elsewhere(headers: &HeaderMap, url: &Uri) -> Result<Uri, Reason> {
    let location = headers.get(LOCATION).and_then(|value| value.to_str().ok());
    let location = location.ok_or(Reason::Redirect)?;
    let (Some(scheme), Some(authority)) = (url.scheme(), url.authority()) else {
        return Err(Reason::Url);
    };
    let absolute = match location.starts_with('/') && !location.starts_with("//") {
        true => format!("{scheme}://{authority}{location}"),
        false => location.to_owned(),
    };
    absolute.parse().map_err(|_| Reason::Redirect)
}

fn failure(error: &hyper::Error) -> Reason {
    match error.is_parse() || error.is_parse_too_large() {
        true => Reason::Http,
        false => Reason::Connection,
    }
}

/// For how long a document may be used: RFC 9111, sections 4.2.1 and 4.2.3, within bounds.
fn lifetime(headers: &HeaderMap, now: Timestamp) -> Duration {
    let control = headers.typed_get::<CacheControl>();
    let never = control
        .as_ref()
        .is_some_and(|c| c.no_store() || c.no_cache());
    let stated = match control.and_then(|control| control.max_age()) {
        _ if never => Some(Duration::ZERO),
        Some(age) => Some(age),
        None => headers.typed_get::<Expires>().map(|expires| {
            let now = UNIX_EPOCH + Duration::from_micros(now.unix_micros().max(0).unsigned_abs());
            let date = headers.typed_get::<Date>().map_or(now, Into::into);
            let expires = std::time::SystemTime::from(expires);
            expires.duration_since(date).unwrap_or_default()
        }),
    };
    let age = headers.typed_get::<Age>().map_or(0, |age| age.as_secs());
    let (least, most) = LIFETIME;
    stated
        .map_or(DEFAULT_LIFETIME, |stated| {
            stated.saturating_sub(Duration::from_secs(age))
        })
        .clamp(least, most)
}
