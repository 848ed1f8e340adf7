//! The names of roles where clusters share a server.

mod common;

use dialect::{Dialect, Effect, Options};

fn with_suffix() -> Dialect {
    Dialect::new(Options {
        role_suffix: Some("@id".to_owned()),
        ..Options::default()
    })
}

#[test]
fn every_name_of_a_role_has_the_suffix() {
    let dialect = with_suffix();
    for line in include_str!("cases/suffix.txt").lines() {
        let (text, expected) = line.split_once(" => ").unwrap();
        assert_eq!(
            common::render(text, &dialect.read(text)),
            expected,
            "{text}"
        );
    }
}

/// Whatever the statement, the suffix changes nothing but names of roles, and so nothing that is
/// no DDL.
#[test]
fn the_suffix_is_for_roles_alone() {
    let (plain, suffixed) = (Dialect::default(), with_suffix());
    for (text, _) in common::cases() {
        let (plain, suffixed) = (plain.read(&text), suffixed.read(&text));
        assert_eq!(plain.statements.len(), suffixed.statements.len(), "{text}");
        for (plain, mut suffixed) in plain.statements.into_iter().zip(suffixed.statements) {
            if plain.effect == Effect::Ddl && suffixed.sql.contains("@id") {
                suffixed.sql = plain.sql.clone();
            }
            assert_eq!(plain, suffixed, "{text}");
        }
    }
}
