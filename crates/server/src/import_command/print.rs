//! What an import prints: how far it is on standard error, what it did on standard output.

use std::io::{self, IsTerminal, Write};
use std::time::Duration;

use base::{Clock, Timestamp};
use verified_permissions::bulk::{Counts, Difference, How, Kind};

use crate::system::SystemClock;

/// How often a terminal's bar moves.
const BAR: Duration = Duration::from_millis(100);
/// How often a line is written where there is no terminal.
const LINE: Duration = Duration::from_secs(5);
const WIDTH: u64 = 30;

/// How far an import is.
pub(super) struct Progress {
    total: u64,
    begun: Timestamp,
    shown: Timestamp,
    on_terminal: bool,
    is_drawn: bool,
}

impl Progress {
    pub(super) fn new(total: u64) -> Self {
        let now = SystemClock.now();
        Self {
            total,
            begun: now,
            shown: now,
            on_terminal: io::stderr().is_terminal(),
            is_drawn: false,
        }
    }

    /// Shows that `done` of them are done, if it is time to.
    pub(super) fn at(&mut self, done: u64) {
        let now = SystemClock.now();
        let pause = if self.on_terminal { BAR } else { LINE };
        // The last stroke of the bar is not left out.
        let is_last = self.on_terminal && done == self.total;
        if now < self.shown.plus(pause) && !is_last {
            return;
        }
        self.shown = now;
        let micros = now.unix_micros() - self.begun.unix_micros();
        let text = text(done, self.total, micros.unsigned_abs());
        let mut error = io::stderr().lock();
        let _ = if self.on_terminal {
            self.is_drawn = true;
            write!(error, "\r{} {text}\x1b[K", bar(done, self.total))
        } else {
            writeln!(error, "treeline: {text}")
        };
        let _ = error.flush();
    }

    /// How many there are.
    pub(super) fn of(&self) -> String {
        grouped(self.total)
    }

    /// Leaves the bar where it is, for what is printed after it.
    pub(super) fn end(&mut self) {
        if std::mem::take(&mut self.is_drawn) {
            let _ = writeln!(io::stderr());
        }
    }
}

fn bar(done: u64, total: u64) -> String {
    let filled = (done.min(total) * WIDTH)
        .checked_div(total)
        .unwrap_or(WIDTH);
    let part = |of: &str, count: u64| of.repeat(usize::try_from(count).unwrap_or(0));
    format!("[{}{}]", part("#", filled), part(" ", WIDTH - filled))
}

fn text(done: u64, total: u64, micros: u64) -> String {
    let rate = done
        .saturating_mul(1_000_000)
        .checked_div(micros)
        .unwrap_or(0);
    let left = total.saturating_sub(done).checked_div(rate).unwrap_or(0);
    let mut text = format!(
        "{} of {}, {} per second",
        grouped(done),
        grouped(total),
        grouped(rate)
    );
    if done < total {
        text += &format!(", {left} s left");
    }
    text
}

/// A number with commas between its thousands.
pub(super) fn grouped(number: u64) -> String {
    let digits = number.to_string();
    let mut text = String::new();
    for (at, digit) in digits.chars().enumerate() {
        if at > 0 && (digits.len() - at).is_multiple_of(3) {
            text.push(',');
        }
        text.push(digit);
    }
    text
}

/// A difference, for people: `+ linked policy links.jsonl:17`.
pub(super) fn difference(difference: &Difference) -> String {
    let sign = match difference.how {
        How::Created => '+',
        How::Updated => '~',
        How::Deleted => '-',
        How::Unchanged => '=',
    };
    let called = difference.called.iter().map(|called| plain(called));
    let at = difference.at.iter().map(|at| format!("({})", plain(at)));
    let parts: Vec<String> = called.chain(at).collect();
    let noun = difference.kind.noun(1);
    format!("{sign} {noun} {}\n", parts.join(" ")).replace(" \n", "\n")
}

/// A text of a file for a terminal: whoever writes a policy must not write what is printed.
pub(super) fn plain(text: &str) -> String {
    let escape = |c: char| match c.is_control() {
        true => c.escape_default().to_string(),
        false => c.to_string(),
    };
    text.chars().map(escape).collect()
}

/// What was done, a line for each kind of thing that there was.
pub(super) fn summary(counts: &Counts, dry_run: bool) -> String {
    let mut text = String::new();
    for kind in Kind::ALL {
        let tally = counts.of(kind);
        let total = tally.seen() + tally.deleted;
        if total == 0 {
            continue;
        }
        let parts = [
            (tally.created, "created"),
            (tally.updated, "updated"),
            (tally.deleted, "deleted"),
            (tally.unchanged, "unchanged"),
        ];
        let parts: Vec<String> = parts
            .iter()
            .filter(|(count, _)| *count > 0)
            .map(|(count, word)| format!("{} {word}", grouped(*count)))
            .collect();
        text += &format!("{}: {}\n", kind.noun(0), parts.join(", "));
    }
    let total = counts.total();
    let nothing = total.created + total.updated + total.deleted == 0;
    text += match (nothing, dry_run) {
        (true, false) => "Nothing changed: the policy store has what the files say.\n",
        (true, true) => "Nothing would change: the policy store has what the files say.\n",
        (false, true) => "Nothing was changed: this was a dry run.\n",
        (false, false) => "",
    };
    text
}

#[cfg(test)]
mod tests {
    use verified_permissions::bulk::Tally;

    use super::*;

    #[test]
    fn numbers_have_commas_between_thousands() {
        for (number, text) in [
            (0, "0"),
            (999, "999"),
            (1000, "1,000"),
            (12_345, "12,345"),
            (1_234_567, "1,234,567"),
        ] {
            assert_eq!(grouped(number), text);
        }
    }

    #[test]
    fn a_bar_is_as_long_as_what_is_done() {
        for (done, total, filled) in [
            (0, 10, 0),
            (5, 10, 15),
            (10, 10, 30),
            (11, 10, 30),
            (0, 0, 30),
        ] {
            let bar = bar(done, total);
            assert_eq!(bar.len(), 32);
            assert_eq!(bar.matches('#').count(), filled, "{done} of {total}");
        }
        let second = 1_000_000;
        for (done, total, micros, expected) in [
            (0, 10, 0, "0 of 10, 0 per second, 0 s left"),
            (
                2500,
                10_000,
                2 * second,
                "2,500 of 10,000, 1,250 per second, 6 s left",
            ),
            (10, 10, second, "10 of 10, 10 per second"),
        ] {
            assert_eq!(text(done, total, micros), expected);
        }
    }

    #[test]
    fn a_summary_has_a_line_for_what_there_was() {
        let tally = |created, updated, unchanged, deleted| Tally {
            created,
            updated,
            unchanged,
            deleted,
        };
        let counts = |links| Counts {
            links,
            ..Counts::default()
        };
        for (links, dry_run, expected) in [
            (
                tally(1000, 2, 3, 4),
                false,
                "linked policies: 1,000 created, 2 updated, 4 deleted, 3 unchanged\n",
            ),
            (
                tally(1, 0, 0, 0),
                true,
                "linked policies: 1 created\nNothing was changed: this was a dry run.\n",
            ),
            (
                tally(0, 0, 1, 0),
                true,
                "linked policies: 1 unchanged\n\
                 Nothing would change: the policy store has what the files say.\n",
            ),
        ] {
            assert_eq!(summary(&counts(links), dry_run), expected);
        }
    }

    #[test]
    fn a_difference_is_a_line_without_control_characters() {
        let mut of = Difference {
            how: How::Created,
            kind: Kind::Link,
            called: None,
            at: Some("a\n\x1b[2J.jsonl:1".to_owned()),
        };
        assert_eq!(
            difference(&of),
            "+ linked policy (a\\n\\u{1b}[2J.jsonl:1)\n"
        );
        of.called = Some("name/x".to_owned());
        of.how = How::Deleted;
        of.at = None;
        assert_eq!(difference(&of), "- linked policy name/x\n");
    }
}
