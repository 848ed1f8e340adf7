/// What is wrong with an account file. It never contains a secret.
#[derive(Clone, PartialEq, Eq, Debug, thiserror::Error)]
pub enum AccountFileError {
    /// The text is no JSON.
    #[error("line {line}, column {column}: {reason}")]
    Syntax {
        /// From 1.
        line: usize,
        /// From 1; 0 at the end of the line before.
        column: usize,
        /// What was expected.
        reason: String,
    },
    /// A member is missing, misspelt or has a wrong value.
    #[error("{path}: {reason}")]
    Content {
        /// The member, for instance `AccessKeys[1].UserName`.
        path: String,
        /// What is wrong with it.
        reason: String,
    },
}

impl From<serde_json::Error> for AccountFileError {
    fn from(error: serde_json::Error) -> Self {
        let (line, column, text) = (error.line(), error.column(), error.to_string());
        let reason = text
            .split(" at line ")
            .next()
            .unwrap_or_default()
            .to_owned();
        Self::Syntax {
            line,
            column,
            reason,
        }
    }
}
