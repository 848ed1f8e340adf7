//! The numbers of the `Numeric…` operators.

use std::cmp::Ordering;

/// A decimal number. Integers are compared exactly, others as floating-point numbers.
#[derive(Clone, Copy, Debug)]
pub(super) struct Number {
    integer: Option<i128>,
    float: f64,
}

impl Number {
    /// Reads an integer or a decimal number, perhaps with an exponent.
    pub(super) fn parse(text: &str) -> Option<Self> {
        let numeric = |b: u8| b.is_ascii_digit() || matches!(b, b'+' | b'-' | b'.' | b'e' | b'E');
        // Rust would also read `inf` and `nan`.
        if !text.bytes().all(numeric) {
            return None;
        }
        Some(Self {
            integer: text.parse().ok(),
            float: text.parse().ok()?,
        })
    }
}

impl PartialEq for Number {
    fn eq(&self, other: &Self) -> bool {
        self.partial_cmp(other) == Some(Ordering::Equal)
    }
}

impl PartialOrd for Number {
    fn partial_cmp(&self, other: &Self) -> Option<Ordering> {
        match (self.integer, other.integer) {
            (Some(left), Some(right)) => Some(left.cmp(&right)),
            (Some(_), None) | (None, Some(_)) | (None, None) => {
                self.float.partial_cmp(&other.float)
            }
        }
    }
}
