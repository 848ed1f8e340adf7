//! Licence expressions: SPDX's `AND`, `OR`, `WITH` and brackets, and cargo's old `/` for `OR`.

/// A licence expression.
#[derive(Debug, PartialEq)]
pub(super) enum Expression {
    /// An identifier, `X+` as `X-or-later`, with its exception: `Apache-2.0 WITH LLVM-exception`.
    Licence(String),
    /// One of them suffices.
    Any(Vec<Expression>),
    /// All of them apply.
    All(Vec<Expression>),
}

impl Expression {
    /// Reads an expression; the error says what is wrong with it.
    pub(super) fn parse(text: &str) -> Result<Self, String> {
        let spaced = text
            .replace('(', " ( ")
            .replace(')', " ) ")
            .replace('/', " OR ");
        let mut words = Words {
            rest: spaced.split_whitespace().rev().collect(),
        };
        let expression = words.any()?;
        match words.rest.pop() {
            None => Ok(expression),
            Some(word) => Err(format!("`{word}` is not expected")),
        }
    }

    /// Whether it can be met with licences that are `allowed`.
    pub(super) fn holds(&self, allowed: &dyn Fn(&str) -> bool) -> bool {
        match self {
            Self::Licence(name) => allowed(name),
            Self::Any(parts) => parts.iter().any(|part| part.holds(allowed)),
            Self::All(parts) => parts.iter().all(|part| part.holds(allowed)),
        }
    }
}

/// The words still to read, the next one last.
struct Words<'a> {
    rest: Vec<&'a str>,
}

impl<'a> Words<'a> {
    fn take(&mut self, word: &str) -> bool {
        let found = self.rest.last() == Some(&word);
        if found {
            self.rest.pop();
        }
        found
    }

    fn any(&mut self) -> Result<Expression, String> {
        let mut parts = vec![self.all()?];
        while self.take("OR") {
            parts.push(self.all()?);
        }
        Ok(Expression::Any(parts))
    }

    fn all(&mut self) -> Result<Expression, String> {
        let mut parts = vec![self.one()?];
        while self.take("AND") {
            parts.push(self.one()?);
        }
        Ok(Expression::All(parts))
    }

    fn one(&mut self) -> Result<Expression, String> {
        if self.take("(") {
            let inner = self.any()?;
            return if self.take(")") {
                Ok(inner)
            } else {
                Err("a bracket is open".to_owned())
            };
        }
        let name = self.name()?;
        let name = match name.strip_suffix('+') {
            Some(name) => format!("{name}-or-later"),
            None => name.to_owned(),
        };
        if self.take("WITH") {
            return Ok(Expression::Licence(format!("{name} WITH {}", self.name()?)));
        }
        Ok(Expression::Licence(name))
    }

    fn name(&mut self) -> Result<&'a str, String> {
        match self.rest.pop() {
            Some(word @ ("AND" | "OR" | "WITH" | "(" | ")")) => {
                Err(format!("`{word}` stands where a licence should"))
            }
            Some(word) => Ok(word),
            None => Err("it ends too early".to_owned()),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_expression_holds_when_the_allowed_licences_meet_it() {
        let allowed = [
            "MIT",
            "Apache-2.0",
            "Apache-2.0 WITH LLVM-exception",
            "MPL-2.0-or-later",
        ];
        for (text, holds) in [
            ("MIT", true),
            ("GPL-3.0", false),
            ("MIT OR GPL-3.0", true),
            ("GPL-3.0/MIT", true),
            ("GPL-3.0 / MIT", true),
            ("MIT AND GPL-3.0", false),
            ("MIT AND Apache-2.0 OR GPL-3.0", true),
            ("GPL-3.0 OR MIT AND GPL-3.0", false),
            ("(MIT OR GPL-3.0) AND Apache-2.0", true),
            ("(MIT OR Apache-2.0) AND GPL-3.0", false),
            ("Apache-2.0 WITH LLVM-exception", true),
            ("Apache-2.0 WITH Classpath-exception-2.0", false),
            ("Apache-2.0 WITH LLVM-exception OR GPL-3.0", true),
            ("MPL-2.0+", true),
            ("MPL-2.0", false),
        ] {
            let expression = Expression::parse(text).unwrap();
            assert_eq!(
                expression.holds(&|name| allowed.contains(&name)),
                holds,
                "{text}"
            );
        }
    }

    #[test]
    fn what_is_no_expression_is_refused() {
        for text in [
            "",
            "MIT OR",
            "OR MIT",
            "MIT Apache-2.0",
            "(MIT",
            "MIT)",
            "MIT WITH",
            "()",
        ] {
            assert!(Expression::parse(text).is_err(), "{text}");
        }
    }
}
