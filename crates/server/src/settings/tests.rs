use std::collections::BTreeSet;

use clap::{Arg, Args, CommandFactory, Parser};

use super::*;

const PAGE: &str = include_str!("../../../../docs/configuration.md");

#[derive(Parser)]
struct Flags {
    #[command(flatten)]
    settings: Settings,
}

fn key(arg: &Arg) -> String {
    arg.get_long().unwrap().to_owned()
}

fn arguments() -> Vec<Arg> {
    Settings::augment_args(clap::Command::new("test"))
        .get_arguments()
        .cloned()
        .collect()
}

/// A value for every key, to try its flag and its place in the file.
fn sample(key: &str) -> (&'static str, &'static str) {
    match key {
        "data-dir" => ("/d", "\"/d\""),
        "http" => ("[::1]:80", "\"[::1]:80\""),
        "iam-file" => ("/iam.json", "\"/iam.json\""),
        "region" => ("eu-west-1", "\"eu-west-1\""),
        "listeners" => (
            "127.0.0.1:1,vpc=vpc-1 127.0.0.1:2",
            "\"127.0.0.1:1,vpc=vpc-1 127.0.0.1:2\"",
        ),
        "regions" => ("us-east-1 us-east-2", "\"us-east-1 us-east-2\""),
        "decision-log" => ("/d.jsonl", "\"/d.jsonl\""),
        "dsql-endpoint-suffix" => ("db.example.com", "\"db.example.com\""),
        seconds if seconds.ends_with("-seconds") => ("0.5", "0.5"),
        "log" => ("warn,store=debug", "\"warn,store=debug\""),
        "log-format" => ("json", "\"json\""),
        "dsql-conflicts" => ("statement", "\"statement\""),
        "allow-unconstrained-template-scope" | "request-rates" => ("true", "true"),
        "postgres" => ("127.0.0.1:1,vpc=vpc-1", "\"127.0.0.1:1,vpc=vpc-1\""),
        "postgres-listeners" => ("127.0.0.1:1 127.0.0.1:2", "\"127.0.0.1:1 127.0.0.1:2\""),
        "postgres-binaries" | "tls-certificate" | "tls-key" => ("/d", "\"/d\""),
        "postgres-user" => ("u", "\"u\""),
        "postgres-external" => ("host=h user=u", "\"host=h user=u\""),
        "dsql-connections" | "dsql-connection-rate" => ("7", "7"),
        "dsql-faults" => (
            "oc000 every=3; oc001 next=1 table=a,b",
            "\"oc000 every=3; oc001 next=1 table=a,b\"",
        ),
        "compiled-policy-bytes" => ("7", "7"),
        "identity-provider-networks" => ("127.0.0.0/8 ::1/128", "\"127.0.0.0/8 ::1/128\""),
        "identity-provider-ca" => ("/ca.pem", "\"/ca.pem\""),
        "cognito-issuers" => ("p_1=http://a http://b", "\"p_1=http://a http://b\""),
        quota if quota.starts_with("quota-") => ("7", "7"),
        other => panic!("give a sample of `{other}`"),
    }
}

#[test]
fn every_flag_has_its_environment_variable() {
    for arg in arguments() {
        let variable = format!("TREELINE_{}", key(&arg).to_uppercase().replace('-', "_"));
        assert_eq!(arg.get_env().unwrap().to_str(), Some(variable.as_str()));
    }
}

#[test]
fn every_flag_means_the_same_in_the_file() {
    for key in arguments().iter().map(key) {
        let (flag, value) = sample(&key);
        let from_flag = Flags::try_parse_from(["treeline", &format!("--{key}={flag}")]);
        let from_flag = from_flag
            .map_err(|error| error.to_string())
            .unwrap()
            .settings;
        let from_file: Settings = toml::from_str(&format!("{key} = {value}")).unwrap();
        assert_ne!(from_flag, Settings::default(), "{key}");
        assert_eq!(from_flag, from_file, "{key}");
    }
}

#[test]
fn an_upper_layer_wins_for_every_key() {
    for key in arguments().iter().map(key) {
        let set: Settings = toml::from_str(&format!("{key} = {}", sample(&key).1)).unwrap();
        assert_eq!(set.clone().or(Settings::default()), set, "{key}");
        assert_eq!(Settings::default().or(set.clone()), set, "{key}");
    }
    let [upper, lower]: [Settings; 2] = [
        "region = \"a\"\nhttp = \"[::1]:1\"",
        "region = \"b\"\nlog-format = \"json\"",
    ]
    .map(|text| toml::from_str(text).unwrap());
    let merged = "region = \"a\"\nhttp = \"[::1]:1\"\nlog-format = \"json\"";
    assert_eq!(upper.or(lower), toml::from_str(merged).unwrap());
}

#[test]
fn a_switch_needs_no_value_and_takes_one() {
    for (ending, value) in [("", true), ("=true", true), ("=false", false)] {
        let flags = ["--allow-unconstrained-template-scope", "--request-rates"];
        let flags = flags.map(|flag| format!("{flag}{ending}"));
        let program = "treeline".to_owned();
        let settings = Flags::parse_from([program].into_iter().chain(flags)).settings;
        assert_eq!(settings.allow_unconstrained_template_scope, Some(value));
        assert_eq!(settings.request_rates, Some(value));
    }
}

#[test]
fn a_length_of_time_is_a_number_of_seconds() {
    for (text, millis) in [("0", 0), ("2", 2_000), ("0.5", 500)] {
        let seconds = Seconds(std::time::Duration::from_millis(millis));
        assert_eq!(text.parse(), Ok(seconds), "{text}");
        let file = format!("dsql-idle-seconds = {text}");
        let settings: Settings = toml::from_str(&file).unwrap();
        assert_eq!(settings.dsql_idle_seconds, Some(seconds), "{file}");
    }
    for text in ["", "-1", "2s", "NaN", "inf", "1e30"] {
        assert!(text.parse::<Seconds>().is_err(), "{text}");
    }
}

#[test]
fn the_external_server_is_not_shown() {
    let url = "postgres://u:secret@h/";
    let flag = format!("--postgres-external={url}");
    let settings = Flags::parse_from(["treeline", &flag]).settings;
    assert!(!format!("{settings:?}").contains("secret"));
    assert_eq!(settings.postgres_external, Some(url.parse().unwrap()));
}

#[test]
fn a_domain_is_labels_with_dots() {
    for (text, good) in [
        ("on.aws", true),
        ("localhost", true),
        ("", false),
        (".aws", false),
    ] {
        assert_eq!(text.parse::<Domain>().is_ok(), good, "{text}");
    }
}

#[test]
fn rules_are_separated_by_semicolons() {
    let rules: FaultRules = " oc000 ;; oc001 nth=2;".parse().unwrap();
    let written: Vec<String> = rules.0.iter().map(ToString::to_string).collect();
    assert_eq!(written, ["oc000 rate=1", "oc001 nth=2"]);
    assert_eq!("".parse(), Ok(FaultRules::default()));
    assert!("oc000, oc001".parse::<FaultRules>().is_err());
}

#[test]
fn a_misspelt_level_is_no_log_filter() {
    for text in [
        "info",
        "OFF",
        "debug,store=trace",
        "frontdoor=warn",
        "store=info,warn",
    ] {
        assert!(text.parse::<LogFilter>().is_ok(), "{text}");
    }
    for text in ["", "inof", "store", "info,store", "store=loud"] {
        assert!(text.parse::<LogFilter>().is_err(), "{text}");
    }
}

/// The row of the page that the definition of a key gives.
fn row(arg: &Arg) -> String {
    let (key, help) = (
        key(arg),
        arg.get_help().unwrap().to_string().replace('\n', " "),
    );
    let (meaning, default) = help.rsplit_once(" [default: ").unwrap();
    let value = arg.get_value_names().unwrap().first().unwrap();
    let default = default.trim_end_matches(']');
    let variable = arg.get_env().unwrap().to_str().unwrap();
    format!("| `{key}` | `--{key} {value}` | `{variable}` | {default} | {meaning} |")
}

#[test]
fn the_page_has_a_row_for_every_key_and_for_nothing_else() {
    let rows: BTreeSet<String> = arguments().iter().map(row).collect();
    let is_row = |line: &&str| line.starts_with("| `") && line.contains("`TREELINE_");
    let page: BTreeSet<String> = PAGE.lines().filter(is_row).map(str::to_owned).collect();
    let missing: Vec<_> = rows.difference(&page).collect();
    let stale: Vec<_> = page.difference(&rows).collect();
    assert!(
        missing.is_empty() && stale.is_empty(),
        "missing: {missing:#?}\nstale: {stale:#?}"
    );
}

#[test]
fn the_command_line_is_consistent() {
    crate::cli::Cli::command().debug_assert();
}
