//! The two spellings of a time that a signed request may carry.

use base::Timestamp;

/// The time of a request: parsed, and as it stands in the string to sign.
pub(super) struct RequestTime {
    pub(super) at: Timestamp,
    /// `YYYYMMDDTHHMMSSZ`.
    pub(super) basic: String,
}

impl RequestTime {
    /// Reads ISO 8601 basic format, or the format of HTTP's `Date` header. Both have whole
    /// seconds and are in UTC.
    pub(super) fn parse(text: &str) -> Option<Self> {
        if let Some(at) = parse_basic(text) {
            let basic = text.to_owned();
            return Some(Self { at, basic });
        }
        let at = parse_http(text)?;
        let basic = basic(at);
        Some(Self { at, basic })
    }

    /// `YYYYMMDD`, which the credential scope repeats.
    pub(super) fn day(&self) -> &str {
        self.basic.get(..8).unwrap_or_default()
    }
}

/// `YYYYMMDDTHHMMSSZ`, fractions of a second dropped.
pub(super) fn basic(at: Timestamp) -> String {
    let seconds = Timestamp::from_unix_micros(at.unix_seconds().saturating_mul(1_000_000));
    seconds.to_iso8601().replace(['-', ':'], "")
}

fn parse_basic(text: &str) -> Option<Timestamp> {
    if text.len() != 16 || text.get(8..9)? != "T" || text.get(15..)? != "Z" {
        return None;
    }
    let (year, month, day) = (text.get(..4)?, text.get(4..6)?, text.get(6..8)?);
    let (hour, minute, second) = (text.get(9..11)?, text.get(11..13)?, text.get(13..15)?);
    whole_second(&format!("{year}-{month}-{day}T{hour}:{minute}:{second}Z"))
}

/// `Sun, 30 Aug 2015 12:36:00 GMT`; the name of the day is not checked.
fn parse_http(text: &str) -> Option<Timestamp> {
    const MONTHS: [&str; 12] = [
        "Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec",
    ];
    let (_, date) = text.split_once(", ")?;
    let mut words = date.split(' ');
    let (day, month, year, clock) = (words.next()?, words.next()?, words.next()?, words.next()?);
    if words.next()? != "GMT" || words.next().is_some() {
        return None;
    }
    let month = MONTHS.iter().position(|name| *name == month)? + 1;
    whole_second(&format!("{year}-{month:02}-{day}T{clock}Z"))
}

fn whole_second(iso8601: &str) -> Option<Timestamp> {
    let at = Timestamp::parse_iso8601(iso8601)?;
    // A leap second (`:60`) has no place in the string to sign.
    (at.unix_micros() % 1_000_000 == 0).then_some(at)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn both_spellings_are_read() {
        for text in ["20150830T123600Z", "Sun, 30 Aug 2015 12:36:00 GMT"] {
            let time = RequestTime::parse(text).unwrap();
            assert_eq!(time.at.unix_seconds(), 1_440_938_160, "{text}");
            assert_eq!(time.basic, "20150830T123600Z");
            assert_eq!(time.day(), "20150830");
        }
    }

    #[test]
    fn other_spellings_are_not() {
        for text in [
            "",
            "201",
            "20150830",
            "20150830T123600",
            "20150830T123600z",
            "20150830t123600Z",
            "2015-08-30T12:36:00Z",
            "20151330T123600Z",
            "20150230T123600Z",
            "20150830T243600Z",
            "20150830T12360aZ",
            "20161231T235960Z",
            "+0150830T123600Z",
            "2015é830T12360Z",
            "Sun, 30 Aug 2015 12:36:00 PST",
            "Sun, 30 Aug 2015 12:36:00 GMT ",
            "Sun, 30 Agu 2015 12:36:00 GMT",
            "Sun, 30 Aug 2015 12:36:00.5 GMT",
            "Sun, 30-Aug-15 12:36:00 GMT",
        ] {
            assert!(RequestTime::parse(text).is_none(), "{text:?}");
        }
    }
}
