//! Rules, and how they are written: `oc000 rate=0.05 table=orders`.

use std::fmt;
use std::num::NonZeroU64;
use std::str::FromStr;

/// What a transaction fails with.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Fault {
    /// `OC000`: another transaction changed what this one wrote.
    Change,
    /// `OC001`: another transaction changed the catalog.
    Catalog,
}

/// Which of the transactions that a rule is about fail.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum When {
    /// This share of them, at random: from 0 to 1.
    Rate(f64),
    /// Each that has this number or a multiple of it.
    Every(u64),
    /// The one with this number, from 1.
    Nth(u64),
    /// As many, from the first on.
    Next(u64),
}

/// Which transactions fail, and with what.
#[derive(Clone, Debug, PartialEq)]
pub struct Rule {
    /// What they fail with.
    pub fault: Fault,
    /// The cluster that they are in, if not any.
    pub cluster: Option<String>,
    /// The tables of which they wrote one, with or without schema; none means any.
    pub tables: Vec<String>,
    /// Which of these fail.
    pub when: When,
}

impl Rule {
    /// Whether a transaction in `cluster` that wrote `tables` counts. One that only read never
    /// fails with `OC000`.
    pub(super) fn is_about(&self, cluster: &str, tables: &[String]) -> bool {
        let here = self.cluster.as_ref().is_none_or(|own| own == cluster);
        let wrote = if self.tables.is_empty() {
            self.fault == Fault::Catalog || !tables.is_empty()
        } else {
            tables.iter().any(|table| self.names(table))
        };
        here && wrote
    }

    fn names(&self, table: &str) -> bool {
        let bare = table.split_once('.').map_or(table, |(_, name)| name);
        self.tables.iter().any(|own| own == table || own == bare)
    }
}

/// A text is no rule.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum InvalidRule {
    /// It has no fault, or another.
    #[error("a rule begins with `oc000` or `oc001`")]
    Fault,
    /// A word is none that a rule has.
    #[error(
        "`{0}` is none of `rate=0.05`, `every=3`, `nth=3`, `next=2`, `table=orders` and `cluster=ID`"
    )]
    Word(String),
    /// Something is said twice.
    #[error(
        "`{0}` is one too many: a rule has one `rate`, `every`, `nth` or `next`, one `table` and one `cluster`"
    )]
    Twice(String),
}

impl FromStr for Rule {
    type Err = InvalidRule;

    fn from_str(text: &str) -> Result<Self, InvalidRule> {
        let mut words = text.split_whitespace();
        let fault = match words.next() {
            Some(word) if word.eq_ignore_ascii_case("oc000") => Fault::Change,
            Some(word) if word.eq_ignore_ascii_case("oc001") => Fault::Catalog,
            Some(_) | None => return Err(InvalidRule::Fault),
        };
        let (mut when, mut tables, mut cluster) = (None, None, None);
        for word in words {
            let invalid = || InvalidRule::Word(word.to_owned());
            let (key, value) = word.split_once('=').ok_or_else(invalid)?;
            let known = match key {
                "table" => set(&mut tables, names(value)),
                "cluster" => set(&mut cluster, name(value)),
                _ => set(&mut when, condition(key, value)),
            };
            match known {
                Some(true) => {}
                Some(false) => return Err(InvalidRule::Twice(word.to_owned())),
                None => return Err(invalid()),
            }
        }
        Ok(Self {
            fault,
            cluster,
            tables: tables.unwrap_or_default(),
            when: when.unwrap_or(When::Rate(1.0)),
        })
    }
}

/// Whether the place was free; `None` if there is no value.
fn set<T>(place: &mut Option<T>, value: Option<T>) -> Option<bool> {
    Some(place.replace(value?).is_none())
}

/// `a,b`
fn names(value: &str) -> Option<Vec<String>> {
    value.split(',').map(name).collect()
}

fn name(value: &str) -> Option<String> {
    let named = !value.is_empty();
    named.then(|| value.to_owned())
}

fn condition(key: &str, value: &str) -> Option<When> {
    let number = || value.parse::<NonZeroU64>().ok().map(NonZeroU64::get);
    match key {
        "rate" => {
            let rate: f64 = value.parse().ok()?;
            (0.0..=1.0).contains(&rate).then_some(When::Rate(rate))
        }
        "every" => number().map(When::Every),
        "nth" => number().map(When::Nth),
        "next" => number().map(When::Next),
        _ => None,
    }
}

/// As it is written.
impl fmt::Display for Rule {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self.fault {
            Fault::Change => "oc000",
            Fault::Catalog => "oc001",
        })?;
        match self.when {
            When::Rate(rate) => write!(f, " rate={rate}")?,
            When::Every(n) => write!(f, " every={n}")?,
            When::Nth(n) => write!(f, " nth={n}")?,
            When::Next(n) => write!(f, " next={n}")?,
        }
        if !self.tables.is_empty() {
            write!(f, " table={}", self.tables.join(","))?;
        }
        match &self.cluster {
            Some(cluster) => write!(f, " cluster={cluster}"),
            None => Ok(()),
        }
    }
}
