//! Tokens of a query string, by PostgreSQL's lexical rules with `standard_conforming_strings` on
//! (which no client can change). Only as fine as the rest of the crate needs: operators come
//! character by character, comments and white space not at all.

use std::ops::Range;

/// What a token is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Kind {
    /// A key word or an identifier without quotes.
    Word,
    /// An identifier in double quotes, also `U&"…"`.
    Quoted,
    /// A plain string constant: `'…'`, its quotes doubled.
    Plain,
    /// Any other string constant: `E'…'`, `U&'…'`, `B'…'`, `X'…'`, `N'…'`, `$$…$$`.
    Special,
    /// A number.
    Number,
    /// `$1`
    Parameter,
    /// `(` or `[`
    Open,
    /// `)` or `]`
    Close,
    /// `,`
    Comma,
    /// `;`
    Semicolon,
    /// `.`
    Dot,
    /// Any other character, and `..`.
    Operator,
}

/// A token: `text.get(start..end)`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Token {
    pub(crate) kind: Kind,
    pub(crate) start: usize,
    pub(crate) end: usize,
}

impl Token {
    pub(crate) fn of<'t>(&self, text: &'t str) -> &'t str {
        text.get(self.start..self.end).unwrap_or_default()
    }

    /// Whether it is this word, which is written in lower case.
    pub(crate) fn is(&self, text: &str, word: &str) -> bool {
        self.kind == Kind::Word && self.of(text).eq_ignore_ascii_case(word)
    }
}

/// The tokens of a text; what is not well formed ends them with an error.
pub(crate) struct Tokens<'t> {
    bytes: &'t [u8],
    at: usize,
}

/// Something is not terminated, or a number has junk at its end; the parser says what.
#[derive(Debug)]
pub(crate) struct Malformed;

impl<'t> Tokens<'t> {
    pub(crate) fn new(text: &'t str) -> Self {
        let bytes = text.as_bytes();
        Self { bytes, at: 0 }
    }

    fn byte(&self, ahead: usize) -> u8 {
        self.bytes.get(self.at + ahead).copied().unwrap_or(0)
    }

    fn skip_while(&mut self, is: impl Fn(u8) -> bool) {
        while self.at < self.bytes.len() && is(self.byte(0)) {
            self.at += 1;
        }
    }

    fn skip_space(&mut self) -> Result<(), Malformed> {
        loop {
            self.skip_while(is_space);
            match (self.byte(0), self.byte(1)) {
                (b'-', b'-') => self.skip_while(|b| b != b'\n' && b != b'\r'),
                (b'/', b'*') => self.skip_comment()?,
                _ => return Ok(()),
            }
        }
    }

    /// `/* … */`, which nests.
    fn skip_comment(&mut self) -> Result<(), Malformed> {
        let mut open = 0_usize;
        while self.at < self.bytes.len() {
            match (self.byte(0), self.byte(1)) {
                (b'/', b'*') => {
                    open += 1;
                    self.at += 2;
                }
                (b'*', b'/') => {
                    open -= 1;
                    self.at += 2;
                    if open == 0 {
                        return Ok(());
                    }
                }
                _ => self.at += 1,
            }
        }
        Err(Malformed)
    }

    /// From the opening quote on.
    fn skip_quoted(&mut self, quote: u8, doubled: bool, escapes: bool) -> Result<(), Malformed> {
        self.at += 1;
        while self.at < self.bytes.len() {
            let byte = self.byte(0);
            if byte == b'\\' && escapes {
                self.at += 2;
            } else if byte != quote {
                self.at += 1;
            } else if doubled && self.byte(1) == quote {
                self.at += 2;
            } else {
                self.at += 1;
                return Ok(());
            }
        }
        Err(Malformed)
    }

    /// A string constant goes on after white space with a line break, in the same kind of quotes.
    fn skip_string(&mut self, doubled: bool, escapes: bool) -> Result<(), Malformed> {
        loop {
            self.skip_quoted(b'\'', doubled, escapes)?;
            let end = self.at;
            if !self.skip_to_continuation() {
                self.at = end;
                return Ok(());
            }
        }
    }

    fn skip_to_continuation(&mut self) -> bool {
        let mut line = false;
        loop {
            match (self.byte(0), self.byte(1)) {
                (b'\n' | b'\r', _) => {
                    line = true;
                    self.at += 1;
                }
                (b' ' | b'\t' | 0x0b | 0x0c, _) => self.at += 1,
                (b'-', b'-') => {
                    self.skip_while(|b| b != b'\n' && b != b'\r');
                    if self.at >= self.bytes.len() {
                        return false;
                    }
                }
                (b'\'', _) => return line,
                _ => return false,
            }
        }
    }

    /// `$1`, `$$…$$`, `$tag$…$tag$`, or a stray `$`.
    fn dollar(&mut self) -> Result<Kind, Malformed> {
        let start = self.at;
        self.at += 1;
        if self.byte(0).is_ascii_digit() {
            self.skip_while(|b| b.is_ascii_digit());
            return Ok(Kind::Parameter);
        }
        if is_word_start(self.byte(0)) {
            self.skip_while(|b| is_word_start(b) || b.is_ascii_digit());
        }
        if self.byte(0) != b'$' {
            self.at = start + 1;
            return Ok(Kind::Operator);
        }
        self.at += 1;
        let delimiter = self.bytes.get(start..self.at).unwrap_or_default();
        let rest = self.bytes.get(self.at..).unwrap_or_default();
        let body = find(rest, delimiter).ok_or(Malformed)?;
        self.at += body + delimiter.len();
        Ok(Kind::Special)
    }

    fn word(&mut self) -> Result<Kind, Malformed> {
        match (
            self.byte(0).to_ascii_lowercase(),
            self.byte(1),
            self.byte(2),
        ) {
            (b'u', b'&', b'"') => {
                self.at += 2;
                return self.skip_quoted(b'"', true, false).map(|()| Kind::Quoted);
            }
            (b'u', b'&', b'\'') => {
                self.at += 2;
                return self.skip_string(true, false).map(|()| Kind::Special);
            }
            (letter @ (b'e' | b'b' | b'x' | b'n'), b'\'', _) => {
                self.at += 1;
                let doubled = matches!(letter, b'e' | b'n');
                return self
                    .skip_string(doubled, letter == b'e')
                    .map(|()| Kind::Special);
            }
            _ => {}
        }
        self.skip_while(|b| is_word_start(b) || b.is_ascii_digit() || b == b'$');
        Ok(Kind::Word)
    }

    /// Digits, single underscores between them.
    fn digits(&mut self, is: fn(&u8) -> bool) {
        while is(&self.byte(0)) || (self.byte(0) == b'_' && is(&self.byte(1))) {
            self.at += 1;
        }
    }

    /// A number ends where PostgreSQL's does: what follows may be a string.
    fn number(&mut self) -> Result<Kind, Malformed> {
        let radix: Option<fn(&u8) -> bool> = match (self.byte(0), self.byte(1) | 0x20) {
            (b'0', b'x') => Some(u8::is_ascii_hexdigit),
            (b'0', b'o') => Some(|byte| matches!(byte, b'0'..=b'7')),
            (b'0', b'b') => Some(|byte| matches!(byte, b'0' | b'1')),
            _ => None,
        };
        if let Some(is) = radix {
            self.at += 2;
            let start = self.at;
            self.digits(is);
            return self.end_of_number(self.at > start);
        }
        self.digits(u8::is_ascii_digit);
        if self.byte(0) == b'.' && self.byte(1) != b'.' {
            self.at += 1;
            if self.byte(0).is_ascii_digit() {
                self.digits(u8::is_ascii_digit);
            }
        }
        if self.byte(0) | 0x20 == b'e' {
            let sign = usize::from(matches!(self.byte(1), b'+' | b'-'));
            if self.byte(1 + sign).is_ascii_digit() {
                self.at += 1 + sign;
                self.digits(u8::is_ascii_digit);
            }
        }
        self.end_of_number(true)
    }

    fn end_of_number(&self, complete: bool) -> Result<Kind, Malformed> {
        let junk = is_word_start(self.byte(0));
        if complete && !junk {
            Ok(Kind::Number)
        } else {
            Err(Malformed)
        }
    }

    fn kind(&mut self) -> Result<Kind, Malformed> {
        let byte = self.byte(0);
        let kind = match byte {
            b'\'' => return self.skip_string(true, false).map(|()| Kind::Plain),
            b'"' => return self.skip_quoted(b'"', true, false).map(|()| Kind::Quoted),
            b'$' => return self.dollar(),
            b'0'..=b'9' => return self.number(),
            b'.' if self.byte(1).is_ascii_digit() => return self.number(),
            _ if is_word_start(byte) => return self.word(),
            b'(' | b'[' => Kind::Open,
            b')' | b']' => Kind::Close,
            b',' => Kind::Comma,
            b';' => Kind::Semicolon,
            // One token, so that `..0` has no `.0`.
            b'.' if self.byte(1) == b'.' => {
                self.at += 1;
                Kind::Operator
            }
            b'.' => Kind::Dot,
            _ => Kind::Operator,
        };
        self.at += 1;
        Ok(kind)
    }
}

impl Iterator for Tokens<'_> {
    type Item = Result<Token, Malformed>;

    fn next(&mut self) -> Option<Self::Item> {
        if let Err(error) = self.skip_space() {
            return Some(Err(error));
        }
        if self.at >= self.bytes.len() {
            return None;
        }
        let start = self.at;
        let kind = self.kind();
        // A backslash at the very end of an escape string steps over the end.
        let end = self.at.min(self.bytes.len());
        Some(kind.map(|kind| Token { kind, start, end }))
    }
}

/// All tokens, or none if one is not well formed.
pub(crate) fn tokens(text: &str) -> Option<Vec<Token>> {
    Tokens::new(text).collect::<Result<_, _>>().ok()
}

fn is_space(byte: u8) -> bool {
    matches!(byte, b' ' | b'\t' | b'\n' | b'\r' | 0x0b | 0x0c)
}

fn is_word_start(byte: u8) -> bool {
    byte.is_ascii_alphabetic() || byte == b'_' || byte >= 0x80
}

fn find(bytes: &[u8], what: &[u8]) -> Option<usize> {
    bytes.windows(what.len()).position(|window| window == what)
}

/// The token after a name: `U&"…"` may have `UESCAPE '…'` with it.
pub(crate) fn after_name(text: &str, tokens: &[Token], at: usize) -> usize {
    let unicode = tokens
        .get(at)
        .is_some_and(|token| token.kind == Kind::Quoted && !token.of(text).starts_with('"'));
    let escape = tokens
        .get(at + 1)
        .is_some_and(|token| token.is(text, "uescape"));
    if unicode && escape { at + 3 } else { at + 1 }
}

/// What a name takes up in the text.
pub(crate) fn extent(text: &str, tokens: &[Token], at: usize) -> Option<Range<usize>> {
    let last = after_name(text, tokens, at).checked_sub(1)?;
    Some(tokens.get(at)?.start..tokens.get(last)?.end)
}

/// The first tokens of the names, separated by `.`, that begin at a token.
pub(crate) fn dotted(text: &str, tokens: &[Token], mut at: usize) -> Vec<usize> {
    let is = |at: usize, kinds: &[Kind]| {
        let token = tokens.get(at);
        token.is_some_and(|token| kinds.contains(&token.kind))
    };
    let mut names = Vec::new();
    while is(at, &[Kind::Word, Kind::Quoted]) {
        names.push(at);
        at = after_name(text, tokens, at);
        if !is(at, &[Kind::Dot]) {
            break;
        }
        at += 1;
    }
    names
}

/// Whether a name in `text` begins like `name`, which is in lower case, by the tokens alone.
pub(crate) fn has_name(text: &str, name: &str) -> bool {
    let found = tokens(text).unwrap_or_default();
    found.iter().any(|token| {
        let word = token.of(text);
        let begins = |word: &str| {
            word.get(..name.len())
                .is_some_and(|begin| begin.eq_ignore_ascii_case(name))
        };
        let quoted = word.strip_prefix('"');
        token.kind == Kind::Word && begins(word)
            || quoted.is_some_and(|quoted| quoted.starts_with(name))
    })
}
