//! PostgreSQL's protocol and its transactions, without data: just enough to say what it answers to
//! the texts of [`super::conversation`].

use std::collections::HashMap;

use bytes::{Bytes, BytesMut};

use crate::frames::{self, Body};

#[derive(Default)]
pub(super) struct Postgres {
    /// What it has been sent and not looked at.
    pub(super) input: BytesMut,
    /// What it has answered and nobody has taken.
    pub(super) output: BytesMut,
    pub(super) prepared: HashMap<Bytes, String>,
    portals: HashMap<Bytes, String>,
    /// It ignores everything up to `Sync`.
    skips: bool,
    /// It copies from the client, by the extended protocol or not.
    copies: Option<bool>,
    /// The rest of a `Query` in which it copies.
    rest: Vec<String>,
    block: Block,
    ddl: u32,
    dml: u32,
    /// Whether a transaction was committed that has more than one DDL statement, or DDL and DML.
    pub(super) mixed: bool,
}

/// As in `ReadyForQuery`.
#[derive(Clone, Copy, Default, PartialEq, Eq, Debug)]
enum Block {
    #[default]
    None,
    Open,
    Failed,
}

/// An error of this SQLSTATE.
struct Failed(&'static str);

impl Postgres {
    /// Whether it waits for any message.
    pub(super) fn waits(&self) -> bool {
        !self.skips && self.copies.is_none()
    }

    /// Looks at one message; `false` if there is none.
    pub(super) fn step(&mut self) -> bool {
        let Some((tag, length)) = frames::header(&self.input) else {
            return false;
        };
        let message = self.input.split_to(length).freeze();
        let mut body = Body::of(message);
        let mut string = || body.string().unwrap_or_default();
        let text = |text: &Bytes| String::from_utf8_lossy(text).into_owned();
        if let Some(extended) = self.copies {
            return self.copy(tag, extended);
        }
        if self.skips && tag != b'S' {
            return true;
        }
        let done = match tag {
            b'Q' => {
                let text = text(&string());
                self.prepared.remove(&Bytes::new());
                self.rest = text.split(';').map(|text| text.trim().to_owned()).collect();
                self.query();
                return true;
            }
            b'S' => {
                self.skips = false;
                self.ready();
                return true;
            }
            b'P' => {
                let (name, query) = (string(), text(&string()));
                self.parse(name, query)
            }
            b'B' => {
                let (portal, name) = (string(), string());
                self.bind(portal, &name)
            }
            b'D' | b'C' => {
                let named = string();
                let (kind, name) = named.split_first().unwrap_or((&b'S', b""));
                self.describe_or_close(tag, *kind, name)
            }
            b'E' => {
                let portal = string();
                let text = self.portals.get(&portal).cloned();
                text.ok_or(Failed("34000"))
                    .and_then(|text| self.execute(&text, true))
            }
            _ => Ok(()),
        };
        if let Err(failed) = done {
            self.fail(failed);
            self.skips = true;
        }
        true
    }

    fn answer(&mut self, tag: u8, body: &[u8]) {
        frames::message(&mut self.output, tag, &[body]);
    }

    fn fail(&mut self, Failed(sqlstate): Failed) {
        let message = match sqlstate {
            "42703" => "column \"refused by the gateway\" does not exist",
            _ => "m",
        };
        let fields = format!("SERROR\0VERROR\0C{sqlstate}\0M{message}\0\0");
        self.answer(b'E', fields.as_bytes());
        match self.block {
            Block::None => self.end(false),
            Block::Open | Block::Failed => self.block = Block::Failed,
        }
    }

    /// The end of a `Query` or of a pipeline, which ends an implicit transaction.
    fn ready(&mut self) {
        let status = match self.block {
            Block::None => {
                self.end(true);
                b'I'
            }
            Block::Open => b'T',
            Block::Failed => b'E',
        };
        self.answer(b'Z', &[status]);
    }

    /// The end of a transaction.
    fn end(&mut self, commits: bool) {
        let (ddl, dml) = (self.ddl, self.dml);
        (self.ddl, self.dml, self.block) = (0, 0, Block::None);
        self.portals.clear();
        self.mixed |= commits && ddl > u32::from(dml == 0);
    }

    fn query(&mut self) {
        if self.rest.iter().any(|text| text == ")") {
            self.rest.clear();
            self.fail(Failed("42601"));
        }
        while !self.rest.is_empty() {
            let text = self.rest.remove(0);
            if let Err(failed) = self.execute(&text, false) {
                self.rest.clear();
                self.fail(failed);
            }
            if self.copies.is_some() {
                return;
            }
        }
        self.ready();
    }

    /// A message while it copies.
    fn copy(&mut self, tag: u8, extended: bool) -> bool {
        match tag {
            b'd' | b'S' | b'H' => return true,
            b'c' => {
                self.copies = None;
                self.answer(b'C', b"COPY 1\0");
            }
            _ => {
                self.copies = None;
                self.rest.clear();
                self.fail(Failed("57014"));
                self.skips = extended;
            }
        }
        if !extended {
            self.query();
        }
        true
    }

    fn parse(&mut self, name: Bytes, text: String) -> Result<(), Failed> {
        if name.is_empty() {
            self.prepared.remove(&name);
        }
        match text.as_str() {
            ")" => return Err(Failed("42601")),
            _ if self.block == Block::Failed && !ends_block(&text) => return Err(Failed("25P02")),
            "SELECT \"refused by the gateway\"" => return Err(Failed("42703")),
            _ => {}
        }
        if !name.is_empty() && self.prepared.contains_key(&name) {
            return Err(Failed("42P05"));
        }
        self.prepared.insert(name, text);
        self.answer(b'1', b"");
        Ok(())
    }

    fn bind(&mut self, portal: Bytes, name: &Bytes) -> Result<(), Failed> {
        let text = self.prepared.get(name).cloned().ok_or(Failed("26000"))?;
        if self.block == Block::Failed && !ends_block(&text) {
            return Err(Failed("25P02"));
        }
        if !portal.is_empty() && self.portals.contains_key(&portal) {
            return Err(Failed("42P03"));
        }
        self.portals.insert(portal, text);
        self.answer(b'2', b"");
        Ok(())
    }

    fn describe_or_close(&mut self, tag: u8, kind: u8, name: &[u8]) -> Result<(), Failed> {
        let named = match kind {
            b'S' => &mut self.prepared,
            _ => &mut self.portals,
        };
        if tag == b'C' {
            named.remove(name);
            self.answer(b'3', b"");
            return Ok(());
        }
        let text = named.get(name).cloned().ok_or(Failed("26000"))?;
        if self.block == Block::Failed && returns_rows(&text) {
            return Err(Failed("25P02"));
        }
        if kind == b'S' {
            self.answer(b't', b"\0\0");
        }
        if returns_rows(&text) {
            self.answer(b'T', b"\0\x01a\0rest of it");
        } else {
            self.answer(b'n', b"");
        }
        Ok(())
    }

    fn execute(&mut self, text: &str, extended: bool) -> Result<(), Failed> {
        if self.block == Block::Failed && !ends_block(text) && !text.is_empty() {
            return Err(Failed("25P02"));
        }
        let word = text.split(' ').next().unwrap_or_default();
        match word {
            "" => {
                if extended {
                    self.answer(b'I', b"");
                }
                return Ok(());
            }
            "BEGIN" => self.block = Block::Open,
            "COMMIT" => self.end(self.block != Block::Failed),
            "ROLLBACK" => self.end(false),
            "INSERT" => self.dml += 1,
            "CREATE" => self.ddl += 1,
            "DEALLOCATE" => {
                self.prepared.retain(|name, _| name.is_empty());
                self.answer(b'C', b"DEALLOCATE ALL\0");
                return Ok(());
            }
            "COPY" => {
                self.dml += 1;
                self.copies = Some(extended);
                self.answer(b'G', b"\0\0\0");
                return Ok(());
            }
            "SELECT" => {
                match text {
                    "SELECT 1/0" => return Err(Failed("22012")),
                    "SELECT \"refused by the gateway\"" => return Err(Failed("42703")),
                    _ => {}
                }
                self.ddl += u32::from(text.contains("pg_treeline."));
                if !extended {
                    self.answer(b'T', b"\0\x01a\0rest of it");
                }
                self.answer(b'D', b"\0\x01\0\0\0\x01x");
            }
            _ => {}
        }
        self.answer(b'C', format!("{word} 1\0").as_bytes());
        Ok(())
    }
}

fn ends_block(text: &str) -> bool {
    matches!(text, "COMMIT" | "ROLLBACK")
}

fn returns_rows(text: &str) -> bool {
    text.starts_with("SELECT")
}
