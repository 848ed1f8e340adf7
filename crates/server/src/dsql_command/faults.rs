//! `treeline dsql faults`: conflicts that the running server brings about on purpose.

use std::io::{ErrorKind, Write};
use std::pin::Pin;
use std::sync::Arc;

use gateway::{Faults, Rule};
use serde::{Deserialize, Serialize};

use crate::cli::{Configuration, hide_unless_of_use};
use crate::config::Config;
use crate::error::Error;
use crate::operator::{LineSender, Lines, Route, converse};

/// Where the socket takes changes.
const PATH: &str = "/dsql-faults";

/// What is done to the rules; each command prints those that there are then.
#[derive(clap::Subcommand)]
pub(crate) enum FaultsCommand {
    /// Print the rules, with how many transactions each was about and how many it made fail
    #[command(mut_args = hide_unless_of_use)]
    List {
        #[command(flatten)]
        configuration: Box<Configuration>,
    },
    /// Add a rule after the others, for instance `oc000 next=2 table=orders`
    #[command(mut_args = hide_unless_of_use)]
    Add {
        /// oc000 or oc001, then one of rate=0.05, every=3, nth=3 and next=2, and table=NAME,NAME
        /// and cluster=ID
        #[arg(required = true, value_name = "RULE")]
        rule: Vec<String>,
        #[command(flatten)]
        configuration: Box<Configuration>,
    },
    /// Remove the rules of these numbers, or all
    #[command(mut_args = hide_unless_of_use)]
    Clear {
        /// The numbers that `list` prints
        #[arg(value_name = "NUMBER")]
        numbers: Vec<u64>,
        #[command(flatten)]
        configuration: Box<Configuration>,
    },
}

/// A change of the rules: the line of a request.
#[derive(Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(crate) enum Change {
    Nothing,
    Add(String),
    Remove(Vec<u64>),
    Clear,
}

/// A line of the answer.
#[derive(Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
enum Told {
    Rule {
        number: u64,
        rule: String,
        transactions: u64,
        failed: u64,
    },
    Refused(String),
    /// The last line, if nothing was refused.
    Done,
}

impl FaultsCommand {
    /// What to do, and in which server.
    pub(crate) fn parts(self) -> (Change, Box<Configuration>) {
        match self {
            Self::List { configuration } => (Change::Nothing, configuration),
            Self::Add {
                rule,
                configuration,
            } => (Change::Add(rule.join(" ")), configuration),
            Self::Clear {
                numbers,
                configuration,
            } if numbers.is_empty() => (Change::Clear, configuration),
            Self::Clear {
                numbers,
                configuration,
            } => (Change::Remove(numbers), configuration),
        }
    }
}

/// Asks the running server, and prints the rules that it then has.
pub(crate) fn faults(config: &Config, change: &Change) -> Result<(), Error> {
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()
        .map_err(Error::process("start the runtime"))?;
    let text = runtime.block_on(ask(config, change))?;
    let mut out = std::io::stdout().lock();
    out.write_all(text.as_bytes())
        .map_err(Error::process("write to standard output"))
}

async fn ask(config: &Config, change: &Change) -> Result<String, Error> {
    let failed = || Error::process("talk to the server");
    let gone = [ErrorKind::NotFound, ErrorKind::ConnectionRefused];
    let mut talk = match converse(&config.data_dir, PATH).await {
        Err(error) if gone.contains(&error.kind()) => {
            return Err(Error::NoServer {
                path: config.data_dir.clone(),
            });
        }
        other => other.map_err(failed())?,
    };
    talk.request.send(change).await.map_err(failed())?;
    let mut text = String::new();
    loop {
        let told = talk.answer.next::<Told>().await.map_err(failed())?;
        match told {
            Some(Told::Rule {
                number,
                rule,
                transactions,
                failed,
            }) => {
                text += &format!("{number} {rule} transactions={transactions} failed={failed}\n");
            }
            Some(Told::Refused(reason)) => return Err(Error::Refused(reason)),
            Some(Told::Done) => return Ok(text),
            None => return Err(failed()(ErrorKind::UnexpectedEof.into())),
        }
    }
}

/// Changes over the operator's socket.
pub(crate) struct FaultsRoute(pub(crate) Arc<Faults>);

impl FaultsRoute {
    /// Does it, or nothing of it.
    fn change(&self, change: Change) -> Result<(), String> {
        match change {
            Change::Nothing => {}
            Change::Add(rule) => {
                let rule: Rule = rule.parse().map_err(|error| format!("{error}"))?;
                self.0.add(rule);
            }
            Change::Remove(numbers) => {
                let rules = self.0.rules();
                let known = |number: &&u64| rules.iter().any(|rule| rule.number == **number);
                if let Some(unknown) = numbers.iter().find(|number| !known(number)) {
                    return Err(format!("there is no rule {unknown}"));
                }
                numbers.into_iter().for_each(|number| {
                    self.0.remove(number);
                });
            }
            Change::Clear => self.0.clear(),
        }
        Ok(())
    }

    fn answer(&self, change: Change) -> Vec<Told> {
        if let Err(reason) = self.change(change) {
            return vec![Told::Refused(reason)];
        }
        let rules = self.0.rules().into_iter().map(|counted| Told::Rule {
            number: counted.number,
            rule: counted.rule.to_string(),
            transactions: counted.transactions,
            failed: counted.failed,
        });
        rules.chain([Told::Done]).collect()
    }
}

impl Route for FaultsRoute {
    fn path(&self) -> &'static str {
        PATH
    }

    fn run<'a>(
        &'a self,
        mut request: Lines,
        answer: LineSender,
    ) -> Pin<Box<dyn Future<Output = ()> + Send + 'a>> {
        Box::pin(async move {
            let Ok(Some(change)) = request.next::<Change>().await else {
                return;
            };
            for told in self.answer(change) {
                if answer.send(&told).await.is_err() {
                    return;
                }
            }
        })
    }
}
