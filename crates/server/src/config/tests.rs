use std::collections::BTreeMap;
use std::fs;

use clap::Args;

use super::*;

fn home(xdg: &str, home: &str) -> DataHome {
    let path = |text: &str| (!text.is_empty()).then(|| text.into());
    DataHome {
        xdg_data_home: path(xdg),
        home: path(home),
        root: false,
    }
}

fn settings(toml: &str) -> Settings {
    toml::from_str(toml).unwrap()
}

#[test]
fn without_settings_everything_has_its_default() {
    let config = Config::load(Settings::default(), None, &home("", "/home/ada")).unwrap();
    assert_eq!(
        config.data_dir,
        Path::new("/home/ada/.local/share/treeline")
    );
    assert_eq!(
        config.iam_file,
        Path::new("/home/ada/.local/share/treeline/iam.json")
    );
    assert!(config.default_data_dir && config.owns_iam_file());
    assert_eq!(config.http.to_string(), "127.0.0.1:4100");
    assert_eq!(config.region.as_str(), "us-east-1");
    assert_eq!(config.log.0.to_string(), "info");
    assert_eq!(config.log_format, LogFormat::Text);
    assert_eq!(config.options.quotas, Quotas::default());
    assert!(!config.options.allow_unconstrained_template_scope);
    assert!(!config.options.request_rates);
}

#[test]
fn the_data_directory_follows_the_environment() {
    for (xdg, user, dir) in [
        ("/data", "/home/ada", Some("/data/treeline")),
        ("/data", "", Some("/data/treeline")),
        ("", "/home/ada", Some("/home/ada/.local/share/treeline")),
        (
            "relative",
            "/home/ada",
            Some("/home/ada/.local/share/treeline"),
        ),
        ("", "", None),
        ("relative", "relative", None),
    ] {
        match Config::load(Settings::default(), None, &home(xdg, user)) {
            Ok(config) => assert_eq!(config.data_dir.to_str(), dir, "{xdg:?} {user:?}"),
            Err(error) => {
                assert_eq!(dir, None, "{xdg:?} {user:?}");
                let text = "there is no place for the data directory: give --data-dir, or set HOME";
                assert_eq!(error.to_string(), text);
            }
        }
    }
}

#[test]
fn roots_data_is_where_other_users_can_reach_it() {
    for (xdg, dir) in [("", "/var/lib/treeline"), ("/data", "/data/treeline")] {
        let home = DataHome {
            root: true,
            ..home(xdg, "/root")
        };
        let config = Config::load(Settings::default(), None, &home).unwrap();
        assert_eq!(config.data_dir, Path::new(dir), "{xdg:?}");
    }
}

#[test]
fn a_certificate_needs_its_key() {
    for (text, good) in [
        ("", true),
        ("tls-certificate = \"/c\"", false),
        ("tls-key = \"/k\"", false),
        ("tls-certificate = \"/c\"\ntls-key = \"/k\"", true),
    ] {
        let config = Config::load(settings(text), None, &home("/data", ""));
        assert_eq!(config.is_ok(), good, "{text}");
    }
}

#[test]
fn postgres_listens_on_loopback_unless_it_is_off() {
    for (text, expected) in [
        ("", &["127.0.0.1:5432"][..]),
        ("postgres = \"off\"", &[]),
        ("postgres = \"[::1]:1,vpc=v\"", &["[::1]:1"]),
        (
            "postgres-listeners = \"127.0.0.1:2\"",
            &["127.0.0.1:5432", "127.0.0.1:2"],
        ),
    ] {
        let config = Config::load(settings(text), None, &home("/data", "")).unwrap();
        let listeners = config.postgres.listeners.iter();
        let addresses: Vec<String> = listeners.map(|l| l.address.to_string()).collect();
        assert_eq!(addresses, expected, "{text}");
    }
}

#[test]
fn settings_come_before_the_file_and_the_file_before_defaults() {
    let dir = tempfile::tempdir().unwrap();
    let file = dir.path().join("treeline.toml");
    fs::write(
        &file,
        "region = \"eu-west-1\"\nhttp = \"[::1]:1\"\ndata-dir = \"/d\"",
    )
    .unwrap();
    let config = Config::load(settings("http = \"[::1]:2\""), Some(&file), &home("", "")).unwrap();
    assert_eq!(config.http.to_string(), "[::1]:2");
    assert_eq!(config.region.as_str(), "eu-west-1");
    assert_eq!(config.iam_file, Path::new("/d/iam.json"));
    assert!(!config.default_data_dir);
    assert_eq!(config.log_format, LogFormat::Text);
}

#[test]
fn only_the_data_directorys_own_account_file_is_created() {
    for (iam_file, owned) in [
        ("/d/iam.json", true),
        ("/d/other.json", false),
        ("/iam.json", false),
    ] {
        let text = format!("data-dir = \"/d\"\niam-file = \"{iam_file}\"");
        let config = Config::resolve(settings(&text), &home("", "")).unwrap();
        assert_eq!(config.owns_iam_file(), owned, "{iam_file}");
    }
}

#[test]
fn paths_become_absolute() {
    let text = "data-dir = \"d\"\niam-file = \"i.json\"";
    let config = Config::resolve(settings(text), &home("", "")).unwrap();
    let here = std::env::current_dir().unwrap();
    assert_eq!(config.data_dir, here.join("d"));
    assert_eq!(config.iam_file, here.join("i.json"));
}

/// The members of the quotas by name, as their `Debug` prints them.
fn members(quotas: &Quotas) -> BTreeMap<String, String> {
    let text = format!("{quotas:?}");
    let list = text
        .trim_start_matches("Quotas { ")
        .trim_end_matches(" }")
        .to_owned();
    let pairs = list.split(", ").map(|pair| pair.split_once(": ").unwrap());
    pairs
        .map(|(name, value)| (name.to_owned(), value.to_owned()))
        .collect()
}

#[test]
fn each_quota_has_its_own_key_whose_help_tells_its_default() {
    let defaults = members(&Quotas::default());
    let command = Settings::augment_args(clap::Command::new("test"));
    for (name, default) in &defaults {
        let key = format!("quota-{}", name.replace('_', "-"));
        let arg = command
            .get_arguments()
            .find(|arg| arg.get_long() == Some(&key))
            .unwrap();
        let help = arg.get_help().unwrap().to_string();
        assert!(help.ends_with(&format!("[default: `{default}`]")), "{help}");

        let config = Config::resolve(settings(&format!("{key} = 7")), &home("", "/h")).unwrap();
        let mut expected = defaults.clone();
        expected.insert(name.clone(), "7".to_owned());
        assert_eq!(members(&config.options.quotas), expected);
    }
}

#[test]
fn the_switches_reach_the_service() {
    let options = |file: &str| {
        Config::resolve(settings(file), &home("", "/h"))
            .unwrap()
            .options
    };
    let template = options("allow-unconstrained-template-scope = true");
    assert!(template.allow_unconstrained_template_scope && !template.request_rates);
    let rates = options("request-rates = true");
    assert!(rates.request_rates && !rates.allow_unconstrained_template_scope);
}
