//! `treeline import` and `treeline export`, with and without a running server.

use std::fs;
use std::io::Write;
use std::os::unix::fs::{FileTypeExt, PermissionsExt};
use std::os::unix::net::UnixStream;
use std::path::{Path, PathBuf};
use std::process::Output;

use crate::process::{Server, run, text};

const TEMPLATE: &str =
    "@id(\"t\")\npermit (principal == ?principal, action, resource == ?resource);\n";

/// A data directory with an account file, and a directory of policies.
struct Place {
    home: tempfile::TempDir,
}

impl Place {
    fn new() -> Self {
        let place = Self {
            home: tempfile::tempdir().unwrap(),
        };
        let server = Server::start(&place.data());
        server.signal("TERM");
        server.wait();
        fs::create_dir(place.files()).unwrap();
        place.write("templates.cedar", TEMPLATE);
        place.write("links.jsonl", &links(0..10));
        place
    }

    fn data(&self) -> PathBuf {
        self.home.path().join("data")
    }

    fn files(&self) -> PathBuf {
        self.home.path().join("policies")
    }

    fn write(&self, name: &str, content: &str) {
        fs::write(self.files().join(name), content).unwrap();
    }

    fn treeline(&self, command: &str, args: &[&str]) -> Output {
        let data = self.data();
        let place = ["--data-dir", data.to_str().unwrap(), "--policy-store", "S"];
        run(
            Path::new("/nowhere"),
            &[&[command], &place[..], args].concat(),
        )
    }

    fn import(&self, args: &[&str]) -> Output {
        let files = self.files();
        self.treeline("import", &[&[files.to_str().unwrap()], args].concat())
    }

    /// What an import that must succeed prints.
    fn imported(&self, args: &[&str]) -> String {
        let output = self.import(args);
        assert_eq!(text(&output.stderr), "");
        assert!(output.status.success());
        text(&output.stdout).to_owned()
    }

    /// The line of an import that must fail.
    fn refused(&self, args: &[&str]) -> String {
        let output = self.import(args);
        assert_eq!(output.status.code(), Some(1));
        let error = text(&output.stderr).to_owned();
        assert_eq!(error.lines().count(), 1, "{error}");
        error
            .trim_end()
            .strip_prefix("treeline: ")
            .unwrap()
            .to_owned()
    }
}

fn links(of: std::ops::Range<usize>) -> String {
    let link = |n| {
        format!(
            "{{\"policyTemplateId\":\"name/t\",\
             \"principal\":{{\"entityType\":\"User\",\"entityId\":\"u{n}\"}},\
             \"resource\":{{\"entityType\":\"Photo\",\"entityId\":\"p\"}}}}\n"
        )
    };
    of.map(link).collect()
}

const CREATED: &str = "templates: 1 created\nlinked policies: 10 created\n";
const UNCHANGED: &str = "templates: 1 unchanged\nlinked policies: 10 unchanged\n\
                         Nothing changed: the policy store has what the files say.\n";

#[test]
fn importing_twice_without_a_server_and_once_more_with_one() {
    let place = Place::new();
    assert_eq!(place.refused(&[]), "there is no policy store `S`");
    assert_eq!(place.imported(&["--create"]), CREATED);
    assert_eq!(place.imported(&[]), UNCHANGED);
    let server = Server::start(&place.data());
    assert_eq!(place.imported(&[]), UNCHANGED);
    place.write("links.jsonl", &links(5..12));
    assert_eq!(
        place.imported(&["--delete"]),
        "templates: 1 unchanged\nlinked policies: 2 created, 5 deleted, 5 unchanged\n"
    );
    drop(server);
    assert!(place.imported(&["--delete"]).contains("Nothing changed"));
}

#[test]
fn a_dry_run_prints_the_difference() {
    let place = Place::new();
    let server = Server::start(&place.data());
    place.write("links.jsonl", &links(0..40));
    for _ in 0..2 {
        let printed = place.imported(&["--create", "--dry-run"]);
        let lines: Vec<&str> = printed.lines().collect();
        let at = |name: &str| place.files().join(name).display().to_string();
        assert_eq!(
            lines[0],
            format!("+ template name/t ({}:1)", at("templates.cedar"))
        );
        assert_eq!(
            lines[1],
            format!("+ linked policy ({}:1)", at("links.jsonl"))
        );
        assert_eq!(
            lines[20..],
            [
                "... and 21 more: --verbose prints them all",
                "templates: 1 created",
                "linked policies: 40 created",
                "Nothing was changed: this was a dry run.",
            ]
        );
    }
    let printed = place.imported(&["--create", "--dry-run", "--verbose"]);
    assert_eq!(printed.lines().count(), 41 + 3);
    assert_eq!(place.imported(&["--create"]).lines().count(), 2);
    drop(server);
    assert_eq!(
        place.imported(&["--dry-run"]),
        "templates: 1 unchanged\nlinked policies: 40 unchanged\n\
         Nothing would change: the policy store has what the files say.\n"
    );
}

#[test]
fn faults_name_the_file_and_the_line_and_how_far_it_came() {
    let place = Place::new();
    let named = |name: &str| place.files().join(name).display().to_string();
    place.write(
        "b.cedar",
        "permit (principal, action, resource);\n\npermit ();\n",
    );
    let error = place.refused(&["--create"]);
    // A fault in any file is found before anything is done.
    assert!(
        error.starts_with(&format!("{}:3: ", named("b.cedar"))),
        "{error}"
    );
    assert_eq!(
        place.refused(&[]).split(':').next(),
        Some(named("b.cedar").as_str())
    );
    fs::remove_file(named("b.cedar")).unwrap();
    place.write(
        "z.jsonl",
        "{\"policyTemplateId\":\"none\",\"principal\":{\"entityType\":\"U\",\"entityId\":\"u\"}}",
    );
    for server in [None, Some(Server::start(&place.data()))] {
        let error = place.refused(&["--create"]);
        assert_eq!(
            error,
            format!(
                "{}:1: The policy template `none` does not exist. (ended after 0 of 12 things)",
                named("z.jsonl")
            )
        );
        drop(server);
    }
    let error = place.treeline("import", &["Cargo.toml"]);
    assert!(text(&error.stderr).contains("its name ends with none of .cedar"));
}

#[test]
fn an_export_is_what_an_import_reads() {
    let place = Place::new();
    place.imported(&["--create"]);
    let (first, second) = (
        place.home.path().join("first"),
        place.home.path().join("second"),
    );
    let exported = |to: &Path| {
        let output = place.treeline("export", &["--output", to.to_str().unwrap()]);
        assert_eq!(text(&output.stderr), "1 template\n10 linked policies\n");
        let mut files: Vec<_> = fs::read_dir(to)
            .unwrap()
            .map(|file| file.unwrap().path())
            .collect();
        files.sort();
        let content = |file: PathBuf| {
            (
                file.file_name().unwrap().to_owned(),
                fs::read_to_string(file).unwrap(),
            )
        };
        files.into_iter().map(content).collect::<Vec<_>>()
    };
    // A file of an earlier export that this one has not is gone, others stay.
    fs::create_dir(&first).unwrap();
    fs::write(first.join("policies.cedar"), "old").unwrap();
    fs::write(first.join("README.md"), "mine").unwrap();
    let files = exported(&first);
    let names: Vec<_> = files
        .iter()
        .map(|(name, _)| name.to_str().unwrap())
        .collect();
    assert_eq!(names, ["README.md", "links.jsonl", "templates.cedar"]);
    let server = Server::start(&place.data());
    assert_eq!(exported(&second)[..], files[1..]);
    drop(server);
    let other = Place::new();
    let output = other.treeline("import", &[second.to_str().unwrap(), "--create"]);
    assert_eq!(text(&output.stdout), CREATED);
    let third = other.home.path().join("third.jsonl");
    let export = |of: &Place, args: &[&str]| {
        let output = of.treeline("export", args);
        assert!(output.status.success(), "{}", text(&output.stderr));
        output.stdout
    };
    export(&other, &["--output", third.to_str().unwrap()]);
    assert_eq!(fs::read(third).unwrap(), export(&place, &[]));
}

#[test]
fn the_socket_is_the_operators_and_goes_with_the_server() {
    let place = Place::new();
    let socket = place.data().join("operator.sock");
    assert!(!socket.exists());
    let server = Server::start(&place.data());
    let file = fs::metadata(&socket).unwrap();
    assert!(file.file_type().is_socket());
    assert_eq!(file.permissions().mode() & 0o777, 0o600);
    let answer = |request: &str| {
        let mut stream = UnixStream::connect(&socket).unwrap();
        stream.write_all(request.as_bytes()).unwrap();
        let mut answer = String::new();
        std::io::Read::read_to_string(&mut stream, &mut answer).unwrap();
        answer
    };
    let nothing = "GET /import HTTP/1.1\r\nhost: o\r\nconnection: close\r\n\r\n";
    assert!(answer(nothing).starts_with("HTTP/1.1 404 "));
    // Whoever goes away without saying that this was all has nothing removed.
    place.imported(&["--create"]);
    let start = "{\"region\":\"us-east-1\",\"account\":\"000000000000\",\"policyStoreId\":\"S\",\
                 \"create\":null,\"options\":{\"dryRun\":false,\"delete\":true,\"differences\":0}}\n";
    let cut_off = format!(
        "POST /import HTTP/1.1\r\nhost: o\r\nconnection: close\r\ncontent-length: {}\r\n\r\n{start}",
        start.len()
    );
    assert!(answer(&cut_off).contains("\"failed\""));
    assert_eq!(place.imported(&["--dry-run"]).lines().count(), 3);
    server.kill();
    assert!(socket.exists(), "left behind");
    let server = Server::start(&place.data());
    assert_eq!(place.imported(&[]), UNCHANGED);
    server.signal("TERM");
    server.wait();
    assert!(!socket.exists());
}

#[test]
fn a_policy_store_has_an_alias_and_one_place() {
    let place = Place::new();
    let data = place.data();
    let files = place.files();
    let import = |store: &str, more: &[&str]| {
        let (data, files) = (data.to_str().unwrap(), files.to_str().unwrap());
        let args = ["import", "--data-dir", data, "--policy-store", store, files];
        run(Path::new("/nowhere"), &[&args[..], more].concat())
    };
    let alias = "policy-store-alias/photos";
    assert_eq!(text(&import(alias, &["--create"]).stdout), CREATED);
    assert_eq!(text(&import(alias, &[]).stdout), UNCHANGED);
    // So may another one in another Region; then it has to be said which is meant.
    let elsewhere = ["--region", "eu-west-1"];
    let error = import(alias, &elsewhere);
    assert!(text(&error.stderr).contains("there is no policy store `policy-store-alias/photos`"));
    let created = import(alias, &[&elsewhere[..], &["--create"]].concat());
    assert_eq!(text(&created.stdout), CREATED);
    let error = import(alias, &[]);
    let both =
        "`policy-store-alias/photos` in us-east-1/000000000000 and in eu-west-1/000000000000";
    assert!(text(&error.stderr).contains(both));
    assert_eq!(text(&import(alias, &elsewhere).stdout), UNCHANGED);
    // An id is taken once, wherever that is.
    assert_eq!(
        text(&import("S", &[&elsewhere[..], &["--create"]].concat()).stdout),
        CREATED
    );
    assert_eq!(text(&import("S", &[]).stdout), UNCHANGED);
    let error = import("S", &["--create", "--region", "us-east-1"]);
    assert!(text(&error.stderr).contains("is taken in another Region or account"));
}
