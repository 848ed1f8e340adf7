//! The canonical request. It is hashed while it is written, so it never stands in memory.

use std::borrow::Cow;

use http::HeaderMap;
use percent_encoding::percent_encode;
use sha2::{Digest, Sha256};

use super::query::{Query, RESERVED};
use super::{AuthError, RequestParts};

/// The most headers that a signature may cover. SDKs sign about ten.
const MOST_SIGNED_HEADERS: usize = 100;

/// The names of the signed headers: in lower case and sorted, whatever order the request gives.
pub(super) struct SignedHeaders<'a>(Vec<Cow<'a, str>>);

impl<'a> SignedHeaders<'a> {
    /// Reads `host;x-amz-date`. A header that is named twice, or more than 100, would have anybody
    /// make the verifier hash the same bytes over and over.
    pub(super) fn parse(text: &'a str) -> Result<Self, AuthError> {
        if text.split(';').count() > MOST_SIGNED_HEADERS {
            return Err(AuthError::incomplete(
                "SignedHeaders names too many headers.",
            ));
        }
        let lower = |name: &'a str| match name.bytes().any(|b| b.is_ascii_uppercase()) {
            true => Cow::Owned(name.to_ascii_lowercase()),
            false => Cow::Borrowed(name),
        };
        let mut names: Vec<_> = text.split(';').map(lower).collect();
        names.sort_unstable();
        if names.windows(2).any(|pair| pair.first() == pair.last()) {
            return Err(AuthError::incomplete("SignedHeaders names a header twice."));
        }
        Ok(Self(names))
    }

    /// Whether the host is signed, under its name in HTTP/1 or in HTTP/2.
    pub(super) fn include_host(&self) -> bool {
        self.include("host") || self.include(":authority")
    }

    /// Whether the header `name`, which is in lower case, is signed.
    pub(super) fn include(&self, name: &str) -> bool {
        self.0.iter().any(|signed| signed == name)
    }
}

/// SHA-256 of the canonical request. `payload` is the last line; parameters of the query that are
/// named in `unsigned` are left out.
///
/// Source: AWS IAM User Guide, "Create a signed AWS API request", step "Create a canonical
/// request", for services other than Amazon S3: the path is normalized and encoded once more.
pub(super) fn request_hash(
    parts: &RequestParts<'_>,
    query: &Query<'_>,
    unsigned: &[&str],
    signed_headers: &SignedHeaders<'_>,
    payload: &[u8],
) -> [u8; 32] {
    let mut hash = Sha256::new();
    hash.update(parts.method);
    hash.update("\n");
    write_path(&mut hash, parts.path);
    hash.update("\n");
    write_query(&mut hash, query, unsigned);
    hash.update("\n");
    for name in &signed_headers.0 {
        write_header(&mut hash, name, parts.headers);
    }
    hash.update("\n");
    for (at, name) in signed_headers.0.iter().enumerate() {
        hash.update(if at == 0 { "" } else { ";" });
        hash.update(name.as_bytes());
    }
    hash.update("\n");
    hash.update(payload);
    hash.finalize().into()
}

/// The path without dot segments (RFC 3986, section 5.2.4) and without empty segments, each
/// segment percent-encoded on top of the encoding that it came with.
fn write_path(hash: &mut Sha256, path: &str) {
    let mut segments = Vec::new();
    let mut directory = true;
    for segment in path.split('/') {
        directory = matches!(segment, "" | "." | "..");
        match segment {
            "" | "." => {}
            ".." => {
                segments.pop();
            }
            name => segments.push(name),
        }
    }
    for segment in &segments {
        hash.update("/");
        percent_encode(segment.as_bytes(), RESERVED).for_each(|piece| hash.update(piece));
    }
    if directory || segments.is_empty() {
        hash.update("/");
    }
}

fn write_query(hash: &mut Sha256, query: &Query<'_>, unsigned: &[&str]) {
    let signed = query.iter().filter(|(name, _)| !unsigned.contains(name));
    for (at, (name, value)) in signed.enumerate() {
        hash.update(if at == 0 { "" } else { "&" });
        hash.update(name);
        hash.update("=");
        hash.update(value);
    }
}

/// `name:value,value`, runs of white space as one space. A header that is not there is empty.
fn write_header(hash: &mut Sha256, name: &str, headers: &HeaderMap) {
    hash.update(name);
    hash.update(":");
    let sent_as = if name == ":authority" { "host" } else { name };
    for (at, value) in headers.get_all(sent_as).iter().enumerate() {
        hash.update(if at == 0 { "" } else { "," });
        let words = value.as_bytes().split(|b| matches!(b, b' ' | b'\t'));
        for (at, word) in words.filter(|word| !word.is_empty()).enumerate() {
            hash.update(if at == 0 { "" } else { " " });
            hash.update(word);
        }
    }
    hash.update("\n");
}

#[cfg(test)]
mod tests {
    use super::*;

    fn sha256(text: &str) -> Sha256 {
        Sha256::new().chain_update(text)
    }

    #[test]
    fn paths_are_normalized_and_encoded() {
        for (raw, canonical) in [
            ("", "/"),
            ("/", "/"),
            ("//", "/"),
            ("*", "/%2A"),
            ("/a/b", "/a/b"),
            ("/a/b/", "/a/b/"),
            ("/a//b", "/a/b"),
            ("/./a/./b", "/a/b"),
            ("/a/b/.", "/a/b/"),
            ("/a/b/..", "/a/"),
            ("/a/../..", "/"),
            ("/../../a", "/a"),
            ("/..a/.b", "/..a/.b"),
            ("/a%20b", "/a%2520b"),
            ("/arn%3Aaws", "/arn%253Aaws"),
            ("/@:~-_.", "/%40%3A~-_."),
            ("/ሴ", "/%E1%88%B4"),
        ] {
            let mut hash = Sha256::new();
            write_path(&mut hash, raw);
            assert_eq!(hash.finalize(), sha256(canonical).finalize(), "{raw}");
        }
    }

    #[test]
    fn headers_are_joined_and_folded() {
        let mut headers = HeaderMap::new();
        for (name, value) in [
            ("a", &b"  x \t y  "[..]),
            ("a", b""),
            ("a", b"z"),
            ("bytes", b"\xff\xfe"),
            ("host", b"example.com:80"),
        ] {
            headers.append(name, http::HeaderValue::from_bytes(value).unwrap());
        }
        for (name, line) in [
            ("a", &b"a:x y,,z\n"[..]),
            ("bytes", b"bytes:\xff\xfe\n"),
            ("absent", b"absent:\n"),
            (":authority", b":authority:example.com:80\n"),
            ("no header name", b"no header name:\n"),
            ("", b":\n"),
        ] {
            let mut hash = Sha256::new();
            write_header(&mut hash, name, &headers);
            assert_eq!(hash.finalize(), Sha256::digest(line), "{name}");
        }
    }

    #[test]
    fn signed_headers_are_sorted_in_lower_case() {
        let names = SignedHeaders::parse("x-amz-date;Host").unwrap();
        assert_eq!(names.0, ["host", "x-amz-date"]);
        assert!(names.include_host());
        assert!(SignedHeaders::parse(":authority").unwrap().include_host());
        assert!(
            !SignedHeaders::parse("x-amz-date;hostess;")
                .unwrap()
                .include_host()
        );
    }
}
