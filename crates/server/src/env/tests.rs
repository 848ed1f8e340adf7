use std::fs;
use std::net::TcpListener;

use super::*;
use crate::config::DataHome;
use crate::settings::Settings;

/// Two accounts; the second has a root key and a user with an inactive key.
const ACCOUNTS: &str = r#"[
  { "AccountId": "000000000000",
    "AccessKeys": [
      { "AccessKeyId": "AKIAADMIN00000000000", "SecretAccessKey": "se'cr$et", "UserName": "admin" },
      { "AccessKeyId": "AKIABOB0000000000000", "SecretAccessKey": "bob", "UserName": "bob" } ],
    "UserDetailList": [
      { "UserName": "admin", "UserId": "AIDAADMIN", "Arn": "arn:aws:iam::000000000000:user/admin" },
      { "UserName": "bob", "UserId": "AIDABOB", "Arn": "arn:aws:iam::000000000000:user/bob" } ] },
  { "AccountId": "111122223333",
    "AccessKeys": [
      { "AccessKeyId": "AKIAEVE0000000000000", "SecretAccessKey": "e", "UserName": "eve", "Status": "Inactive" },
      { "AccessKeyId": "AKIAROOT000000000000", "SecretAccessKey": "root", "Root": true } ],
    "UserDetailList": [
      { "UserName": "eve", "UserId": "AIDAEVE", "Arn": "arn:aws:iam::111122223333:user/eve" } ] }
]"#;

struct Fixture {
    dir: tempfile::TempDir,
    config: Config,
}

impl Fixture {
    /// A data directory with accounts, and a configuration with this address.
    fn new(http: &str) -> Self {
        let dir = tempfile::tempdir().unwrap();
        fs::write(dir.path().join("iam.json"), ACCOUNTS).unwrap();
        let settings = Settings {
            data_dir: Some(dir.path().to_owned()),
            http: Some(http.parse().unwrap()),
            ..Settings::default()
        };
        let config = Config::load(settings, None, &DataHome::default()).unwrap();
        Self { dir, config }
    }

    /// As a server that listens on `http` leaves it.
    fn running(self, http: &str) -> Self {
        let (http, iam_file) = (http.parse().unwrap(), self.config.iam_file.clone());
        let file = ServerFile {
            http,
            region: "eu-west-1".to_owned(),
            iam_file,
            postgres: None,
            tls_authority: None,
        };
        file.write(self.dir.path()).unwrap();
        self
    }

    /// What is written to standard output and standard error.
    fn env(&self, typed: Typed, owner: &Owner) -> Result<(String, String), String> {
        let (mut out, mut notes) = (Vec::new(), Vec::new());
        run(&self.config, typed, owner, &mut out, &mut notes).map_err(|error| error.to_string())?;
        Ok((
            String::from_utf8(out).unwrap(),
            String::from_utf8(notes).unwrap(),
        ))
    }

    fn note(&self, url: &str) -> String {
        let dir = self.dir.path().display();
        format!("treeline: no server seems to run at {url} on the data directory {dir}\n")
    }
}

#[test]
fn postgresql_clients_are_taken_to_the_server() {
    let fixture = Fixture::new("127.0.0.1:1");
    let file = ServerFile {
        http: "127.0.0.1:1".parse().unwrap(),
        region: "us-east-1".to_owned(),
        iam_file: fixture.config.iam_file.clone(),
        postgres: Some("0.0.0.0:5433".parse().unwrap()),
        tls_authority: Some("/a b/ca.pem".into()),
    };
    file.write(fixture.dir.path()).unwrap();
    let (out, _) = fixture.env(Typed::default(), &Owner::default()).unwrap();
    let expected = "export PGHOSTADDR='127.0.0.1'\nexport PGPORT='5433'\n\
                    export PGSSLMODE='verify-full'\nexport PGSSLROOTCERT='/a b/ca.pem'\n\
                    export NODE_EXTRA_CA_CERTS='/a b/ca.pem'\n";
    assert!(out.contains(expected), "{out}");
}

#[test]
fn the_running_servers_address_is_exported() {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let http = listener.local_addr().unwrap();
    let fixture = Fixture::new("127.0.0.1:0").running(&http.to_string());
    let (out, notes) = fixture.env(Typed::default(), &Owner::default()).unwrap();
    let expected = format!(
        r"export AWS_ENDPOINT_URL_VERIFIEDPERMISSIONS='http://{http}'
export AWS_ENDPOINT_URL_DSQL='http://{http}'
export AWS_ENDPOINT_URL_STS='http://{http}'
export AWS_ACCESS_KEY_ID='AKIAADMIN00000000000'
export AWS_SECRET_ACCESS_KEY='se'\''cr$et'
export AWS_REGION='eu-west-1'
export AWS_DEFAULT_REGION='eu-west-1'
unset AWS_SESSION_TOKEN AWS_SECURITY_TOKEN AWS_PROFILE AWS_DEFAULT_PROFILE AWS_IGNORE_CONFIGURED_ENDPOINT_URLS
"
    );
    assert_eq!((out, notes.as_str()), (expected, ""));
}

#[test]
fn a_typed_flag_wins_over_the_running_server() {
    let fixture = Fixture::new("127.0.0.1:1").running("127.0.0.1:2");
    for (typed, http, region) in [
        (Typed::default(), "127.0.0.1:2", "eu-west-1"),
        (
            Typed {
                http: true,
                ..Typed::default()
            },
            "127.0.0.1:1",
            "eu-west-1",
        ),
        (
            Typed {
                region: true,
                ..Typed::default()
            },
            "127.0.0.1:2",
            "us-east-1",
        ),
    ] {
        let (out, notes) = fixture.env(typed, &Owner::default()).unwrap();
        assert!(
            out.contains(&format!("_DSQL='http://{http}'")),
            "{typed:?} {out}"
        );
        assert!(
            out.contains(&format!("AWS_REGION='{region}'")),
            "{typed:?} {out}"
        );
        assert_eq!(
            notes,
            fixture.note(&format!("http://{http}")),
            "nothing listens on these ports"
        );
    }
}

#[test]
fn without_a_server_the_configured_address_is_exported_with_a_note() {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let http = listener.local_addr().unwrap().to_string();
    let fixture = Fixture::new(&http);
    let (out, notes) = fixture.env(Typed::default(), &Owner::default()).unwrap();
    assert!(out.contains(&format!("_DSQL='http://{http}'")), "{out}");
    assert_eq!(notes, fixture.note(&format!("http://{http}")));
}

#[test]
fn without_a_server_port_0_is_no_address() {
    let fixture = Fixture::new("127.0.0.1:0");
    let expected = format!(
        "no server runs on the data directory {}, and port 0 means that it chooses its port when \
         it starts",
        fixture.dir.path().display()
    );
    assert_eq!(
        fixture.env(Typed::default(), &Owner::default()),
        Err(expected)
    );
}

#[test]
fn the_owner_of_the_key_can_be_chosen() {
    let fixture = Fixture::new("127.0.0.1:1");
    let none = "has no active access key";
    for (user, account, expected) in [
        (None, None, Ok("AKIAADMIN00000000000")),
        (Some("bob"), None, Ok("AKIABOB0000000000000")),
        (
            Some("bob"),
            Some("000000000000"),
            Ok("AKIABOB0000000000000"),
        ),
        (None, Some("000000000000"), Ok("AKIAADMIN00000000000")),
        (None, Some("111122223333"), Ok("AKIAROOT000000000000")),
        (Some("eve"), None, Err(format!("{none} of user `eve`"))),
        (
            Some("bob"),
            Some("111122223333"),
            Err(format!("{none} of user `bob` in account 111122223333")),
        ),
        (
            None,
            Some("999999999999"),
            Err(format!("{none} in account 999999999999")),
        ),
    ] {
        let owner = Owner {
            user: user.map(str::to_owned),
            account: account.map(|id: &str| id.parse().unwrap()),
        };
        match (fixture.env(Typed::default(), &owner), expected) {
            (Ok((out, _)), Ok(key)) => {
                assert!(
                    out.contains(&format!("AWS_ACCESS_KEY_ID='{key}'")),
                    "{owner:?} {out}"
                );
            }
            (Err(error), Err(end)) => {
                let file = fixture.dir.path().join("iam.json");
                assert_eq!(error, format!("account file {} {end}", file.display()));
            }
            (found, expected) => panic!("{owner:?}: {expected:?}, not {found:?}"),
        }
    }
}

#[test]
fn an_address_for_all_interfaces_becomes_one_of_this_machine() {
    for (http, expected) in [
        ("0.0.0.0:4100", "http://127.0.0.1:4100"),
        ("[::]:4100", "http://[::1]:4100"),
        ("192.0.2.1:80", "http://192.0.2.1:80"),
    ] {
        assert_eq!(url(http.parse().unwrap()), expected);
    }
}

#[test]
fn a_word_is_quoted_only_if_it_must_be() {
    for (value, word) in [
        ("target/release/treeline", "target/release/treeline"),
        ("", "''"),
        ("a b", "'a b'"),
        ("it's", r"'it'\''s'"),
        ("$(rm)", "'$(rm)'"),
        ("~/x", "'~/x'"),
    ] {
        assert_eq!(shell_word(value), word);
    }
}
