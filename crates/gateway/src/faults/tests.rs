use std::sync::Arc;

use base::Entropy;

use super::*;

/// Numbers one after the other, and again from the first on.
struct Given(Mutex<std::iter::Cycle<std::vec::IntoIter<f64>>>);

impl Entropy for Given {
    fn fill(&self, bytes: &mut [u8]) {
        let number = self.0.lock().unwrap().next().unwrap();
        let number = (number * (f64::from(u32::MAX) + 1.0)) as u32;
        bytes.copy_from_slice(&number.to_be_bytes());
    }
}

fn faults(rules: &[&str]) -> Faults {
    let rules = rules.iter().map(|rule| rule.parse().unwrap()).collect();
    let numbers = vec![0.0, 0.3, 0.6, 0.9];
    let entropy = Given(Mutex::new(numbers.into_iter().cycle()));
    Faults::new(rules, Arc::new(entropy))
}

/// Transactions, each with its tables, in the cluster before `:` or in `c`; the answer has `0` for
/// OC000, `1` for OC001 and `-` for none.
fn commits(faults: &Faults, transactions: &str) -> String {
    let answers = transactions.split_whitespace().map(|transaction| {
        let (cluster, tables) = transaction.split_once(':').unwrap_or(("c", transaction));
        let tables = tables.split(',').filter(|table| *table != "-");
        let tables: Vec<String> = tables.map(str::to_owned).collect();
        match faults.at_commit(cluster, &tables) {
            Some(Fault::Change) => '0',
            Some(Fault::Catalog) => '1',
            None => '-',
        }
    });
    answers.collect()
}

#[test]
fn rules_say_which_transactions_fail() {
    let cases: &[(&[&str], &str, &str)] = &[
        (&[], "s.t s.t -", "---"),
        (&["oc000"], "s.t s.t -", "00-"),
        (&["oc001"], "s.t -", "11"),
        (&["oc000 nth=2"], "s.t s.t s.t s.t", "-0--"),
        (&["oc000 every=2"], "s.t s.t s.t s.t", "-0-0"),
        (&["oc000 next=2"], "s.t s.t s.t s.t", "00--"),
        (&["oc000 rate=0"], "s.t s.t", "--"),
        (&["oc000 rate=1"], "s.t s.t s.t s.t", "0000"),
        (&["oc000 rate=0.5"], "s.t s.t s.t s.t s.t", "00--0"),
        // Only what a rule is about counts.
        (&["oc000 nth=2"], "- s.t - s.t", "---0"),
        (&["oc000 nth=2 table=t"], "s.u s.t s.u,s.t s.t", "--0-"),
        (&["oc000 table=t,u"], "s.t s.u,s.v s.v t", "00-0"),
        (&["oc000 table=a.t"], "a.t b.t t", "0--"),
        (&["oc001 table=t"], "- s.t", "-1"),
        (&["oc000 table=T"], "s.t s.T", "-0"),
        (&["oc000 cluster=d nth=1"], "s.t d:s.t d:s.t", "-0-"),
        // The first rule that fails a transaction keeps it from the others.
        (&["oc001 nth=1", "oc000 next=1"], "s.t s.t s.t", "10-"),
        (&["oc001 nth=2", "oc000 nth=2"], "s.t s.t s.t", "-10"),
    ];
    for (rules, transactions, expected) in cases {
        let faults = faults(rules);
        assert_eq!(faults.any(), !rules.is_empty());
        assert_eq!(commits(&faults, transactions), *expected, "{rules:?}");
    }
}

#[test]
fn rules_are_added_and_removed_and_count() {
    let faults = faults(&["oc000 next=1"]);
    assert_eq!(commits(&faults, "s.t s.t"), "0-");
    assert_eq!(faults.add("oc001 next=1".parse().unwrap()), 2);
    assert_eq!(commits(&faults, "s.t s.t s.t"), "1--");
    let counts = |faults: &Faults| -> Vec<(u64, String, u64, u64)> {
        let rules = faults.rules().into_iter();
        rules
            .map(|it| (it.number, it.rule.to_string(), it.transactions, it.failed))
            .collect()
    };
    let expected = [
        (1, "oc000 next=1".to_owned(), 5, 1),
        (2, "oc001 next=1".to_owned(), 3, 1),
    ];
    assert_eq!(counts(&faults), expected);
    assert!(faults.remove(1));
    assert!(!faults.remove(1));
    assert!(faults.any());
    assert_eq!(counts(&faults), expected[1..]);
    faults.clear();
    assert!(!faults.any());
    assert_eq!(counts(&faults), []);
    // A number means one rule for ever.
    assert_eq!(faults.add("oc000".parse().unwrap()), 3);
    assert_eq!(commits(&faults, "s.t"), "0");
    assert!(faults.remove(3));
    assert!(!faults.any());
}

#[test]
fn a_rule_is_written_as_it_is_read() {
    for (text, written) in [
        ("oc000", "oc000 rate=1"),
        (" OC001  nth=3 ", "oc001 nth=3"),
        ("oc000 table=b,a.c rate=0.05", "oc000 rate=0.05 table=b,a.c"),
        (
            "oc000 cluster=x next=2 table=t",
            "oc000 next=2 table=t cluster=x",
        ),
        (
            "oc000 every=18446744073709551615",
            "oc000 every=18446744073709551615",
        ),
    ] {
        let rule: Rule = text.parse().unwrap();
        assert_eq!(rule.to_string(), written);
        assert_eq!(written.parse(), Ok(rule));
    }
}

#[test]
fn what_is_no_rule_is_told() {
    let word = |word: &str| InvalidRule::Word(word.to_owned());
    let twice = |word: &str| InvalidRule::Twice(word.to_owned());
    for (text, expected) in [
        ("", InvalidRule::Fault),
        ("oc002", InvalidRule::Fault),
        ("rate=1 oc000", InvalidRule::Fault),
        ("oc000 rate", word("rate")),
        ("oc000 rate=", word("rate=")),
        ("oc000 rate=1.5", word("rate=1.5")),
        ("oc000 rate=-1", word("rate=-1")),
        ("oc000 rate=NaN", word("rate=NaN")),
        ("oc000 nth=0", word("nth=0")),
        ("oc000 every=0", word("every=0")),
        ("oc000 next=-1", word("next=-1")),
        ("oc000 cluster=", word("cluster=")),
        ("oc000 table=", word("table=")),
        ("oc000 table=a,", word("table=a,")),
        ("oc000 tables=a", word("tables=a")),
        ("oc000 nth=1 nth=2", twice("nth=2")),
        ("oc000 nth=1 rate=1", twice("rate=1")),
        ("oc000 table=a table=b", twice("table=b")),
    ] {
        assert_eq!(text.parse::<Rule>(), Err(expected), "{text}");
    }
}
