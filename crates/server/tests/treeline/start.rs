use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::path::Path;

use crate::process::{Server, key, run, text, treeline};

fn mode(path: &Path) -> u32 {
    fs::metadata(path).unwrap().permissions().mode() & 0o777
}

#[test]
fn the_first_start_creates_what_is_missing_for_its_owner_only() {
    let home = tempfile::tempdir().unwrap();
    let dir = home.path().join("new/data");
    let mut command = treeline(
        home.path(),
        &["serve", "--http", "127.0.0.1:0", "--data-dir"],
    );
    let server = Server::start_with(command.arg(&dir), &home.path().join("log"));
    let ready = format!(
        "ready http={} region=us-east-1 data_dir={}\n",
        server.http,
        dir.display()
    );
    assert_eq!(server.ready, ready);
    let health = server.health();
    assert!(health.starts_with("HTTP/1.1 200 "), "{health}");

    // Root's lets PostgreSQL, which never runs as root, through to its own part.
    let root = nix::unistd::geteuid().is_root();
    let own = if root { 0o711 } else { 0o700 };
    assert_eq!(mode(&dir), own);
    assert_eq!(mode(&home.path().join("new")), own);
    for file in ["iam.json", "treeline.db", "treeline.db.lock", "server.json"] {
        assert_eq!(mode(&dir.join(file)), 0o600, "{file}");
    }
    assert!(!dir.join("iam.json.new").exists());
}

#[test]
fn the_secret_is_in_no_output() {
    let home = tempfile::tempdir().unwrap();
    let dir = home.path().join("data");
    let args = [
        "serve",
        "--http",
        "127.0.0.1:0",
        "--log",
        "trace",
        "--data-dir",
    ];
    let mut command = treeline(home.path(), &args);
    let server = Server::start_with(command.arg(&dir), &dir);
    server.health();
    server.signal("TERM");
    let (stderr, secret) = (dir.with_extension("stderr"), key(&dir).1);
    let (_, stdout) = server.wait();
    let stderr = fs::read_to_string(stderr).unwrap();
    assert!(stderr.contains("created the account file"), "{stderr}");
    assert!(!stderr.contains(&secret) && !stdout.contains(&secret));
}

#[test]
fn without_settings_the_data_is_in_the_home() {
    for share in [".local/share", "share"] {
        let home = tempfile::tempdir().unwrap();
        let mut command = treeline(home.path(), &["serve", "--http", "127.0.0.1:0"]);
        command.env("XDG_DATA_HOME", home.path().join(share));
        let server = Server::start_with(&mut command, &home.path().join("log"));
        let data_dir = home.path().join(share).join("treeline");
        assert!(
            server
                .ready
                .ends_with(&format!(" data_dir={}\n", data_dir.display()))
        );
        assert!(data_dir.join("treeline.db").exists());
        assert!(
            !server.stderr().contains("--data-dir"),
            "the hint needs no directory"
        );
    }
}

#[test]
fn flags_come_before_the_environment_and_the_environment_before_the_file() {
    let home = tempfile::tempdir().unwrap();
    let config = home.path().join("treeline.toml");
    let file = "http = \"127.0.0.1:0\"\nregion = \"from-file\"\ndata-dir = \"data\"\n";
    fs::write(&config, file).unwrap();
    for (variable, flag, region) in [
        (None, None, "from-file"),
        (Some("from-environment"), None, "from-environment"),
        (Some("from-environment"), Some("from-flag"), "from-flag"),
    ] {
        let mut command = treeline(home.path(), &["serve"]);
        command.env("TREELINE_CONFIG", &config);
        command.envs(variable.map(|region| ("TREELINE_REGION", region)));
        command.args(flag.iter().flat_map(|region| ["--region", region]));
        let server = Server::start_with(&mut command, &home.path().join("log"));
        let dir = home.path().join("data");
        let end = format!(" region={region} data_dir={}\n", dir.display());
        assert!(server.ready.ends_with(&end), "{}", server.ready);
    }
}

#[test]
fn a_restart_keeps_the_key_also_after_a_kill() {
    let home = tempfile::tempdir().unwrap();
    let dir = home.path().join("data");
    let server = Server::start(&dir);
    let first = key(&dir);
    server.kill();
    assert!(dir.join("server.json").exists(), "nobody could remove it");

    let server = Server::start(&dir);
    assert!(server.health().starts_with("HTTP/1.1 200 "));
    assert_eq!(key(&dir), first);
    let file = fs::read_to_string(dir.join("server.json")).unwrap();
    assert!(file.contains(&server.http.to_string()), "{file}");
    server.signal("TERM");
    server.wait();

    drop(Server::start(&dir));
    assert_eq!(key(&dir), first);
}

#[test]
fn a_secret_file_that_others_may_use_is_warned_about() {
    let home = tempfile::tempdir().unwrap();
    let dir = home.path().join("data");
    drop(Server::start(&dir));
    for name in ["iam.json", "session.key", "decisions.jsonl"] {
        let file = dir.join(name);
        for (mode, warned) in [(0o640, true), (0o604, true), (0o600, false)] {
            fs::set_permissions(&file, fs::Permissions::from_mode(mode)).unwrap();
            let server = Server::start(&dir);
            let log = server.stderr();
            let warning = format!(
                "other users may use this file: chmod 600 it path={}",
                file.display()
            );
            assert_eq!(log.contains(&warning), warned, "{mode:o} {log}");
        }
    }
}

#[test]
fn the_log_can_be_json() {
    let home = tempfile::tempdir().unwrap();
    let dir = home.path().join("data");
    let args = [
        "serve",
        "--http",
        "127.0.0.1:0",
        "--log-format",
        "json",
        "--data-dir",
    ];
    let server = Server::start_with(treeline(home.path(), &args).arg(&dir), &dir);
    let log = server.stderr();
    let line = log
        .lines()
        .find(|line| line.contains("created the account file"))
        .unwrap();
    let entry: serde_json::Value = serde_json::from_str(line).unwrap();
    assert_eq!(entry["level"], "INFO");
}

#[test]
fn the_version_is_told() {
    let output = run(Path::new("/nowhere"), &["--version"]);
    assert_eq!(
        text(&output.stdout),
        concat!("treeline ", env!("CARGO_PKG_VERSION"), "\n")
    );
    assert!(output.status.success());
}
