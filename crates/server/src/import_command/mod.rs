//! `treeline import` and `treeline export`: policy stores from files and into files.

mod drive;
mod export;
mod feed;
mod files;
mod place;
mod print;

use std::io::Write;
use std::path::PathBuf;
use std::sync::Arc;
use std::thread;

use base::resource_id;
use store::Store;
use tokio::sync::mpsc;
use verified_permissions::VerifiedPermissions;
use verified_permissions::bulk::{Counts, Event, ImportOptions, NewStore};

use crate::config::Config;
use crate::data_dir;
use crate::error::Error;
use crate::identity_providers;
use crate::operator::{Conversation, LineSender, Lines, converse};
use crate::serve::open_store;
use crate::system::SystemEntropy;
use drive::{Line, Start, drive};
use feed::feed;
use files::{Contents, Files};
use place::Place;
use print::Progress;

pub(crate) use drive::ImportRoute;
pub(crate) use export::{ExportQuestion, export};
pub(crate) use place::Named;

/// How many differences are printed if nobody asks for all.
const DIFFERENCES: usize = 20;

/// What is imported, and how.
#[derive(clap::Args)]
pub(crate) struct ImportQuestion {
    /// Files, or directories with files, of Cedar (.cedar, .cedarschema), JSON or JSON Lines
    #[arg(required = true, value_name = "FILE")]
    files: Vec<PathBuf>,
    #[command(flatten)]
    named: Named,
    /// Print what would be created, updated and deleted, and change nothing
    #[arg(long)]
    dry_run: bool,
    /// Delete the policies and templates that the files do not have
    #[arg(long)]
    delete: bool,
    /// Create the policy store if there is none
    #[arg(long)]
    create: bool,
    /// Print every difference
    #[arg(long)]
    verbose: bool,
}

/// Imports, through the running server if there is one.
pub(crate) fn import(
    config: &Config,
    region_typed: bool,
    question: &ImportQuestion,
) -> Result<(), Error> {
    let files = Files::find(&question.files)?;
    let contents = files.contents()?;
    let start = question.start(config, region_typed, &contents)?;
    let runtime = tokio::runtime::Builder::new_multi_thread()
        .enable_all()
        .build()
        .map_err(Error::process("start the runtime"))?;
    let mut report = Report::new(question, contents.total());
    let ended = runtime.block_on(run(config, start, files, contents, &mut report));
    report.progress.end();
    let end = ended?;
    let mut out = std::io::stdout().lock();
    let text = match &end {
        End::Finished(counts) | End::Failed { counts, .. } => {
            print::summary(counts, question.dry_run)
        }
    };
    let printed = out.write_all(text.as_bytes()).and_then(|()| out.flush());
    printed.map_err(Error::process("write to standard output"))?;
    match end {
        End::Finished(_) => Ok(()),
        End::Failed { text, .. } => Err(Error::Refused(text)),
    }
}

impl ImportQuestion {
    fn start(
        &self,
        config: &Config,
        region_typed: bool,
        contents: &Contents,
    ) -> Result<Start, Error> {
        let (scope, policy_store_id, create) = match self.named.look(config, region_typed)? {
            Place::There(found) => (found.scope, found.policy_store_id, None),
            Place::Nowhere(scope) if self.create => {
                let name = self.named.policy_store.clone();
                let is_alias = name.starts_with("policy-store-alias/");
                let (id, alias) = match is_alias {
                    true => (resource_id(&SystemEntropy), Some(name)),
                    false => (name, None),
                };
                let strict = contents.has_schema();
                (scope, id, Some(NewStore { strict, alias }))
            }
            Place::Nowhere(_) => return Err(self.named.unknown()),
        };
        let differences = match (self.verbose, self.dry_run) {
            (true, _) => usize::MAX,
            (false, true) => DIFFERENCES,
            (false, false) => 0,
        };
        Ok(Start {
            region: scope.region.to_string(),
            account: scope.account.to_string(),
            policy_store_id,
            create,
            options: ImportOptions {
                dry_run: self.dry_run,
                delete: self.delete,
                differences,
            },
        })
    }
}

/// How an import ended, and what was done.
enum End {
    Finished(Counts),
    Failed { text: String, counts: Counts },
}

/// Prints events as they come.
struct Report {
    progress: Progress,
    told: usize,
    /// What is printed without `--verbose`.
    limit: Option<usize>,
}

impl Report {
    fn new(question: &ImportQuestion, total: u64) -> Self {
        Self {
            progress: Progress::new(total),
            told: 0,
            limit: (!question.verbose && question.dry_run).then_some(DIFFERENCES),
        }
    }

    /// Takes an event; the last one gives the end.
    fn event(&mut self, event: Event) -> Result<Option<End>, Error> {
        let end = match event {
            Event::Progress(counts) => {
                self.progress.at(counts.total().seen());
                None
            }
            Event::Difference(difference) => {
                self.progress.end();
                self.told += 1;
                self.print(&print::difference(&difference))?;
                None
            }
            Event::Finished(counts) => Some(End::Finished(counts)),
            Event::Failed {
                at,
                message,
                counts,
            } => {
                let text = at.map_or_else(|| message.clone(), |at| format!("{at}: {message}"));
                let text = print::plain(&text);
                let done = print::grouped(counts.total().seen());
                let text = format!(
                    "{text} (ended after {done} of {} things)",
                    self.progress.of()
                );
                Some(End::Failed { text, counts })
            }
        };
        let total = match &end {
            Some(End::Finished(counts)) => counts.total(),
            Some(End::Failed { .. }) | None => return Ok(end),
        };
        let all = total.created + total.updated + total.deleted;
        if self.limit.is_some() && all > self.told as u64 {
            let more = print::grouped(all - self.told as u64);
            self.print(&format!("... and {more} more: --verbose prints them all\n"))?;
        }
        Ok(end)
    }

    fn print(&self, text: &str) -> Result<(), Error> {
        let mut out = std::io::stdout().lock();
        out.write_all(text.as_bytes())
            .map_err(Error::process("write to standard output"))
    }
}

async fn run(
    config: &Config,
    start: Start,
    files: Files,
    contents: Contents,
    report: &mut Report,
) -> Result<End, Error> {
    data_dir::create(&config.data_dir)?;
    match open_store(config) {
        Ok(store) => offline(config, store, start, files, contents, report).await,
        Err(Error::InUse { .. }) => online(config, start, files, contents, report).await,
        Err(error) => Err(error),
    }
}

/// Imports into a database that no server has open.
async fn offline(
    config: &Config,
    store: Store,
    start: Start,
    files: Files,
    contents: Contents,
    report: &mut Report,
) -> Result<End, Error> {
    let options = config.options.clone();
    let providers = identity_providers::prepare(config)?;
    let entropy = Arc::new(SystemEntropy);
    let service = VerifiedPermissions::new(store.clone(), entropy, providers, options);
    let (items, mut source) = mpsc::channel::<Line>(8);
    let (mut listener, mut events) = mpsc::channel(64);
    let reading = feed(files, contents, move |line| {
        items.blocking_send(line).is_ok()
    });
    let service = Arc::new(service);
    let driving =
        tokio::spawn(async move { drive(&service, start, &mut source, &mut listener).await });
    let mut end = None;
    while let Some(event) = events.recv().await {
        end = report.event(event)?.or(end);
    }
    drop(driving.await);
    store.close().await;
    finish(end, reading)
}

/// Imports through the server that has the database open.
async fn online(
    config: &Config,
    start: Start,
    files: Files,
    contents: Contents,
    report: &mut Report,
) -> Result<End, Error> {
    let lost = || Error::process("talk to the server");
    let talk = converse(&config.data_dir, drive::PATH)
        .await
        .map_err(lost())?;
    let Conversation {
        request,
        mut answer,
    } = talk;
    request.send(&start).await.map_err(lost())?;
    let reading = feed(files, contents, move |line| send(&request, &line));
    let end = listen(&mut answer, report).await?;
    finish(end, reading)
}

fn send(request: &LineSender, line: &Line) -> bool {
    let mut text = Vec::new();
    crate::operator::add(&mut text, line).is_ok() && request.blocking_send(text).is_ok()
}

async fn listen(answer: &mut Lines, report: &mut Report) -> Result<Option<End>, Error> {
    let lost = || Error::process("hear of the server how the import ended; import again to go on");
    loop {
        let event = answer.next::<Event>().await.map_err(lost())?;
        let Some(event) = event else { return Ok(None) };
        if let Some(end) = report.event(event)? {
            return Ok(Some(end));
        }
    }
}

/// An error of the reader comes first: it is why there was no end.
fn finish(end: Option<End>, reading: thread::JoinHandle<Result<(), Error>>) -> Result<End, Error> {
    let reading = match (&end, reading.is_finished()) {
        // The reader may still be about to find out that nobody listens.
        (Some(_), false) => Ok(()),
        _ => reading.join().unwrap_or(Ok(())),
    };
    match (end, reading) {
        (Some(End::Finished(counts)), _) => Ok(End::Finished(counts)),
        (_, Err(error)) => Err(error),
        (Some(end), Ok(())) => Ok(end),
        (None, Ok(())) => Err(Error::Refused(
            "the import was cut off: import again to go on".to_owned(),
        )),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_failure_is_told_without_control_characters() {
        let mut report = Report {
            progress: Progress::new(1),
            told: 0,
            limit: None,
        };
        let failed = Event::Failed {
            at: Some("a\x1b[2J.cedar:1".to_owned()),
            message: "no \u{9b}2J`\r`".to_owned(),
            counts: Counts::default(),
        };
        let Some(End::Failed { text, .. }) = report.event(failed).unwrap() else {
            panic!("no failure");
        };
        assert!(
            text.starts_with("a\\u{1b}[2J.cedar:1: no \\u{9b}2J`\\r`"),
            "{text}"
        );
    }
}
