//! The errors that a session tells its client: those of the gateway, and the backend's, reworded.

use std::borrow::Cow;

use bytes::Bytes;
use dialect::Refusal;

use crate::frames;

/// An error in place of an answer.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Failure {
    sqlstate: &'static str,
    message: Cow<'static, str>,
    detail: Option<String>,
    hint: Option<String>,
    position: Option<u32>,
    /// Whether it precedes `25P02`.
    pub(super) syntax: bool,
    /// Whether the transaction is over, as after a COMMIT that failed.
    pub(super) ends_transaction: bool,
}

impl Failure {
    fn new(sqlstate: &'static str, message: impl Into<Cow<'static, str>>) -> Self {
        Self {
            sqlstate,
            message: message.into(),
            detail: None,
            hint: None,
            position: None,
            syntax: false,
            ends_transaction: false,
        }
    }

    /// More than one DDL statement. Recorded.
    pub(super) fn multiple_ddl() -> Self {
        Self::new(
            "0A000",
            "multiple ddl statements not supported in a transaction",
        )
    }

    /// DDL and DML together. Recorded.
    pub(super) fn ddl_with_dml() -> Self {
        Self::new(
            "0A000",
            "ddl and dml are not supported in the same transaction",
        )
    }

    /// A transaction that has lasted too long. Source: the DSQL skill's limits.
    pub(super) fn transaction_too_old(limit: u64, age: u64) -> Self {
        Self {
            detail: Some(format!("Current transaction age {age}s exceeds {limit}s")),
            ..Self::new(
                "54000",
                format!("transaction age limit of {limit}s exceeded"),
            )
        }
    }

    /// In answer to a COMMIT, after which the session is idle, whatever became of the transaction.
    pub(super) fn at_commit(self) -> Self {
        Self {
            ends_transaction: true,
            ..self
        }
    }

    /// A conflict with another transaction. Recorded.
    pub(super) fn conflict() -> Self {
        Self::new("40001", "change conflicts with another transaction (OC000)")
    }

    /// A conflict over the catalog. Recorded.
    pub(super) fn catalog_conflict() -> Self {
        Self::new(
            "40001",
            "schema has been updated by another transaction (OC001)",
        )
    }

    /// A key over PostgreSQL's own limit. Source: the DSQL skill's limits.
    pub(super) fn key_too_large() -> Self {
        Self::new("54000", "key size too large")
    }

    /// A query over the limit of temporary files. Source: the DSQL skill's limits.
    pub(super) fn query_too_large() -> Self {
        Self::new(
            "54000",
            "query requires more than allowed temp space of 131072 KB to execute",
        )
    }

    /// A key of a type that has no order. Recorded for other types.
    pub(super) fn not_a_key_type(name: &str) -> Self {
        Self::new(
            "0A000",
            format!("datatype {name} is not supported in a key"),
        )
    }

    /// Several statements where only one can stand: PostgreSQL's message.
    pub(super) fn several_prepared() -> Self {
        Self {
            syntax: true,
            ..Self::new(
                "42601",
                "cannot insert multiple commands into a prepared statement",
            )
        }
    }

    /// The function call protocol, which no driver uses.
    pub(super) fn function_call() -> Self {
        Self::new("0A000", "function call protocol is not supported")
    }

    /// A statement or portal with a name that the gateway keeps for itself.
    pub(super) fn reserved_name() -> Self {
        Self::new("42939", "the prefix \"pg_treeline\" is reserved")
    }

    /// A message that breaks the protocol.
    pub(super) fn protocol_violation(message: impl Into<Cow<'static, str>>) -> Self {
        Self::new("08P01", message)
    }

    /// Whether the client broke the protocol, and may be in the midst of sending more.
    pub(super) fn is_of_protocol(&self) -> bool {
        self.sqlstate == "08P01"
    }

    /// Texts are UTF-8.
    pub(super) fn invalid_encoding() -> Self {
        Self::new("22021", "invalid byte sequence for encoding \"UTF8\"")
    }

    /// The end of a session's life.
    pub(super) fn session_too_old() -> Self {
        Self::new(
            "57P01",
            "terminating connection because the maximum session duration is reached",
        )
    }

    /// The end of the server.
    pub(super) fn shutting_down() -> Self {
        Self::new(
            "57P01",
            "terminating connection due to administrator command",
        )
    }

    /// The `ErrorResponse`.
    pub(super) fn message(&self, severity: &str) -> Bytes {
        let position = self.position.map(|position| position.to_string());
        frames::error_response(&[
            (b'S', Some(severity)),
            (b'V', Some(severity)),
            (b'C', Some(self.sqlstate)),
            (b'M', Some(self.message.as_ref())),
            (b'D', self.detail.as_deref()),
            (b'H', self.hint.as_deref()),
            (b'P', position.as_deref()),
        ])
    }
}

impl From<&Refusal> for Failure {
    fn from(refusal: &Refusal) -> Self {
        Self {
            hint: refusal.hint.clone(),
            position: refusal.position,
            syntax: refusal.syntax,
            ..Self::new(refusal.sqlstate, refusal.message.clone())
        }
    }
}

#[cfg(test)]
mod tests {
    use super::super::fields::Fields;
    use super::*;

    #[test]
    fn a_failure_is_an_error_response() {
        let failure = Failure::transaction_too_old(300, 301);
        let message = failure.message("ERROR");
        assert_eq!(frames::header(&message), Some((b'E', message.len())));
        let fields = Fields::of(&message);
        for (tag, value) in [
            (b'S', "ERROR"),
            (b'V', "ERROR"),
            (b'C', "54000"),
            (b'M', "transaction age limit of 300s exceeded"),
            (b'D', "Current transaction age 301s exceeds 300s"),
            (b'H', ""),
        ] {
            assert_eq!(fields.get(tag), value.as_bytes(), "{}", tag as char);
        }
    }

    #[test]
    fn a_value_cannot_end_its_field() {
        let failure = Failure::protocol_violation("a\0Cb");
        let message = failure.message("FATAL");
        assert_eq!(Fields::of(&message).get(b'M'), b"aCb");
        assert_eq!(Fields::of(&message).get(b'C'), b"08P01");
    }
}
