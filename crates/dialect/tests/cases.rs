//! Every case of the tables in `cases/`.

mod common;

use dialect::Dialect;

#[test]
fn every_case_comes_out_as_its_table_has_it() {
    let dialect = Dialect::default();
    let mut wrong = Vec::new();
    let mut count = 0;
    for (text, expected) in common::cases() {
        count += 1;
        let got = common::render(&text, &dialect.read(&text));
        if got != expected {
            wrong.push(format!("{text}\n  expected {expected}\n  got      {got}"));
        }
    }
    assert!(
        wrong.is_empty(),
        "{} of {count}:\n{}",
        wrong.len(),
        wrong.join("\n")
    );
    assert!(count > 1_000, "only {count} cases");
}
