//! What a statement is in a slot: the names in it, and what they stand for there.

use std::collections::HashMap;

use dialect::{Effect, Outline, Role};
use tokio::io::{AsyncRead, AsyncWrite};

use super::block::Ground;
use super::failure::Failure;
use super::line::Line;
use super::shadow::{QUIET, RELEASE, TRY, UNTRY};
use super::unit::Nature;
use super::{End, own};
use crate::faults::Fault;

const RESOLVE: &str = "SELECT at, relation, schema, name, kind, made \
                       FROM pg_treeline.shadow_resolve($1::int, $2::text[])";

/// How many texts a session keeps, and how long they may be.
const MOST_PLANS: usize = 64;

const LONGEST_PLAN: usize = 4096;

/// What a statement is in a slot.
pub(super) struct Plan {
    /// Its text.
    pub(super) text: String,
    /// The table that it inserts into, whose rows it may meet.
    pub(super) upserts: Option<u32>,
}

/// The texts of statements in a slot, as long as nothing changes that they depend on.
#[derive(Default)]
pub(super) struct Plans {
    /// The slot that the session had last.
    pub(super) slot: Option<i32>,
    valid_for: Validity,
    texts: HashMap<String, String>,
}

/// What the texts depend on.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
struct Validity {
    slot: i32,
    catalog: u64,
    slots: u64,
    settings: u64,
}

impl Plans {
    fn keep(&mut self, validity: Validity, text: String, renamed: &str) {
        if self.valid_for != validity || self.texts.len() >= MOST_PLANS {
            self.texts.clear();
            self.valid_for = validity;
        }
        if text.len() <= LONGEST_PLAN {
            self.texts.insert(text, renamed.to_owned());
        }
    }
}

/// What a name in a statement stands for.
struct Resolved {
    relation: u32,
    schema: Box<str>,
    table: Box<str>,
    /// Whether it is something that a slot can have.
    fits: bool,
    made: bool,
}

impl<R: AsyncRead + Unpin, W: AsyncWrite + Unpin> Line<'_, '_, R, W> {
    /// The text of a statement in a slot, for which what it writes is made there; `None` if it
    /// writes what cannot be.
    pub(super) async fn plan(&mut self, text: String, slot: i32) -> Result<Option<Plan>, End> {
        let as_is = |text| {
            Ok(Some(Plan {
                text,
                upserts: None,
            }))
        };
        let validity = self.validity(slot);
        if self.plans.valid_for == validity
            && let Some(known) = self.plans.texts.get(&text)
        {
            return as_is(known.clone());
        }
        let Some(outline) = Outline::of(&text) else {
            return as_is(text);
        };
        if outline.references.is_empty() {
            return as_is(text);
        }
        let mut names = self.resolve(&outline, Some(slot)).await?;
        let mut upserts = None;
        for reference in &outline.references {
            let Some(resolved) = names.get_mut(&*reference.name) else {
                continue;
            };
            if reference.role == Role::Read {
                continue;
            }
            // Also where it is there: COMMIT applies the tables that the gateway knows a slot to have,
            // and nobody may have heard of how an earlier making ended.
            let fits = resolved.fits || resolved.made;
            if !fits || !self.make(resolved.relation, slot).await {
                return Ok(None);
            }
            resolved.made = true;
            if reference.role == Role::Upsert {
                upserts = Some(resolved.relation);
            }
        }
        let renamed = outline.renamed(&text, |reference| {
            let resolved = names.get(&*reference.name).filter(|it| it.made)?;
            match reference.role {
                Role::Upsert => Some(format!("pg_treeline_over_{slot}_{}", resolved.schema)),
                Role::Read | Role::Write if reference.qualified => {
                    Some(format!("pg_treeline_seen_{slot}_{}", resolved.schema))
                }
                Role::Read | Role::Write => None,
            }
        });
        if upserts.is_none() {
            self.plans.keep(validity, text, &renamed);
        }
        Ok(Some(Plan {
            text: renamed,
            upserts,
        }))
    }

    /// What plans depend on beside the texts.
    fn validity(&self, slot: i32) -> Validity {
        let conflicts = self.party.as_ref().map(|party| &party.conflicts);
        let settings = self.shared.state().settings;
        Validity {
            slot,
            catalog: conflicts.map_or(0, |conflicts| conflicts.version()),
            slots: conflicts.map_or(0, |conflicts| conflicts.generation()),
            settings,
        }
    }

    /// What the names in a statement stand for, as the session looks names up.
    async fn resolve(
        &mut self,
        outline: &Outline,
        slot: Option<i32>,
    ) -> Result<HashMap<String, Resolved>, End> {
        let names: Vec<&str> = outline.references.iter().map(|it| &*it.name).collect();
        let list = own::array(names.iter().map(|name| Some(*name)));
        let slot = slot.map(|slot| slot.to_string());
        let parameters = [slot.as_deref(), Some(&*list)];
        // Schemas that the role may not use make it fail, as they will the statement.
        let guarded = self.shared.state().block.is_open();
        let statements: &[(&str, &[Option<&str>])] = if guarded {
            &[(TRY, &[]), (RESOLVE, &parameters), (RELEASE, &[])]
        } else {
            &[(RESOLVE, &parameters)]
        };
        let answer = self.call_all(statements).await?;
        if guarded && answer.error.is_some() {
            self.call(UNTRY, &[], QUIET).await?;
        }
        let mut resolved = HashMap::new();
        for row in &answer.rows {
            if let [
                Some(at),
                Some(relation),
                Some(schema),
                Some(table),
                Some(kind),
                Some(made),
            ] = &row[..]
                && let (Ok(at), Ok(relation)) = (at.parse::<usize>(), relation.parse())
                && let Some(name) = names.get(at.wrapping_sub(1))
            {
                let found = Resolved {
                    relation,
                    schema: schema.clone(),
                    table: table.clone(),
                    fits: matches!(&**kind, "r" | "p" | "v"),
                    made: &**made == "t",
                };
                resolved.insert((*name).to_owned(), found);
            }
        }
        Ok(resolved)
    }

    async fn make(&mut self, relation: u32, slot: i32) -> bool {
        let Some(party) = &self.party else {
            return false;
        };
        match party.conflicts.make(relation, slot).await {
            Ok(true) => true,
            Ok(false) => {
                self.shared.state().block.expelled = true;
                false
            }
            Err(error) => {
                tracing::warn!(%error, "a table cannot be had in a slot");
                false
            }
        }
    }

    /// The text of a statement on the tables, also in a slot.
    pub(super) async fn on_tables(&mut self, text: &str) -> Result<String, End> {
        let slot = match &self.shared.state().block.ground {
            Ground::Shadow(lease) => lease.slot,
            Ground::Tables | Ground::Displaced => return Ok(text.to_owned()),
        };
        let Some(outline) = Outline::of(text) else {
            return Ok(text.to_owned());
        };
        let names = self.resolve(&outline, Some(slot)).await?;
        Ok(outline.renamed(text, |reference| {
            let resolved = names.get(&*reference.name)?;
            Some(resolved.schema.to_string())
        }))
    }

    /// The tables that statements write or lock, as `schema.name`.
    async fn written(&mut self, nature: &Nature) -> Result<Vec<String>, End> {
        let mut written = Vec::new();
        for statement in nature.all().filter(|it| it.effect == Effect::Write) {
            let Some(outline) = Outline::of(&statement.sql) else {
                continue;
            };
            let names = self.resolve(&outline, None).await?;
            let locks = statement.locking.is_some();
            for reference in &outline.references {
                if let Some(resolved) = names.get(&*reference.name)
                    && (locks || reference.role != Role::Read)
                {
                    written.push(format!("{}.{}", resolved.schema, resolved.table));
                }
            }
        }
        Ok(written)
    }

    /// A conflict that is brought about on purpose. At the COMMIT of a block the block is made to
    /// fail there; by itself a statement fails at once.
    pub(super) async fn inject(
        &mut self,
        nature: &Nature,
        open: bool,
        commits: bool,
    ) -> Result<Option<Failure>, End> {
        let injected = self.party.as_ref().map(|party| &party.injection.faults);
        if !injected.is_some_and(|faults| faults.any()) {
            return Ok(None);
        }
        let mut tables = self.written(nature).await?;
        if open && !commits {
            self.shared.state().block.tables.append(&mut tables);
            return Ok(None);
        }
        let controls = [Effect::Begin, Effect::Commit, Effect::Rollback];
        if !open && (nature.statements.is_empty() || nature.has(&controls)) {
            return Ok(None);
        }
        let mut state = self.shared.state();
        if open {
            tables = std::mem::take(&mut state.block.tables);
        }
        let injection = self.party.as_ref().map(|party| &party.injection);
        let fault = injection.and_then(|it| it.faults.at_commit(&it.cluster, &tables));
        Ok(match (fault, open) {
            (None, _) => None,
            (Some(Fault::Change), true) => {
                state.block.doomed = true;
                None
            }
            (Some(Fault::Catalog), true) => {
                state.block.expelled = true;
                None
            }
            (Some(Fault::Change), false) => Some(Failure::conflict()),
            (Some(Fault::Catalog), false) => Some(Failure::catalog_conflict()),
        })
    }
}
