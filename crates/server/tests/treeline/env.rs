use std::path::Path;
use std::process::{Command, Output};

use crate::process::{Server, key, run, text};

const PRINT: &str = r#"
    printf '%s\n' "$AWS_ENDPOINT_URL_VERIFIEDPERMISSIONS" "$AWS_ENDPOINT_URL_DSQL" \
        "$AWS_ACCESS_KEY_ID" "$AWS_SECRET_ACCESS_KEY" "$AWS_REGION" "$AWS_DEFAULT_REGION" \
        "${AWS_PROFILE-unset}" "${AWS_SESSION_TOKEN-unset}""#;

/// What a shell has in its variables after `script`.
fn shell(script: &str) -> Output {
    Command::new("sh")
        .args(["-euc", &format!("{script}{PRINT}")])
        .env("AWS_PROFILE", "production")
        .env("AWS_SESSION_TOKEN", "of another key")
        .env("HOME", "/nowhere")
        .output()
        .unwrap()
}

#[test]
fn the_hint_of_a_running_server_points_a_shell_at_it() {
    let home = tempfile::tempdir().unwrap();
    let dir = home.path().join("it's a $HOME");
    let server = Server::start(&dir);
    let said = server.stderr();
    let (_, hint) = said.split_once("Point AWS clients at it with:  ").unwrap();
    let (id, secret) = key(&dir);
    let url = format!("http://{}", server.http);
    let expected = format!("{url}\n{url}\n{id}\n{secret}\nus-east-1\nus-east-1\nunset\nunset\n");
    let output = shell(hint.lines().next().unwrap());
    assert_eq!(
        (text(&output.stdout), text(&output.stderr)),
        (expected.as_str(), "")
    );
}

#[test]
fn after_the_end_of_the_server_a_note_goes_to_standard_error_only() {
    let home = tempfile::tempdir().unwrap();
    let dir = home.path().join("data");
    let server = Server::start(&dir);
    server.signal("TERM");
    server.wait();
    let args = [
        "env",
        "--data-dir",
        dir.to_str().unwrap(),
        "--http",
        "127.0.0.1:1",
    ];
    let output = run(Path::new("/nowhere"), &args);
    assert!(output.status.success());
    let note = format!(
        "treeline: no server seems to run at http://127.0.0.1:1 on the data directory {}\n",
        dir.display()
    );
    assert_eq!(text(&output.stderr), note);
    assert!(text(&output.stdout).contains("_DSQL='http://127.0.0.1:1'\n"));
}

#[test]
fn without_an_account_file_nothing_is_exported() {
    let home = tempfile::tempdir().unwrap();
    let output = run(home.path(), &["env"]);
    let file = home.path().join(".local/share/treeline/iam.json");
    let error = format!(
        "treeline: cannot read the account file {}: No such file or directory (os error 2)\n",
        file.display()
    );
    assert_eq!(
        (text(&output.stdout), text(&output.stderr)),
        ("", error.as_str())
    );
    assert_eq!(output.status.code(), Some(1));
}
