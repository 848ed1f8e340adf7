//! Files of Cedar text, taken apart into statements without a parser: a file may be larger than
//! what the parser's bounds let through at once.

/// The most bytes of one statement; far more than any quota lets through.
pub(super) const MOST: usize = 1 << 20;

/// What begins a line that says what the next statement is called: see [`super::heading`].
pub(super) const HEADING: &str = "//@";

/// A statement of a file.
#[derive(Default, PartialEq, Eq, Debug)]
pub(super) struct Piece {
    /// The line where it begins, from 1.
    pub(super) line: u64,
    /// The rest of the line that says what it is called.
    pub(super) heading: Option<String>,
    /// The text up to its `;`, with the comments above it.
    pub(super) text: String,
    /// Whether it has a slot.
    pub(super) is_template: bool,
}

/// Takes a file apart, line by line. It reads as Cedar's lexer does, which knows strings with
/// backslash escapes and comments up to the end of the line, be it a line feed or a carriage
/// return.
#[derive(Default)]
pub(super) struct Splitter {
    line: u64,
    piece: Piece,
    /// Whether the piece has more than comments and spaces.
    begun: bool,
    in_string: bool,
    escaped: bool,
    brackets: usize,
}

impl Splitter {
    /// Reads the next line, with its end; what became complete goes to `done`.
    pub(super) fn line(&mut self, line: &str, mut done: impl FnMut(Piece)) -> Result<(), String> {
        self.line += 1;
        line.split_inclusive(['\n', '\r'])
            .try_for_each(|part| self.part(part, &mut done))
    }

    /// Reads a part of a line, in which a comment goes to the end.
    fn part(&mut self, line: &str, done: &mut impl FnMut(Piece)) -> Result<(), String> {
        if !self.begun
            && let Some(heading) = line.trim_start().strip_prefix(HEADING)
        {
            self.piece = Piece {
                heading: Some(heading.trim().to_owned()),
                ..Piece::default()
            };
            return Ok(());
        }
        if self.piece.text.len() + line.len() > MOST {
            return Err(format!("a statement has more than {MOST} bytes"));
        }
        let mut chars = line.char_indices().peekable();
        let mut taken = 0;
        while let Some((at, c)) = chars.next() {
            let is_end = self.read(c);
            if !self.in_string && c == '/' && chars.peek().is_some_and(|(_, c)| *c == '/') {
                break;
            }
            if is_end {
                let (part, _) = line.split_at(at + 1);
                self.piece.text += part.get(taken..).unwrap_or_default();
                taken = at + 1;
                done(self.take());
            }
        }
        self.piece.text += line.get(taken..).unwrap_or_default();
        Ok(())
    }

    /// Reads a character that does not begin a comment; whether it ends a statement.
    fn read(&mut self, c: char) -> bool {
        if self.in_string {
            self.in_string = self.escaped || c != '"';
            self.escaped = !self.escaped && c == '\\';
            return false;
        }
        if !self.begun && !c.is_whitespace() && c != '/' {
            self.begun = true;
        }
        match c {
            '"' => self.in_string = true,
            '(' | '[' | '{' => self.brackets += 1,
            ')' | ']' | '}' => self.brackets = self.brackets.saturating_sub(1),
            '?' => self.piece.is_template = true,
            ';' => return self.brackets == 0,
            _ => {}
        }
        false
    }

    fn take(&mut self) -> Piece {
        let mut piece = std::mem::take(&mut self.piece);
        self.begun = false;
        // The piece's first line is the one after the lines that it has.
        let lines = piece.text.matches('\n').count() as u64;
        let blank = piece.text.len() - piece.text.trim_start().len();
        let above = piece.text.get(..blank).unwrap_or_default();
        piece.line = self.line - lines + above.matches('\n').count() as u64;
        piece.text = piece.text.trim().to_owned();
        piece
    }

    /// The end of the file: refused within a statement.
    pub(super) fn end(self) -> Result<(), String> {
        let left = self.piece.text.trim();
        if !self.begun || left.is_empty() {
            return Ok(());
        }
        Err("the last statement has no `;` at its end".to_owned())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn split(text: &str) -> Result<Vec<(u64, String)>, String> {
        let mut pieces = Vec::new();
        let mut splitter = Splitter::default();
        for line in text.split_inclusive('\n') {
            splitter.line(line, |piece| pieces.push((piece.line, piece.text)))?;
        }
        splitter.end().map(|()| pieces)
    }

    #[test]
    fn statements_end_with_a_semicolon_outside_of_strings_brackets_and_comments() {
        for (text, expected) in [
            ("", vec![]),
            ("\n // nothing; here\n", vec![]),
            ("a;", vec![(1, "a;")]),
            ("a; b;\n\n  c;\n", vec![(1, "a;"), (1, "b;"), (3, "c;")]),
            ("// about a; and b\na;", vec![(1, "// about a; and b\na;")]),
            ("\n\n// c\na\n;\nb;", vec![(3, "// c\na\n;"), (6, "b;")]),
            ("a // ; \" {\n;", vec![(1, "a // ; \" {\n;")]),
            ("a \";\" \"\\\";\" ;", vec![(1, "a \";\" \"\\\";\" ;")]),
            ("a \"\\\\\"; b;", vec![(1, "a \"\\\\\";"), (1, "b;")]),
            ("a { b; };", vec![(1, "a { b; };")]),
            ("a \"//\"; b;", vec![(1, "a \"//\";"), (1, "b;")]),
            ("a / b;", vec![(1, "a / b;")]),
            ("a \"x\ny;\";", vec![(1, "a \"x\ny;\";")]),
            ("a;\r\nb;\r\n", vec![(1, "a;"), (2, "b;")]),
            ("a; // after\nb;", vec![(1, "a;"), (1, "// after\nb;")]),
            (
                "a;\n// c\rb; c;",
                vec![(1, "a;"), (2, "// c\rb;"), (2, "c;")],
            ),
            ("a // ;\r;\nb;", vec![(1, "a // ;\r;"), (2, "b;")]),
            ("//@ {}\ra;\r\nb;", vec![(1, "a;"), (2, "b;")]),
            ("//@ {}\r\na;\r\nb;", vec![(2, "a;"), (3, "b;")]),
        ] {
            let expected: Vec<(u64, String)> = expected
                .into_iter()
                .map(|(line, text)| (line, text.to_owned()))
                .collect();
            assert_eq!(split(text), Ok(expected), "{text:?}");
        }
        for text in ["a", "a;\nb", "a (;", "a \";", "}; a"] {
            assert!(split(text).is_err(), "{text:?}");
        }
    }

    #[test]
    fn a_heading_belongs_to_the_statement_below_it() {
        let mut pieces = Vec::new();
        let mut splitter = Splitter::default();
        for line in [
            "// licence\n",
            "//@ {\"name\": 1}\n",
            "a == ?principal;\n",
            "b\n",
            "//@ no heading;\n",
            "; //@ nor this\n",
        ] {
            splitter.line(line, |piece| pieces.push(piece)).unwrap();
        }
        let of = |line, heading: Option<&str>, text: &str, is_template| Piece {
            line,
            heading: heading.map(str::to_owned),
            text: text.to_owned(),
            is_template,
        };
        let expected = [
            of(3, Some("{\"name\": 1}"), "a == ?principal;", true),
            of(4, None, "b\n//@ no heading;\n;", false),
        ];
        assert_eq!(pieces, expected);
    }

    #[test]
    fn the_size_of_a_statement_is_bounded() {
        let line = format!("a{}\n", " ".repeat(MOST / 2));
        let mut splitter = Splitter::default();
        splitter.line(&line, |_| ()).unwrap();
        assert!(splitter.line(&line, |_| ()).is_err());
    }
}
