//! Mutated requests: never a panic, and never accepted unless they mean the same.

use http::{HeaderName, HeaderValue};

use crate::support::{OneKey, Request, SIGNED_AT, in_headers, in_query, sdk_call};

/// A small deterministic generator (xorshift).
struct Random(u64);

impl Random {
    fn below(&mut self, end: usize) -> usize {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        usize::try_from(self.0 % end as u64).unwrap()
    }

    fn byte(&mut self) -> u8 {
        const ODD: &[u8] = b"\0\t \"%&'+,-./0:;=?AZaz\x7f\x80\xc3\xff";
        ODD[self.below(ODD.len())]
    }

    /// Changes, inserts, removes or repeats a few bytes.
    fn mutate(&mut self, bytes: &mut Vec<u8>) {
        for _ in 0..=self.below(3) {
            let at = self.below(bytes.len() + 1);
            let end = (at + self.below(12)).min(bytes.len());
            match self.below(4) {
                0 if at < bytes.len() => bytes[at] = self.byte(),
                1 => bytes.insert(at, self.byte()),
                2 => drop(bytes.drain(at..end)),
                _ => {
                    let piece = bytes[at..end].to_vec();
                    bytes.splice(at..at, piece);
                }
            }
        }
    }

    fn mutate_text(&mut self, text: &mut String) {
        let mut bytes = text.clone().into_bytes();
        self.mutate(&mut bytes);
        *text = String::from_utf8_lossy(&bytes).into_owned();
    }

    fn mutate_header(&mut self, request: &mut Request) {
        let names: Vec<HeaderName> = request.headers.keys().cloned().collect();
        let name = names[self.below(names.len())].clone();
        let mut value = request.headers[&name].as_bytes().to_vec();
        self.mutate(&mut value);
        if let Ok(value) = HeaderValue::from_bytes(&value) {
            match self.below(4) {
                0 => drop(request.headers.append(name, value)),
                1 => drop(request.headers.remove(name)),
                _ => drop(request.headers.insert(name, value)),
            }
        }
    }
}

#[test]
fn mutated_requests_neither_panic_nor_pass_with_another_body_or_method() {
    let keys = OneKey::new(Some(("token/+=", SIGNED_AT + 60)));
    let mut random = Random(0x9e37_79b9_7f4a_7c15);
    let (mut refused, mut accepted) = (0, 0);
    for settings in [in_headers(), in_query(900)] {
        let mut call = sdk_call();
        call.query = "a=b%20c&d".to_owned();
        let signed = call.sign(Some("token/+="), settings);
        assert!(signed.verify(&keys, SIGNED_AT).is_ok());
        for _ in 0..5_000 {
            let mut request = signed.clone();
            for _ in 0..=random.below(2) {
                match random.below(6) {
                    0 => random.mutate_text(&mut request.method),
                    1 => random.mutate_text(&mut request.path),
                    2 => random.mutate_text(&mut request.query),
                    3 => random.mutate(&mut request.body),
                    _ => random.mutate_header(&mut request),
                }
            }
            match request.verify(&keys, SIGNED_AT) {
                Ok(_) => {
                    accepted += 1;
                    assert_eq!(
                        (&request.method, &request.body),
                        (&signed.method, &signed.body)
                    );
                }
                Err(error) => {
                    refused += 1;
                    assert!(!error.to_string().is_empty());
                }
            }
        }
    }
    // Some mutations change nothing that is signed: both answers must occur.
    assert!(
        refused > 5_000 && accepted > 25,
        "{refused} refused, {accepted} accepted"
    );
}

#[test]
fn requests_of_random_bytes_do_not_panic() {
    const WORDS: [&str; 16] = [
        "AWS4-HMAC-SHA256",
        "Credential=",
        "Signature=",
        "SignedHeaders=",
        "host",
        "x-amz-date",
        "/",
        "20150830",
        "20150830T123600Z",
        "us-east-1",
        "service",
        "aws4_request",
        ";",
        ", ",
        "%2F",
        "X-Amz-Credential=AKIDEXAMPLE%2F20150830%2Fus-east-1%2Fservice%2Faws4_request&",
    ];
    let keys = OneKey::new(None);
    let mut random = Random(42);
    for _ in 0..5_000 {
        let mut text = || {
            let mut bytes = Vec::new();
            for _ in 0..random.below(12) {
                bytes.extend_from_slice(WORDS[random.below(WORDS.len())].as_bytes());
                bytes.push(random.byte());
            }
            bytes
        };
        let (path, query) = (text(), text());
        let target = format!(
            "{}?{}",
            String::from_utf8_lossy(&path),
            String::from_utf8_lossy(&query)
        );
        let mut request = Request::new("GET", &target, &[("host", "h")], b"");
        for name in [
            "authorization",
            "x-amz-date",
            "date",
            "x-amz-security-token",
        ] {
            if let Ok(value) = HeaderValue::from_bytes(&text()) {
                request.headers.insert(name, value);
            }
        }
        assert!(request.verify(&keys, SIGNED_AT).is_err());
    }
}
