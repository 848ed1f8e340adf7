//! `treeline dsql faults`, and the rules of the configuration.

use std::path::Path;

use crate::process::{Server, run, text, treeline};

/// What the command prints, or the line that says why it fails.
fn faults(dir: &Path, args: &[&str]) -> Result<String, String> {
    let place = ["--data-dir", dir.to_str().unwrap()];
    let args = [&["dsql", "faults"], args, &place[..]].concat();
    let output = run(Path::new("/nowhere"), &args);
    let (out, error) = (text(&output.stdout), text(&output.stderr));
    if output.status.success() {
        assert_eq!(error, "");
        return Ok(out.to_owned());
    }
    assert_eq!(out, "");
    let line = error.strip_prefix("treeline: ").unwrap_or(error);
    Err(line.trim_end().to_owned())
}

fn server(dir: &Path, rules: &str) -> Server {
    let args = [
        "serve",
        "--http",
        "127.0.0.1:0",
        "--data-dir",
        dir.to_str().unwrap(),
        "--dsql-faults",
        rules,
    ];
    Server::start_with(&mut treeline(Path::new("/nowhere"), &args), dir)
}

#[test]
fn the_operator_changes_the_rules_of_a_running_server() {
    let home = tempfile::tempdir().unwrap();
    let dir = home.path().join("data");
    let server = server(&dir, "oc000 every=3; oc001 nth=2");
    let configured = "1 oc000 every=3 transactions=0 failed=0\n\
                      2 oc001 nth=2 transactions=0 failed=0\n";
    assert_eq!(faults(&dir, &["list"]).unwrap(), configured);
    let added = "3 oc000 next=2 table=orders cluster=abc transactions=0 failed=0\n";
    let rule = ["add", "oc000", "cluster=abc", "next=2", "table=orders"];
    assert_eq!(faults(&dir, &rule).unwrap(), format!("{configured}{added}"));
    // In one word as well, as a shell may give it.
    let last = "4 oc000 rate=0.5 transactions=0 failed=0\n";
    let now = faults(&dir, &["add", "oc000 rate=0.5"]).unwrap();
    assert_eq!(now, format!("{configured}{added}{last}"));
    let now = faults(&dir, &["clear", "1", "2"]).unwrap();
    assert_eq!(now, format!("{added}{last}"));
    for (args, reason) in [
        (
            &["add", "oc002"][..],
            "a rule begins with `oc000` or `oc001`",
        ),
        (&["clear", "3", "1"], "there is no rule 1"),
    ] {
        assert_eq!(faults(&dir, args), Err(reason.to_owned()));
    }
    assert_eq!(faults(&dir, &["list"]).unwrap(), format!("{added}{last}"));
    assert_eq!(faults(&dir, &["clear"]).unwrap(), "");
    assert_eq!(faults(&dir, &["list"]).unwrap(), "");
    server.signal("TERM");
    server.wait();
    let error = faults(&dir, &["list"]).unwrap_err();
    assert!(
        error.starts_with("no server runs on the data directory "),
        "{error}"
    );
}

#[test]
fn a_wrong_rule_is_refused_at_the_start() {
    let home = tempfile::tempdir().unwrap();
    let output = run(home.path(), &["serve", "--dsql-faults", "oc000 often=1"]);
    assert_eq!(output.status.code(), Some(2));
    let error = text(&output.stderr);
    assert!(
        error.contains("`often=1` is none of `rate=0.05`"),
        "{error}"
    );
}
