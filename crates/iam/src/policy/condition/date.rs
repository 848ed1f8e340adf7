//! The dates of the `Date…` operators.

use base::Timestamp;

/// Reads an ISO 8601 date or date and time as the W3C profile has them (`2023-05`, `2023-05-16`,
/// `2023-05-16T20:33Z`, `2023-05-16T20:33:01.73+02:00`), or seconds since 1970. Without an offset
/// the time is UTC. Digits after the microsecond are ignored.
pub(super) fn parse(text: &str) -> Option<Timestamp> {
    Timestamp::parse_iso8601(text)
        .or_else(|| epoch_seconds(text))
        .or_else(|| completed(text))
}

fn epoch_seconds(text: &str) -> Option<Timestamp> {
    let (seconds, fraction) = text.split_once('.').unwrap_or((text, "0"));
    let digits = |text: &str| !text.is_empty() && text.bytes().all(|b| b.is_ascii_digit());
    if !digits(seconds.strip_prefix('-').unwrap_or(seconds)) || !digits(fraction) {
        return None;
    }
    let micros: i64 = format!("{fraction:0<6}").get(..6)?.parse().ok()?;
    let micros = if seconds.starts_with('-') {
        -micros
    } else {
        micros
    };
    let seconds: i64 = seconds.parse().ok()?;
    let whole = seconds.checked_mul(1_000_000)?;
    whole.checked_add(micros).map(Timestamp::from_unix_micros)
}

/// Reads the shorter forms by adding what they leave out.
fn completed(text: &str) -> Option<Timestamp> {
    let (date, time) = text.split_once('T').unwrap_or((text, "00:00:00Z"));
    let date = match date.len() {
        7 => format!("{date}-01"),
        _ => date.to_owned(),
    };
    let at = time.find(['Z', '+', '-']).unwrap_or(time.len());
    let (clock, offset) = time.split_at_checked(at)?;
    let seconds = if clock.len() == 5 { ":00" } else { "" };
    let offset = match offset {
        "" => "Z".to_owned(),
        _ => colon_in_offset(offset),
    };
    Timestamp::parse_iso8601(&format!("{date}T{clock}{seconds}{offset}"))
}

/// `+0200` as `+02:00`.
fn colon_in_offset(offset: &str) -> String {
    match offset.split_at_checked(3) {
        Some((hours, minutes)) if minutes.len() == 2 => format!("{hours}:{minutes}"),
        Some(_) | None => offset.to_owned(),
    }
}
