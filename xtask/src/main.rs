//! Automation of the repository: `cargo xtask <task>`.
#![expect(
    clippy::print_stdout,
    clippy::print_stderr,
    reason = "a command line tool talks to its user"
)]

mod ci;
mod codegen;
mod deny;
mod e2e;
mod machine;
mod metadata;
mod node;
mod postgres;
mod process;
mod python;
mod serve;
mod tidy;

use std::path::Path;
use std::process::ExitCode;

const USAGE: &str = "usage: cargo xtask <task>

  serve [arguments]       installs what is missing, builds and runs `treeline serve`
  ci                      everything that decides whether a change is good
  tidy                    the repository's own rules
  codegen [--check]       generate the code from the service models, or compare
  deny                    licences, sources and known advisories of the dependencies
  deny --refresh FOLDER   take the advisories from a checkout of the RustSec database
  e2e [pytest arguments]  the outside clients against target/release/treeline";

fn main() -> ExitCode {
    let args: Vec<String> = std::env::args().skip(1).collect();
    let args: Vec<&str> = args.iter().map(String::as_str).collect();
    let root = root();
    let done = match args.as_slice() {
        ["serve", args @ ..] => serve::run(root, args),
        ["ci"] => ci::run(root),
        ["tidy"] => tidy::check(root),
        ["codegen"] => codegen::write(root),
        ["codegen", "--check"] => codegen::check(root),
        ["deny"] => deny::check(root),
        ["deny", "--refresh", database] => deny::refresh(root, Path::new(database)),
        ["e2e", pytest @ ..] => e2e::run(root, pytest),
        _ => Err(USAGE.to_owned()),
    };
    match done {
        Ok(()) => ExitCode::SUCCESS,
        Err(message) => {
            eprintln!("{message}");
            ExitCode::FAILURE
        }
    }
}

/// The root of the repository: xtask always runs from its own checkout.
fn root() -> &'static Path {
    let xtask = Path::new(env!("CARGO_MANIFEST_DIR"));
    xtask.parent().unwrap_or(xtask)
}
