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
    in_base58(bytes)
}

/// Resource ids in ascending order from a random one, for many resources that are made at once:
/// neighbours in an index are written together. 88 bits are random, and the same for all.
pub struct ResourceIds(u128);

impl ResourceIds {
    /// The bits that count.
    const COUNTING: u32 = 40;

    /// Ids that no others share.
    pub fn new(entropy: &dyn Entropy) -> Self {
        let mut bytes = [0; 16];
        entropy.fill(&mut bytes);
        Self(u128::from_be_bytes(bytes) >> Self::COUNTING << Self::COUNTING)
    }
}

impl Iterator for ResourceIds {
    type Item = String;

    fn next(&mut self) -> Option<String> {
        let id = in_base58(self.0.to_be_bytes());
        self.0 = self.0.checked_add(1)?;
        Some(id)
    }
}

fn in_base58(bytes: [u8; 16]) -> String {
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
    fn resource_ids_ascend_and_look_like_any() {
        for byte in [0, 1, 0x7f, 0xfe] {
            let ids: Vec<_> = ResourceIds::new(&Fixed(byte)).take(300).collect();
            assert!(ids.is_sorted_by(|one, next| one < next), "{ids:?}");
            assert!(ids.iter().all(|id| id.len() == 22), "{ids:?}");
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
