//! What a client asks for in its `StartupMessage`.

use super::options;
use super::packet::Startup;
use crate::refusal::Refusal;

/// The one database of a cluster.
const DATABASE: &str = "postgres";
/// How a client that cannot send the cluster's host name chooses it, in `options`.
const CLUSTER: &str = "amzn_cluster_id";

/// What a client asks for.
#[derive(Clone, PartialEq, Eq, Debug)]
pub(crate) struct Requested {
    /// The role that it wants to be.
    pub(crate) user: String,
    /// The parameters that the session begins with; of equal names the last counts.
    pub(crate) settings: Vec<(String, String)>,
    /// The cluster that `options` name.
    pub(crate) cluster: Option<String>,
}

impl Requested {
    /// Reads the parameters.
    ///
    /// # Errors
    /// There is no user, the database is not `postgres`, or a parameter cannot be set.
    pub(crate) fn read(startup: Startup) -> Result<Self, Refusal> {
        let (mut user, mut database) = (String::new(), String::new());
        let (mut cluster, mut settings) = (None, Vec::new());
        // PostgreSQL takes the settings of `options` first, wherever they stand.
        let mut sent = Vec::new();
        for (name, value) in startup.parameters {
            match name.as_str() {
                "user" => user = value,
                "database" => database = value,
                "options" => {
                    for (name, value) in options::read(&value)? {
                        if name == CLUSTER {
                            cluster = Some(value);
                        } else {
                            settings.push((name, value));
                        }
                    }
                }
                _ => sent.push((name, value)),
            }
        }
        settings.append(&mut sent);
        for (name, value) in &settings {
            check(name, value)?;
        }
        if user.is_empty() {
            return Err(Refusal::no_user());
        }
        if !database.is_empty() && database != DATABASE {
            return Err(Refusal::no_such_database(&database));
        }
        Ok(Self {
            user,
            settings,
            cluster,
        })
    }
}

fn check(name: &str, value: &str) -> Result<(), Refusal> {
    let known = name.to_ascii_lowercase();
    let possible = match known.as_str() {
        "client_encoding" => is_utf8(value),
        // The schema of the engine's own functions is none for clients.
        "search_path" => !value.to_ascii_lowercase().contains("pg_treeline"),
        known if dialect::SETTABLE.contains(&known) => true,
        _ => return Err(Refusal::parameter(name)),
    };
    if possible {
        Ok(())
    } else {
        Err(Refusal::parameter_value(name, value))
    }
}

/// Whether texts in this encoding are UTF-8 as they are: what the gateway reads in a text must be
/// what the backend reads in it. In SQL_ASCII nothing is converted either. PostgreSQL looks only
/// at letters and digits of the name.
fn is_utf8(encoding: &str) -> bool {
    let known = encoding.chars().filter(char::is_ascii_alphanumeric);
    let name: String = known.map(|c| c.to_ascii_lowercase()).collect();
    matches!(name.as_str(), "utf8" | "unicode" | "sqlascii")
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(parameters: &[(&str, &str)]) -> Result<Requested, Refusal> {
        let owned = |(name, value): &(&str, &str)| ((*name).to_owned(), (*value).to_owned());
        Requested::read(Startup {
            minor: 0,
            parameters: parameters.iter().map(owned).collect(),
            protocol_options: Vec::new(),
        })
    }

    #[test]
    fn what_drivers_send_is_accepted() {
        for parameters in [
            &[("user", "admin")][..],
            &[("user", "admin"), ("database", "")],
            &[
                ("user", "admin"),
                ("database", "postgres"),
                ("application_name", "psql"),
                ("client_encoding", "'utf-8'"),
                ("DateStyle", "ISO"),
                ("TimeZone", "UTC"),
                ("extra_float_digits", "2"),
            ],
        ] {
            let requested = read(parameters).unwrap();
            assert_eq!(requested.user, "admin");
            assert_eq!(requested.settings.len(), parameters.len().saturating_sub(2));
            assert_eq!(requested.cluster, None);
        }
    }

    #[test]
    fn options_come_first_and_the_cluster_is_none_of_the_settings() {
        let requested = read(&[
            ("user", "app"),
            ("search_path", "b"),
            (
                "options",
                "-c search_path=a --amzn-cluster-id=one -c amzn-cluster-id=two",
            ),
        ])
        .unwrap();
        assert_eq!(requested.cluster.as_deref(), Some("two"));
        let path = |value: &str| ("search_path".to_owned(), value.to_owned());
        assert_eq!(requested.settings, [path("a"), path("b")]);
    }

    #[test]
    fn the_rest_is_refused() {
        let no_user = "28000 no PostgreSQL user name specified in startup packet";
        let setting =
            |name: &str| format!("0A000 setting configuration parameter \"{name}\" not supported");
        for (parameters, refusal) in [
            (&[][..], no_user.to_owned()),
            (&[("user", "")], no_user.to_owned()),
            (
                &[("user", "admin"), ("database", "Postgres")],
                "3D000 database \"Postgres\" does not exist".to_owned(),
            ),
            (
                &[("user", "a"), ("replication", "database")],
                setting("replication"),
            ),
            (
                &[("user", "a"), ("replication", "false")],
                setting("replication"),
            ),
            (&[("user", "a"), ("role", "b")], setting("role")),
            (
                &[("user", "a"), ("statement_timeout", "1")],
                setting("statement_timeout"),
            ),
            (
                &[("user", "a"), ("amzn_cluster_id", "x")],
                setting("amzn_cluster_id"),
            ),
            (
                &[
                    ("user", "a"),
                    ("options", "-c default_transaction_read_only=on"),
                ],
                setting("default_transaction_read_only"),
            ),
            (
                &[
                    ("user", "a"),
                    ("options", "-c session_authorization=treeline"),
                ],
                setting("session_authorization"),
            ),
            (
                &[("user", "a"), ("Client_Encoding", "SJIS")],
                "22023 invalid value for parameter \"Client_Encoding\": \"SJIS\"".to_owned(),
            ),
            (
                &[("user", "a"), ("search_path", "x, \"pg_treeline\"")],
                "22023 invalid value for parameter \"search_path\": \"x, \"pg_treeline\"\""
                    .to_owned(),
            ),
        ] {
            let found = read(parameters).unwrap_err();
            assert_eq!(format!("{} {}", found.sqlstate, found.message), refusal);
        }
    }
}
