use hmac::{Hmac, KeyInit, Mac};
use sha2::Sha256;
use subtle::ConstantTimeEq;
use zeroize::Zeroizing;

/// What a server seals its security tokens with: 32 random bytes. Who knows them can make
/// credentials of every role. It has no `Debug`, and its memory is wiped when it is dropped.
pub struct SessionKey(Zeroizing<[u8; 32]>);

/// What a code is for; no two uses give the same one.
#[derive(Clone, Copy)]
pub(super) enum Purpose {
    /// It seals a token.
    Token,
    /// It is the secret access key.
    Secret,
}

impl SessionKey {
    /// Takes the bytes over.
    pub fn new(bytes: [u8; 32]) -> Self {
        Self(Zeroizing::new(bytes))
    }

    /// The HMAC-SHA256 of an access key id and the body of its token. A body has no zero byte, so
    /// it is clear where the id ends.
    pub(super) fn code(
        &self,
        purpose: Purpose,
        access_key_id: &str,
        body: &[u8],
    ) -> Zeroizing<[u8; 32]> {
        let tag: &[u8] = match purpose {
            Purpose::Token => b"treeline/session/token\0",
            Purpose::Secret => b"treeline/session/secret\0",
        };
        #[expect(
            clippy::expect_used,
            reason = "HMAC takes keys of every length: RFC 2104, section 2"
        )]
        let mut mac = Hmac::<Sha256>::new_from_slice(&*self.0).expect("every key length is valid");
        for piece in [tag, access_key_id.as_bytes(), b"\0", body] {
            mac.update(piece);
        }
        Zeroizing::new(mac.finalize().into_bytes().into())
    }

    /// Whether `code` seals the token. Takes the same time for every wrong code.
    pub(super) fn seals(&self, access_key_id: &str, body: &[u8], code: &[u8; 32]) -> bool {
        let expected = self.code(Purpose::Token, access_key_id, body);
        expected.as_slice().ct_eq(code).into()
    }
}
