//! Why a client is not let in, in the words of Aurora DSQL.
//!
//! INVARIANT: until a session begins, a client hears of an error through [`Refusal::message`] and
//! in no other way, and what it says has no secret, no token, and nothing of the database's
//! inside.

use std::borrow::Cow;

use bytes::Bytes;

use crate::frames;

/// An error that ends a connection before its session begins.
#[derive(Clone, PartialEq, Eq, Debug)]
pub(crate) struct Refusal {
    /// `FATAL` in every case that is known.
    pub(crate) severity: &'static str,
    /// The SQLSTATE.
    pub(crate) sqlstate: Cow<'static, str>,
    /// The message.
    pub(crate) message: Cow<'static, str>,
    /// The reason, where the message only says that access is denied.
    pub(crate) hint: Option<String>,
}

impl Refusal {
    fn new(sqlstate: &'static str, message: impl Into<Cow<'static, str>>) -> Self {
        Self {
            severity: "FATAL",
            sqlstate: sqlstate.into(),
            message: message.into(),
            hint: None,
        }
    }

    fn with_hint(mut self, hint: impl Into<String>) -> Self {
        self.hint = Some(hint.into());
        self
    }

    /// Whoever asks may not come in; `reason` says why. Recorded: SQLSTATE, message, and that the
    /// reason is the hint.
    pub(crate) fn access_denied(reason: impl Into<String>) -> Self {
        Self::new("08006", "unable to accept connection, access denied").with_hint(reason)
    }

    /// `IAM` lets the caller connect in the other way only. Recorded.
    pub(crate) fn wrong_action(user: &str, action: &str) -> Self {
        Self::access_denied(format!(
            "Wrong user to action mapping. user: {user}, action: {action}"
        ))
    }

    /// The cluster is of another account, or there is none: who asks cannot tell which. Recorded
    /// for another account's cluster.
    pub(crate) fn not_your_cluster(arn: &str) -> Self {
        Self::access_denied(format!(
            "User: {arn} is not authorized to access this resource"
        ))
    }

    /// The client did not say which host it connects to, nor which cluster. Source: the user
    /// guide, "Troubleshooting"; the hint is of our own.
    pub(crate) fn no_server_name(example: &str) -> Self {
        Self::new("08006", "unable to accept connection, sni was not received").with_hint(format!(
            "Connect to the host {example}, or give the startup option \
             \"-c amzn-cluster-id=<cluster identifier>\"."
        ))
    }

    /// No TLS. The connectors' own tests look for the first three words.
    pub(crate) fn plaintext() -> Self {
        Self::new(
            "08P01",
            "SSL is mandatory: unable to accept an unencrypted connection",
        )
    }

    /// Another major version of the protocol: PostgreSQL's message.
    pub(crate) fn protocol_version(version: u32) -> Self {
        let (major, minor) = (version >> 16, version & 0xffff);
        Self::new(
            "0A000",
            format!("unsupported frontend protocol {major}.{minor}: server supports 3.0 to 3.0"),
        )
    }

    /// A message that breaks the protocol: messages of PostgreSQL.
    pub(crate) fn protocol_violation(message: &'static str) -> Self {
        Self::new("08P01", message)
    }

    /// Names and values are UTF-8: PostgreSQL's message.
    pub(crate) fn invalid_encoding() -> Self {
        Self::new("22021", "invalid byte sequence for encoding \"UTF8\"")
    }

    /// PostgreSQL's message.
    pub(crate) fn no_user() -> Self {
        Self::new(
            "28000",
            "no PostgreSQL user name specified in startup packet",
        )
    }

    /// A cluster has one database. The message is PostgreSQL's.
    pub(crate) fn no_such_database(name: &str) -> Self {
        Self::new("3D000", format!("database \"{name}\" does not exist"))
    }

    /// A startup parameter that cannot be set. Recorded.
    pub(crate) fn parameter(name: &str) -> Self {
        Self::new(
            "0A000",
            format!("setting configuration parameter \"{name}\" not supported"),
        )
    }

    /// A value that a startup parameter cannot have: PostgreSQL's message.
    pub(crate) fn parameter_value(name: &str, value: &str) -> Self {
        Self::new(
            "22023",
            format!("invalid value for parameter \"{name}\": \"{value}\""),
        )
    }

    /// A word of `options` that is no setting: PostgreSQL's message.
    pub(crate) fn option_word(word: &str) -> Self {
        Self::new(
            "42601",
            format!("invalid command-line argument for server process: {word}"),
        )
    }

    /// A setting in `options` without a value: PostgreSQL's message.
    pub(crate) fn option_value(word: &str) -> Self {
        Self::new("42601", format!("{word} requires a value"))
    }

    /// The backend has refused the value of a parameter that can be set: its own words, which are
    /// about what the client sent.
    pub(crate) fn of_backend(sqlstate: String, message: String) -> Self {
        Self {
            sqlstate: sqlstate.into(),
            ..Self::new("", message)
        }
    }

    /// More connections to a cluster than it may have. Source: the user guide, "Cluster quotas".
    pub(crate) fn too_many_connections() -> Self {
        Self::new(
            "53300",
            "Unable to accept connection, too many open connections.",
        )
    }

    /// More new connections in a second. Source: the user guide, "Cluster quotas".
    pub(crate) fn rate_exceeded() -> Self {
        Self::new("53400", "Unable to accept connection, rate exceeded.")
    }

    /// Something of the server does not work; the log says what.
    pub(crate) fn unavailable() -> Self {
        Self::new("XX000", "unable to accept connection, server unavailable")
    }

    /// The login took too long: PostgreSQL's message for `authentication_timeout`.
    pub(crate) fn too_slow() -> Self {
        Self::new("57014", "canceling authentication due to timeout")
    }

    /// The server ends: PostgreSQL's message.
    pub(crate) fn shutting_down() -> Self {
        Self::new(
            "57P01",
            "terminating connection due to administrator command",
        )
    }

    /// The `ErrorResponse`.
    pub(crate) fn message(&self) -> Bytes {
        frames::error_response(&[
            (b'S', Some(self.severity)),
            (b'V', Some(self.severity)),
            (b'C', Some(self.sqlstate.as_ref())),
            (b'M', Some(self.message.as_ref())),
            (b'H', self.hint.as_deref()),
        ])
    }
}
