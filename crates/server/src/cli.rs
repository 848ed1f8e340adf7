//! The command line, and the only place that reads the environment.

use std::io::{self, Write};
use std::path::PathBuf;
use std::process::ExitCode;

use clap::parser::ValueSource;
use clap::{ArgMatches, CommandFactory, FromArgMatches, Parser, Subcommand};

use crate::config::{Config, DataHome};
use crate::dsql_command::{self, DsqlCommand};
use crate::error::Error;
use crate::iam_command::{self, IamCommand};
use crate::import_command::{self, ExportQuestion, ImportQuestion};
use crate::settings::Settings;
use crate::{env, serve};

/// Amazon Verified Permissions and Amazon Aurora DSQL on your machine
#[derive(Parser)]
#[command(name = "treeline", version)]
pub(crate) struct Cli {
    #[command(subcommand)]
    command: Command,
}

#[derive(Subcommand)]
enum Command {
    /// Start the server
    Serve(Configuration),
    /// Print the shell commands that point AWS clients at the server: eval "$(treeline env)"
    #[command(mut_args = hide_unless_of_use)]
    Env {
        #[command(flatten)]
        configuration: Configuration,
        #[command(flatten)]
        owner: env::Owner,
    },
    /// Put the policies, templates, links and schema of files into a policy store
    #[command(mut_args = hide_unless_of_use)]
    Import {
        #[command(flatten)]
        question: ImportQuestion,
        #[command(flatten)]
        configuration: Box<Configuration>,
    },
    /// Write a policy store into files that import reads
    #[command(mut_args = hide_unless_of_use)]
    Export {
        #[command(flatten)]
        question: ExportQuestion,
        #[command(flatten)]
        configuration: Box<Configuration>,
    },
    /// Ask what the policies decide
    #[command(subcommand)]
    Iam(IamCommand),
    /// Do to clusters what no request may
    #[command(subcommand)]
    Dsql(DsqlCommand),
}

/// Flags come before the environment, the environment before the file, the file before defaults.
#[derive(clap::Args)]
pub(crate) struct Configuration {
    /// A TOML file; each of the other options may stand in it, under its name without `--`
    #[arg(long, env = "TREELINE_CONFIG", value_name = "FILE")]
    config: Option<PathBuf>,
    #[command(flatten)]
    settings: Settings,
}

/// Runs the program: exit code 0, or 1 after one line on standard error that says what is wrong
/// and where; 2 for a wrong command line.
pub(crate) fn main() -> ExitCode {
    let matches = Cli::command().get_matches();
    match run(&matches) {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            let line = error.to_string().replace('\n', " ");
            let _ = writeln!(io::stderr(), "treeline: {line}");
            ExitCode::FAILURE
        }
    }
}

fn run(matches: &ArgMatches) -> Result<(), Error> {
    let cli = Cli::from_arg_matches(matches).unwrap_or_else(|error| error.exit());
    match cli.command {
        Command::Serve(configuration) => {
            let program = std::env::args().next();
            serve::run(
                &configuration.load()?,
                program.as_deref().unwrap_or("treeline"),
            )
        }
        Command::Env {
            configuration,
            owner,
        } => {
            let typed = matches.subcommand().map(|(_, matches)| typed(matches));
            let (mut out, mut notes) = (io::stdout().lock(), io::stderr().lock());
            env::run(
                &configuration.load()?,
                typed.unwrap_or_default(),
                &owner,
                &mut out,
                &mut notes,
            )
        }
        Command::Import {
            question,
            configuration,
        } => {
            let region_typed = region_typed(matches);
            import_command::import(&configuration.load()?, region_typed, &question)
        }
        Command::Export {
            question,
            configuration,
        } => {
            let region_typed = region_typed(matches);
            import_command::export(&configuration.load()?, region_typed, &question)
        }
        Command::Iam(IamCommand::Explain {
            question,
            configuration,
        }) => {
            let explain = matches.subcommand().and_then(|(_, iam)| iam.subcommand());
            let typed = explain
                .map(|(_, matches)| typed(matches))
                .unwrap_or_default();
            iam_command::explain(&configuration.load()?, typed.iam_file, &question)
        }
        Command::Dsql(DsqlCommand::RemoveClusterPolicy {
            cluster,
            configuration,
        }) => dsql_command::remove_cluster_policy(&configuration.load()?, &cluster),
        Command::Dsql(DsqlCommand::Faults(command)) => {
            let (change, configuration) = command.parts();
            dsql_command::faults(&configuration.load()?, &change)
        }
        Command::Iam(IamCommand::Simulate { terse }) => iam_command::simulate(terse),
    }
}

impl Configuration {
    fn load(self) -> Result<Config, Error> {
        Config::load(self.settings, self.config.as_deref(), &data_home())
    }
}

#[expect(
    clippy::disallowed_methods,
    reason = "the command line reads the environment"
)]
fn data_home() -> DataHome {
    let path = |name| std::env::var_os(name).map(PathBuf::from);
    DataHome {
        xdg_data_home: path("XDG_DATA_HOME"),
        home: path("HOME"),
        root: nix::unistd::geteuid().is_root(),
    }
}

/// Whether the command line says which Region is meant.
fn region_typed(matches: &ArgMatches) -> bool {
    let command = matches.subcommand().map(|(_, matches)| typed(matches));
    command.is_some_and(|typed| typed.region)
}

fn typed(matches: &ArgMatches) -> env::Typed {
    let typed = |id| matches.value_source(id) == Some(ValueSource::CommandLine);
    env::Typed {
        http: typed("http"),
        region: typed("region"),
        iam_file: typed("iam_file"),
    }
}

/// Every command takes every key, so that one environment and one file fit all; the help of those
/// that do not serve shows the keys that make a difference to them.
pub(crate) fn hide_unless_of_use(arg: clap::Arg) -> clap::Arg {
    let of_use = [
        "config",
        "data_dir",
        "http",
        "iam_file",
        "region",
        "user",
        "account",
        "help",
        "principal",
        "action",
        "resource",
        "context",
        "json",
        "cluster",
        "files",
        "policy_store",
        "dry_run",
        "delete",
        "create",
        "verbose",
        "output",
        "rule",
        "numbers",
    ];
    let hide = !of_use.contains(&arg.get_id().as_str());
    arg.hide(hide)
}
