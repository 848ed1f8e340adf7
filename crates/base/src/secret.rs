use subtle::ConstantTimeEq;
use zeroize::Zeroizing;

/// A secret text: a secret access key, a session token.
///
/// It has no `Debug` and no `Display`, it is compared in constant time, and its memory is wiped
/// when it is dropped.
#[derive(Clone)]
pub struct Secret(Zeroizing<String>);

impl Secret {
    /// Takes the text over.
    pub fn new(text: String) -> Self {
        Self(Zeroizing::new(text))
    }

    /// The text itself: for computing with it, never for printing.
    pub fn expose(&self) -> &str {
        &self.0
    }

    /// Whether `other` is the same text; the time taken depends on the lengths only.
    pub fn matches(&self, other: &str) -> bool {
        self.0.as_bytes().ct_eq(other.as_bytes()).into()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_the_same_text_matches() {
        let secret = Secret::new("wJalrXUtnFEMI".to_owned());
        assert!(secret.matches("wJalrXUtnFEMI"));
        for other in ["", "wJalrXUtnFEM", "wJalrXUtnFEMi", "wJalrXUtnFEMII"] {
            assert!(!secret.matches(other), "{other:?}");
        }
    }
}
