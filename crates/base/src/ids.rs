/// A source of random bytes. Ids are inputs of the services: tests pass a seeded one.
pub trait Entropy: Send + Sync {
    /// Fills `bytes` with random bytes.
    fn fill(&self, bytes: &mut [u8]);
}

/// A new resource id: 128 random bits in base58, always 22 characters, as the ids of policy
/// stores, policies and templates look.
pub fn resource_id(entropy: &dyn Entropy) -> String {
    let mut bytes = [0; 16];
    entropy.fill(&mut bytes);
    let text = bs58::encode(bytes).into_string();
    // '1' is the zero of base58.
    format!("{text:1>22}")
}

/// A new request id: a random (version 4) UUID, as in `x-amzn-requestid`.
pub fn request_id(entropy: &dyn Entropy) -> String {
    let mut bytes = [0; 16];
    entropy.fill(&mut bytes);
    let bits = u128::from_be_bytes(bytes);
    let bits = bits & !(0xf << 76) | (0x4 << 76);
    let bits = bits & !(0x3 << 62) | (0x2 << 62);
    let hex = format!("{bits:032x}");
    let mut uuid = String::with_capacity(36);
    for (at, digit) in hex.chars().enumerate() {
        if matches!(at, 8 | 12 | 16 | 20) {
            uuid.push('-');
        }
        uuid.push(digit);
    }
    uuid
}

#[cfg(test)]
mod tests {
    use super::*;

    struct Fixed(u8);

    impl Entropy for Fixed {
        fn fill(&self, bytes: &mut [u8]) {
            bytes.fill(self.0);
        }
    }

    #[test]
    fn a_resource_id_has_22_characters_of_base58() {
        for byte in 0..=255 {
            let id = resource_id(&Fixed(byte));
            assert_eq!(id.len(), 22, "{id}");
            assert!(
                id.chars()
                    .all(|c| c.is_ascii_alphanumeric() && !"0OIl".contains(c)),
                "{id}"
            );
        }
    }

    #[test]
    fn a_request_id_is_a_version_4_uuid() {
        assert_eq!(
            request_id(&Fixed(0xff)),
            "ffffffff-ffff-4fff-bfff-ffffffffffff"
        );
        assert_eq!(
            request_id(&Fixed(0)),
            "00000000-0000-4000-8000-000000000000"
        );
    }
}
