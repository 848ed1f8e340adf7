use std::fs;
use std::net::TcpListener;
use std::path::Path;

use crate::process::{Server, run, text};

/// `treeline serve` ends with code 1 after exactly this one line.
fn refuses(args: &[&str], line: &str) {
    let output = run(Path::new("/nowhere"), &[&["serve"], args].concat());
    let expected = format!("treeline: {line}\n");
    assert_eq!(
        (text(&output.stdout), text(&output.stderr)),
        ("", expected.as_str()),
        "{args:?}"
    );
    assert_eq!(output.status.code(), Some(1), "{args:?}");
}

#[test]
fn a_second_server_on_the_same_data_directory() {
    let home = tempfile::tempdir().unwrap();
    let dir = home.path().join("data");
    let server = Server::start(&dir);
    let args = ["--http", "127.0.0.1:0", "--data-dir", dir.to_str().unwrap()];
    refuses(
        &args,
        &format!(
            "the data directory {} is in use by another server",
            dir.display()
        ),
    );
    assert!(
        server.health().starts_with("HTTP/1.1 200 "),
        "the first one goes on"
    );
    assert!(
        fs::read_to_string(dir.join("server.json"))
            .unwrap()
            .contains(&server.http.to_string())
    );
}

#[test]
fn a_taken_port() {
    let home = tempfile::tempdir().unwrap();
    let dir = home.path().join("data");
    let taken = TcpListener::bind("127.0.0.1:0").unwrap();
    let http = taken.local_addr().unwrap().to_string();
    let line = format!(
        "cannot listen on {http}: {}",
        TcpListener::bind(&http).unwrap_err()
    );
    assert!(line.contains("Address already in use"), "{line}");
    refuses(
        &["--http", &http, "--data-dir", dir.to_str().unwrap()],
        &line,
    );
    assert!(!dir.join("server.json").exists());
}

#[test]
fn a_broken_configuration_file() {
    let home = tempfile::tempdir().unwrap();
    let file = home.path().join("treeline.toml");
    for (content, fault) in [
        (
            "region = \"us-east-1\"\nport = 4100\n",
            "line 2: unknown key `port`",
        ),
        (
            "\nhttp = 4100\n",
            "line 2: `http`: invalid type: integer `4100`, expected socket address",
        ),
        (
            "region = us-east-1\n",
            "line 1: string values must be quoted, expected literal string",
        ),
    ] {
        fs::write(&file, content).unwrap();
        let line = format!("configuration file {}, {fault}", file.display());
        refuses(&["--config", file.to_str().unwrap()], &line);
    }
    let missing = home.path().join("missing.toml");
    let line = format!(
        "cannot read the configuration file {}: No such file or directory (os error 2)",
        missing.display()
    );
    refuses(&["--config", missing.to_str().unwrap()], &line);
}

#[test]
fn a_broken_account_file() {
    let home = tempfile::tempdir().unwrap();
    let dir = home.path().join("data");
    fs::create_dir(&dir).unwrap();
    let file = dir.join("iam.json");
    for (content, fault) in [
        (
            "{ \"AccountId\": \"000000000000\",\n",
            "line 2, column 0: EOF while parsing a value",
        ),
        (
            "{ \"AccountId\": \"1\" }",
            "AccountId: must have exactly 12 digits",
        ),
    ] {
        fs::write(&file, content).unwrap();
        let line = format!("account file {}: {fault}", file.display());
        refuses(
            &["--http", "127.0.0.1:0", "--data-dir", dir.to_str().unwrap()],
            &line,
        );
        assert_eq!(
            fs::read_to_string(&file).unwrap(),
            content,
            "it is not replaced"
        );
    }
}

#[test]
fn a_named_account_file_that_is_missing_is_not_created() {
    let home = tempfile::tempdir().unwrap();
    let (dir, file) = (home.path().join("data"), home.path().join("accounts.json"));
    let line = format!(
        "cannot read the account file {}: No such file or directory (os error 2)",
        file.display()
    );
    let (dir, name) = (dir.to_str().unwrap(), file.to_str().unwrap());
    refuses(
        &[
            "--http",
            "127.0.0.1:0",
            "--data-dir",
            dir,
            "--iam-file",
            name,
        ],
        &line,
    );
    assert!(!file.exists());
}

#[test]
fn a_data_directory_that_cannot_be_used() {
    let home = tempfile::tempdir().unwrap();
    let file = home.path().join("file");
    fs::write(&file, "").unwrap();
    for (dir, cause) in [
        (file.clone(), "File exists (os error 17)"),
        (file.join("data"), "Not a directory (os error 20)"),
    ] {
        let line = format!(
            "cannot create the data directory {}: {cause}",
            dir.display()
        );
        refuses(
            &["--http", "127.0.0.1:0", "--data-dir", dir.to_str().unwrap()],
            &line,
        );
    }
}

#[test]
fn a_database_that_is_none() {
    let home = tempfile::tempdir().unwrap();
    let database = home.path().join("treeline.db");
    fs::write(
        &database,
        "not a database, but long enough to be one by its length. ".repeat(20),
    )
    .unwrap();
    let args = [
        "serve",
        "--http",
        "127.0.0.1:0",
        "--data-dir",
        home.path().to_str().unwrap(),
    ];
    let output = run(Path::new("/nowhere"), &args);
    let start = format!(
        "treeline: {} is not a readable treeline database: ",
        database.display()
    );
    let line = text(&output.stderr);
    assert!(
        line.starts_with(&start) && line.lines().count() == 1,
        "{line}"
    );
    assert_eq!(output.status.code(), Some(1));
}

#[test]
fn a_wrong_command_line_has_its_own_exit_code() {
    for args in [
        &["serve", "--port", "1"][..],
        &["serve", "--http", "localhost"],
        &["start"],
        &[],
    ] {
        let output = run(Path::new("/nowhere"), args);
        assert_eq!(
            (text(&output.stdout), output.status.code()),
            ("", Some(2)),
            "{args:?}"
        );
        assert!(!output.stderr.is_empty());
    }
}
