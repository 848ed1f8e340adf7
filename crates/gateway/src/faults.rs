//! Conflicts that are brought about on purpose, so that clients can try how they go on after one.
//! Only the operator makes the rules.

mod rule;
#[cfg(test)]
mod tests;

use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use base::Entropy;

pub use rule::{Fault, InvalidRule, Rule, When};

/// The rules by which transactions fail at `COMMIT`.
pub struct Faults {
    /// Whether there are any rules.
    any: AtomicBool,
    state: Mutex<State>,
    entropy: Arc<dyn Entropy>,
}

#[derive(Default)]
struct State {
    rules: Vec<Counted>,
    /// The number of the rule that was made last.
    last: u64,
}

/// A rule, and what it has done.
#[derive(Clone, Debug, PartialEq)]
pub struct Counted {
    /// By which it is removed. Numbers are not used again.
    pub number: u64,
    /// The rule.
    pub rule: Rule,
    /// How many transactions it was about.
    pub transactions: u64,
    /// How many of these it made fail.
    pub failed: u64,
}

impl Faults {
    /// These rules.
    pub fn new(rules: Vec<Rule>, entropy: Arc<dyn Entropy>) -> Self {
        let faults = Self {
            any: AtomicBool::new(false),
            state: Mutex::default(),
            entropy,
        };
        rules.into_iter().for_each(|rule| {
            faults.add(rule);
        });
        faults
    }

    /// Whether there are rules, without a lock.
    pub fn any(&self) -> bool {
        self.any.load(Ordering::Relaxed)
    }

    /// What becomes of a transaction that asks to be committed; an autocommit statement is one.
    /// `tables` are those that it wrote, as `schema.name`, and none if it only read. The first rule
    /// that makes it fail decides; the rules after that do not count it.
    pub fn at_commit(&self, cluster: &str, tables: &[String]) -> Option<Fault> {
        if !self.any() {
            return None;
        }
        let mut state = self.state();
        let mut concerned = state
            .rules
            .iter_mut()
            .filter(|counted| counted.rule.is_about(cluster, tables));
        concerned.find_map(|counted| counted.count(self.entropy.as_ref()))
    }

    /// Adds a rule after the others, and gives its number.
    pub fn add(&self, rule: Rule) -> u64 {
        let mut state = self.state();
        state.last += 1;
        let number = state.last;
        state.rules.push(Counted {
            number,
            rule,
            transactions: 0,
            failed: 0,
        });
        self.any.store(true, Ordering::Relaxed);
        number
    }

    /// The rules in their order.
    pub fn rules(&self) -> Vec<Counted> {
        self.state().rules.clone()
    }

    /// Removes the rule of that number, if there is one.
    pub fn remove(&self, number: u64) -> bool {
        let mut state = self.state();
        let before = state.rules.len();
        state.rules.retain(|counted| counted.number != number);
        self.any.store(!state.rules.is_empty(), Ordering::Relaxed);
        state.rules.len() < before
    }

    /// Removes all rules.
    pub fn clear(&self) {
        let mut state = self.state();
        state.rules.clear();
        self.any.store(false, Ordering::Relaxed);
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Counted {
    /// Counts a transaction; the fault is what becomes of it.
    fn count(&mut self, entropy: &dyn Entropy) -> Option<Fault> {
        self.transactions += 1;
        let fails = match self.rule.when {
            When::Rate(rate) => fraction(entropy) < rate,
            When::Every(n) => self.transactions.is_multiple_of(n),
            When::Nth(n) => self.transactions == n,
            When::Next(n) => self.transactions <= n,
        };
        self.failed += u64::from(fails);
        fails.then_some(self.rule.fault)
    }
}

/// A random number from 0 up to 1, which it never is.
fn fraction(entropy: &dyn Entropy) -> f64 {
    let mut bytes = [0; 4];
    entropy.fill(&mut bytes);
    f64::from(u32::from_be_bytes(bytes)) / (f64::from(u32::MAX) + 1.0)
}
