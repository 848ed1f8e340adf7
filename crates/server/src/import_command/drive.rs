//! An import from its first line to its end, whoever brings the lines.

use std::io;
use std::pin::Pin;
use std::sync::Arc;

use base::{AccountId, Region};
use frontdoor::Scope;
use serde::{Deserialize, Serialize};
use tokio::sync::mpsc;
use verified_permissions::VerifiedPermissions;
use verified_permissions::bulk::{
    Batch, Counts, Destination, Event, Failure, Import, ImportOptions, Item, NewStore,
};

use crate::operator::{LineSender, Lines, Route};
use crate::system::SystemClock;

/// Where the socket takes imports.
pub(super) const PATH: &str = "/import";

/// The first line of an import.
#[derive(Clone, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct Start {
    pub(super) region: String,
    pub(super) account: String,
    pub(super) policy_store_id: String,
    pub(super) create: Option<NewStore>,
    pub(super) options: ImportOptions,
}

/// Every line after the first: items, and `None` as the last one. Whoever goes away without it was
/// cut off.
pub(super) type Line = Option<Vec<Item>>;

/// Where the lines come from.
pub(super) trait Source: Send {
    /// The next one; an error when there is none and the end was not reached.
    fn next(&mut self) -> impl Future<Output = io::Result<Line>> + Send;
}

impl Source for mpsc::Receiver<Line> {
    async fn next(&mut self) -> io::Result<Line> {
        self.recv()
            .await
            .ok_or_else(|| io::ErrorKind::UnexpectedEof.into())
    }
}

impl Source for Lines {
    async fn next(&mut self) -> io::Result<Line> {
        let line = Self::next(self).await?;
        line.ok_or_else(|| io::ErrorKind::UnexpectedEof.into())
    }
}

/// Who is told of events; an error when nobody is.
pub(super) trait Tell: Send {
    fn tell(&mut self, event: Event) -> impl Future<Output = io::Result<()>> + Send;
}

impl Tell for LineSender {
    async fn tell(&mut self, event: Event) -> io::Result<()> {
        self.send(&event).await
    }
}

impl Tell for mpsc::Sender<Event> {
    async fn tell(&mut self, event: Event) -> io::Result<()> {
        let sent = self.send(event).await;
        sent.map_err(|_| io::ErrorKind::BrokenPipe.into())
    }
}

/// Runs an import, and tells how it ended. An error means that nobody listens any more.
pub(super) async fn drive(
    service: &Arc<VerifiedPermissions>,
    start: Start,
    source: &mut impl Source,
    listener: &mut impl Tell,
) -> io::Result<()> {
    let mut counts = Counts::default();
    let last = match run(service, start, source, listener, &mut counts).await {
        Ok(finished) => Event::Finished(finished),
        Err(Failure { at, message }) => Event::Failed {
            at,
            message,
            counts,
        },
    };
    listener.tell(last).await
}

async fn run(
    service: &Arc<VerifiedPermissions>,
    start: Start,
    source: &mut impl Source,
    listener: &mut impl Tell,
    counts: &mut Counts,
) -> Result<Counts, Failure> {
    let options = start.options;
    let into = start.into_place()?;
    let mut import = Import::begin(service, Arc::new(SystemClock), into, options).await?;
    let mut batch = Batch::default();
    while let Some(items) = source.next().await.map_err(|error| lost(&error))? {
        for item in items {
            if batch.push(item) {
                let events = import.put(std::mem::take(&mut batch)).await?;
                *counts = import.counts();
                tell_all(listener, events).await?;
            }
        }
    }
    if !batch.is_empty() {
        let events = import.put(batch).await?;
        *counts = import.counts();
        tell_all(listener, events).await?;
    }
    let mut told = Vec::new();
    let finished = import.finish(|events| told.extend(events)).await;
    tell_all(listener, told).await?;
    finished.map_err(|(failure, done)| {
        *counts = done;
        failure
    })
}

async fn tell_all(listener: &mut impl Tell, events: Vec<Event>) -> Result<(), Failure> {
    for event in events {
        listener.tell(event).await.map_err(|error| lost(&error))?;
    }
    Ok(())
}

fn lost(error: &io::Error) -> Failure {
    Failure {
        at: None,
        message: format!("the connection ended: {error}"),
    }
}

impl Start {
    fn into_place(self) -> Result<Destination, Failure> {
        let wrong = |message: String| Failure { at: None, message };
        let region: Region = self
            .region
            .parse()
            .map_err(|error| wrong(format!("Region: {error}")))?;
        let account: AccountId = self
            .account
            .parse()
            .map_err(|error| wrong(format!("account: {error}")))?;
        Ok(Destination {
            scope: Scope { region, account },
            policy_store_id: self.policy_store_id,
            create: self.create,
        })
    }
}

/// Imports over the operator's socket.
pub(crate) struct ImportRoute(pub(crate) Arc<VerifiedPermissions>);

impl Route for ImportRoute {
    fn path(&self) -> &'static str {
        PATH
    }

    fn run<'a>(
        &'a self,
        mut request: Lines,
        mut answer: LineSender,
    ) -> Pin<Box<dyn Future<Output = ()> + Send + 'a>> {
        Box::pin(async move {
            let Ok(Some(start)) = request.next::<Start>().await else {
                return;
            };
            // Whoever has gone away finds out what was done by doing it again.
            if drive(&self.0, start, &mut request, &mut answer)
                .await
                .is_ok()
            {
                request.drain().await;
            }
        })
    }
}
