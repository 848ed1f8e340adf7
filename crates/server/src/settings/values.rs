//! The values of settings that have a form of their own.

use std::convert::Infallible;
use std::fmt;
use std::str::FromStr;
use std::time::Duration;

use base::Secret;
use frontdoor::{InvalidListener, Listener};
use gateway::{InvalidRule, Rule};
use tracing_subscriber::filter::{LevelFilter, Targets};

/// Values, separated by spaces.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Words<T>(pub(crate) Vec<T>);

impl<T: FromStr> FromStr for Words<T> {
    type Err = T::Err;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let values = text.split_whitespace().map(str::parse);
        values.collect::<Result<_, _>>().map(Self)
    }
}

/// Rules of conflicts that are brought about on purpose, separated by `;`.
#[derive(Clone, Default, Debug, PartialEq)]
pub(crate) struct FaultRules(pub(crate) Vec<Rule>);

impl FromStr for FaultRules {
    type Err = InvalidRule;

    fn from_str(text: &str) -> Result<Self, InvalidRule> {
        let rules = text.split(';').map(str::trim);
        let rules = rules.filter(|rule| !rule.is_empty()).map(str::parse);
        rules.collect::<Result<_, _>>().map(Self)
    }
}

/// A listener, or none.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct PostgresListener(pub(crate) Option<Listener>);

impl FromStr for PostgresListener {
    type Err = InvalidListener;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        if text == "off" {
            return Ok(Self(None));
        }
        text.parse().map(|listener| Self(Some(listener)))
    }
}

/// Where an external PostgreSQL is, with a password.
#[derive(Clone)]
pub(crate) struct ConnectionString(pub(crate) Secret);

impl PartialEq for ConnectionString {
    fn eq(&self, other: &Self) -> bool {
        self.0.matches(other.0.expose())
    }
}

impl fmt::Debug for ConnectionString {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("ConnectionString")
    }
}

impl FromStr for ConnectionString {
    type Err = Infallible;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        Ok(Self(Secret::new(text.to_owned())))
    }
}

/// A length of time in seconds, with decimals.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) struct Seconds(pub(crate) Duration);

impl FromStr for Seconds {
    type Err = &'static str;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        /// A century: no sum with the present overflows.
        const MOST: f64 = 3_155_760_000.0;
        let seconds = text.parse::<f64>().ok();
        seconds
            .filter(|seconds| (0.0..=MOST).contains(seconds))
            .map(|seconds| Self(Duration::from_secs_f64(seconds)))
            .ok_or("must be a number of seconds like `2` or `0.5`")
    }
}

/// The end of a host name.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Domain(pub(crate) String);

impl FromStr for Domain {
    type Err = &'static str;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let label = |label: &str| {
            !label.is_empty()
                && label
                    .bytes()
                    .all(|b| b.is_ascii_alphanumeric() || b == b'-')
        };
        if text.len() <= 190 && text.split('.').all(label) {
            Ok(Self(text.to_owned()))
        } else {
            Err("must be a domain like `on.aws` or `db.example.com`")
        }
    }
}

/// What is logged: a level, and levels of modules.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct LogFilter(pub(crate) Targets);

/// The text was not a list of levels.
#[derive(Debug)]
pub(crate) struct InvalidLogFilter;

impl FromStr for LogFilter {
    type Err = InvalidLogFilter;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        // `Targets` takes a word alone for a module, and so a misspelt level too; nothing for a level.
        let level = |part: &str| !part.is_empty() && part.parse::<LevelFilter>().is_ok();
        let clear = |part: &str| part.contains('=') || level(part);
        if !text.split(',').all(clear) {
            return Err(InvalidLogFilter);
        }
        text.parse().map(Self).map_err(|_| InvalidLogFilter)
    }
}

impl Default for LogFilter {
    fn default() -> Self {
        Self(Targets::new().with_default(LevelFilter::INFO))
    }
}

impl fmt::Display for InvalidLogFilter {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("must be levels like `debug` or `warn,frontdoor=info`")
    }
}

impl std::error::Error for InvalidLogFilter {}
