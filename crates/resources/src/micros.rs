//! Timestamps in records: microseconds since the epoch, as an integer.
//!
//! For `#[serde(with = "resources::micros")]`, and `resources::micros::option` where there may be
//! none.

use base::Timestamp;
use serde::{Deserialize, Deserializer, Serializer};

/// Writes a timestamp.
///
/// # Errors
/// The serializer's.
pub fn serialize<S: Serializer>(at: &Timestamp, serializer: S) -> Result<S::Ok, S::Error> {
    serializer.serialize_i64(at.unix_micros())
}

/// Reads a timestamp.
///
/// # Errors
/// The deserializer's, if it is no integer.
pub fn deserialize<'de, D: Deserializer<'de>>(from: D) -> Result<Timestamp, D::Error> {
    i64::deserialize(from).map(Timestamp::from_unix_micros)
}

/// The same for timestamps that may be absent.
pub mod option {
    use base::Timestamp;
    use serde::{Deserialize, Deserializer, Serialize, Serializer};

    /// Writes a timestamp or `null`.
    ///
    /// # Errors
    /// The serializer's.
    pub fn serialize<S: Serializer>(
        at: &Option<Timestamp>,
        serializer: S,
    ) -> Result<S::Ok, S::Error> {
        at.map(Timestamp::unix_micros).serialize(serializer)
    }

    /// Reads a timestamp or `null`.
    ///
    /// # Errors
    /// The deserializer's, if it is neither `null` nor an integer.
    pub fn deserialize<'de, D: Deserializer<'de>>(from: D) -> Result<Option<Timestamp>, D::Error> {
        let micros = Option::<i64>::deserialize(from)?;
        Ok(micros.map(Timestamp::from_unix_micros))
    }
}
