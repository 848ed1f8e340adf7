use std::fmt;
use std::time::Duration;

use time::OffsetDateTime;
use time::format_description::well_known::Rfc3339;

/// What time it is. Time is an input everywhere below `server`.
pub trait Clock: Send + Sync {
    /// The time now.
    fn now(&self) -> Timestamp;
}

/// A point in time, in whole microseconds since 1970-01-01T00:00:00Z.
#[derive(Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Debug)]
pub struct Timestamp(i64);

impl Timestamp {
    /// The point `micros` microseconds after the epoch.
    pub const fn from_unix_micros(micros: i64) -> Self {
        Self(micros)
    }

    /// Microseconds since the epoch.
    pub const fn unix_micros(self) -> i64 {
        self.0
    }

    /// Whole seconds since the epoch, rounded down.
    pub const fn unix_seconds(self) -> i64 {
        self.0.div_euclid(1_000_000)
    }

    /// This point plus `duration`, or the last representable point.
    pub fn plus(self, duration: Duration) -> Self {
        Self(
            self.0
                .saturating_add(i64::try_from(duration.as_micros()).unwrap_or(i64::MAX)),
        )
    }

    /// ISO 8601 with up to six fraction digits and `Z`, trailing zeros dropped:
    /// `2023-05-16T20:33:01.730817Z`.
    pub fn to_iso8601(self) -> String {
        self.to_string()
    }

    /// Parses what [`Timestamp::to_iso8601`] writes, and any other RFC 3339 text.
    pub fn parse_iso8601(text: &str) -> Option<Self> {
        let at = OffsetDateTime::parse(text, &Rfc3339).ok()?;
        i64::try_from(at.unix_timestamp_nanos().div_euclid(1_000))
            .ok()
            .map(Self)
    }
}

impl fmt::Display for Timestamp {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let at = OffsetDateTime::from_unix_timestamp_nanos(i128::from(self.0) * 1_000)
            .unwrap_or(OffsetDateTime::UNIX_EPOCH);
        let (year, month, day) = at.to_calendar_date();
        let (hour, minute, second, micro) = at.to_hms_micro();
        let month = u8::from(month);
        write!(
            f,
            "{year:04}-{month:02}-{day:02}T{hour:02}:{minute:02}:{second:02}"
        )?;
        if micro != 0 {
            let digits = format!("{micro:06}");
            write!(f, ".{}", digits.trim_end_matches('0'))?;
        }
        f.write_str("Z")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn iso8601_drops_trailing_zeros() {
        for (micros, text) in [
            (0, "1970-01-01T00:00:00Z"),
            (1_684_269_181_730_817, "2023-05-16T20:33:01.730817Z"),
            (1_684_269_181_730_800, "2023-05-16T20:33:01.7308Z"),
            (1_684_269_181_000_001, "2023-05-16T20:33:01.000001Z"),
            (-1, "1969-12-31T23:59:59.999999Z"),
        ] {
            assert_eq!(Timestamp::from_unix_micros(micros).to_iso8601(), text);
            assert_eq!(
                Timestamp::parse_iso8601(text),
                Some(Timestamp::from_unix_micros(micros))
            );
        }
    }

    #[test]
    fn other_texts_are_no_timestamp() {
        for text in ["", "now", "2023-05-16", "1684269181"] {
            assert_eq!(Timestamp::parse_iso8601(text), None, "{text:?}");
        }
    }
}
