//! Drives a treeline server over HTTP with signed requests from several keep-alive connections,
//! and a bare axum JSON echo with the same requests in the same run, and prints a Markdown table.
//!
//! Both servers are started by this program, on loopback addresses; every phase is bounded in
//! time.
#![expect(
    clippy::print_stdout,
    clippy::print_stderr,
    reason = "a command line program"
)]

mod ask;
mod connection;
mod echo;
mod scenario;
mod server;

use std::error::Error;
use std::path::PathBuf;
use std::process::ExitCode;
use std::sync::Arc;
use std::time::Duration;

use clap::Parser;
use testkit::IdentityProvider;

use connection::{Bodies, Measured, Target, drive};
use server::Server;

/// What ends a run.
type Fault = Box<dyn Error + Send + Sync>;

#[derive(Parser)]
#[command(about, args_conflicts_with_subcommands = true)]
struct Args {
    #[command(subcommand)]
    command: Option<Command>,
    /// The server's program
    #[arg(long, default_value = "target/release/treeline")]
    treeline: PathBuf,
    /// Connections that send requests at the same time
    #[arg(long, default_value_t = 8)]
    connections: usize,
    /// Seconds of each phase
    #[arg(long, default_value_t = 5, value_parser = clap::value_parser!(u64).range(1..=60))]
    seconds: u64,
    /// Rounds of each line, echo and server in turns; the best of each counts
    #[arg(long, default_value_t = 1, value_parser = clap::value_parser!(u64).range(1..=100))]
    rounds: u64,
    /// Only IsAuthorized and its batch
    #[arg(long)]
    decisions_only: bool,
    /// IsAuthorizedWithToken, next to IsAuthorized, instead
    #[arg(long, conflicts_with = "decisions_only")]
    tokens_only: bool,
    /// Tokens that are sent once each
    #[arg(long, default_value_t = 2_000)]
    tokens: usize,
    /// Policies in the policy stores that are asked; with 30 or more all answers are ALLOW
    #[arg(long, value_delimiter = ',', default_values_t = [100, 1_000])]
    policies: Vec<usize>,
    /// Cores for the servers, as `taskset -c` takes them; the load generator is pinned by its caller
    #[arg(long)]
    server_cores: Option<String>,
    /// Be the echo server
    #[arg(long, hide = true)]
    echo: bool,
}

#[derive(clap::Subcommand)]
enum Command {
    /// Send one request to a server that runs, and print its figures as JSON
    Ask(ask::Question),
}

fn main() -> ExitCode {
    let args = Args::parse();
    let runtime = match tokio::runtime::Builder::new_multi_thread()
        .enable_all()
        .build()
    {
        Ok(runtime) => runtime,
        Err(error) => {
            eprintln!("treeline-load: {error}");
            return ExitCode::FAILURE;
        }
    };
    let result = match &args.command {
        Some(Command::Ask(question)) => runtime.block_on(ask::ask(question)),
        None if args.echo => runtime.block_on(echo::serve()),
        None => runtime.block_on(run(&args)),
    };
    match result {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("treeline-load: {error}");
            ExitCode::FAILURE
        }
    }
}

async fn run(args: &Args) -> Result<(), Fault> {
    let treeline = Server::treeline(&args.treeline, args.server_cores.as_deref())?;
    let echo = Server::echo(args.server_cores.as_deref())?;
    let run = Run {
        args,
        treeline,
        echo,
    };
    println!(
        "| {} connections, {} s each | requests/s | decisions/s | p50 µs | p99 µs | CPU µs | of the \
         echo | of single calls |",
        args.connections, args.seconds
    );
    println!("|---|---:|---:|---:|---:|---:|---:|---:|");
    if args.tokens_only {
        return run.tokens().await;
    }
    for &policies in &args.policies {
        run.decisions(policies).await?;
    }
    if args.decisions_only {
        return Ok(());
    }
    let store = scenario::store_with(&run.treeline, 10).await?;
    let policy = scenario::policy(&store);
    let [bare, durable] = run.compare("CreatePolicy", policy).await?;
    row(ECHO, &bare, &bare, None);
    row("CreatePolicy, durable", &durable, &bare, None);
    Ok(())
}

const ECHO: &str = "axum JSON echo of the next line's request";

/// The servers of a run.
struct Run<'a> {
    args: &'a Args,
    treeline: Server,
    echo: Server,
}

/// A phase with the processor time of its server, in microseconds per request.
#[derive(Clone, Copy, Default)]
struct Phase {
    measured: Measured,
    processor: Option<f64>,
}

impl Phase {
    /// Takes `other` if that was faster.
    fn improve(&mut self, other: Self) {
        if other.measured.per_second > self.measured.per_second {
            *self = other;
        }
    }
}

impl Run<'_> {
    /// Single calls and batches over a policy store with so many policies.
    async fn decisions(&self, policies: usize) -> Result<(), Fault> {
        let store = scenario::store_with(&self.treeline, policies).await?;
        let question = scenario::question(&store);
        let [bare, single] = self.compare("IsAuthorized", question).await?;
        let decisions = single.measured.per_second;
        row(ECHO, &bare, &bare, None);
        let name = format!("IsAuthorized, {policies} policies");
        row(&name, &single, &bare, Some((decisions, decisions)));
        let batch = scenario::batch(&store);
        let [bare, batch] = self.compare("BatchIsAuthorized", batch).await?;
        let in_batches = batch.measured.per_second * scenario::BATCH as f64;
        row(ECHO, &bare, &bare, None);
        let name = format!(
            "BatchIsAuthorized of {}, {policies} policies",
            scenario::BATCH
        );
        row(&name, &batch, &bare, Some((in_batches, decisions)));
        Ok(())
    }

    /// The principal from a token that the server has seen, and from tokens that it has not.
    async fn tokens(&self) -> Result<(), Fault> {
        let provider = IdentityProvider::start().await;
        let store = scenario::store_with(&self.treeline, scenario::BATCH).await?;
        scenario::identity_source(&self.treeline, &store, &provider).await?;
        let now = seconds_since_the_epoch();
        let token = |number| scenario::question_with_token(&store, &provider, now, number);
        let (asked, with_token) = (scenario::question(&store), token(0));
        let rounds = usize::try_from(self.args.rounds)?;
        let new = |at: usize| token(at + 1);
        let new: Arc<[String]> = (0..self.args.tokens * rounds).map(new).collect();
        let mut best = [Phase::default(); 4];
        for round in new.chunks(self.args.tokens) {
            let phases = [
                (
                    &self.echo,
                    "IsAuthorizedWithToken",
                    Bodies::One(with_token.clone()),
                ),
                (&self.treeline, "IsAuthorized", Bodies::One(asked.clone())),
                (
                    &self.treeline,
                    "IsAuthorizedWithToken",
                    Bodies::One(with_token.clone()),
                ),
                (
                    &self.treeline,
                    "IsAuthorizedWithToken",
                    Bodies::Each(round.into()),
                ),
            ];
            for (best, (server, operation, bodies)) in best.iter_mut().zip(phases) {
                best.improve(self.measure(server, operation, bodies).await?);
            }
        }
        let [bare, single, seen, new] = best;
        let decisions = single.measured.per_second;
        let of_single = |phase: &Phase| Some((phase.measured.per_second, decisions));
        row(ECHO, &bare, &bare, None);
        row("IsAuthorized", &single, &bare, of_single(&single));
        row(
            "IsAuthorizedWithToken, a token again and again",
            &seen,
            &bare,
            of_single(&seen),
        );
        row(
            "IsAuthorizedWithToken, RS256 tokens once each",
            &new,
            &bare,
            of_single(&new),
        );
        Ok(())
    }

    /// Measures one request against the echo and the server, one after the other.
    async fn compare(&self, operation: &'static str, body: String) -> Result<[Phase; 2], Fault> {
        let mut best = [Phase::default(); 2];
        for _ in 0..self.args.rounds {
            for (best, server) in best.iter_mut().zip([&self.echo, &self.treeline]) {
                let bodies = Bodies::One(body.clone());
                best.improve(self.measure(server, operation, bodies).await?);
            }
        }
        Ok(best)
    }

    async fn measure(
        &self,
        server: &Server,
        operation: &'static str,
        bodies: Bodies,
    ) -> Result<Phase, Fault> {
        let target = Target {
            address: server.address,
            operation,
            bodies,
        };
        let connections = self.args.connections;
        // A warm-up, of which nothing is kept.
        if matches!(target.bodies, Bodies::One(_)) {
            drive(&target, connections, Duration::from_millis(500)).await?;
        }
        let before = server.processor_time();
        let measured = drive(&target, connections, Duration::from_secs(self.args.seconds)).await?;
        let took = |after: Duration| Some(after.saturating_sub(before?).as_secs_f64());
        let took = server.processor_time().and_then(took);
        Ok(Phase {
            measured,
            processor: took.map(|seconds| 1e6 * seconds / measured.requests.max(1) as f64),
        })
    }
}

fn seconds_since_the_epoch() -> u64 {
    #[expect(
        clippy::disallowed_methods,
        reason = "tokens are issued in the real time"
    )]
    let now = std::time::SystemTime::now();
    let since = now.duration_since(std::time::UNIX_EPOCH);
    since.map_or(0, |since| since.as_secs())
}

/// One line; `decisions` are those per second, and those of single calls.
fn row(name: &str, phase: &Phase, bare: &Phase, decisions: Option<(f64, f64)>) {
    let Measured {
        per_second,
        p50,
        p99,
        ..
    } = phase.measured;
    let percent = 100.0 * per_second / bare.measured.per_second;
    let processor = phase.processor.map(|micros| format!("{micros:.1}"));
    let processor = processor.unwrap_or_default();
    let (decisions, of_single) = match decisions {
        None => (String::new(), String::new()),
        Some((decisions, single)) => (
            format!("{decisions:.0}"),
            format!("{:.1} x", decisions / single),
        ),
    };
    println!(
        "| {name} | {per_second:.0} | {decisions} | {p50} | {p99} | {processor} | {percent:.0} % | {of_single} |"
    );
}
