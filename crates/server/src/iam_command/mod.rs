//! `treeline iam`: what the policies decide, asked without a request.

mod explain;
mod print;
mod simulate;

use crate::config::Config;
use crate::error::Error;

pub(crate) use explain::Question;

/// The commands below `treeline iam`.
#[derive(clap::Subcommand)]
pub(crate) enum IamCommand {
    /// Print whether a principal may do something, and every statement that mattered, from the
    /// account file and the cluster policies as they are now
    #[command(mut_args = crate::cli::hide_unless_of_use)]
    Explain {
        #[command(flatten)]
        question: Question,
        #[command(flatten)]
        configuration: Box<crate::cli::Configuration>,
    },
    /// Decide the questions on standard input, one JSON object per line, each with its own policies
    Simulate {
        /// Answer each with one word: Allow, ExplicitDeny or ImplicitDeny
        #[arg(long)]
        terse: bool,
    },
}

/// Prints the explanation.
pub(crate) fn explain(
    config: &Config,
    iam_file_typed: bool,
    question: &Question,
) -> Result<(), Error> {
    let text = explain::run(config, iam_file_typed, question)?;
    print(&text)
}

/// Answers the questions on standard input until it ends.
pub(crate) fn simulate(terse: bool) -> Result<(), Error> {
    let (input, output) = (std::io::stdin().lock(), std::io::stdout().lock());
    simulate::run(input, output, terse).map_err(Error::process("answer on standard output"))
}

fn print(text: &str) -> Result<(), Error> {
    use std::io::Write;
    let mut out = std::io::stdout().lock();
    let done = out.write_all(text.as_bytes()).and_then(|()| out.flush());
    done.map_err(Error::process("write to standard output"))
}
