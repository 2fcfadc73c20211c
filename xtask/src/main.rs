//! The project's own chores: `cargo xtask test`, `bench`, `package` and `tidy`.

mod install;
mod package;
mod steps;
mod tidy;
#[path = "../../crates/testkit/src/tools.rs"]
#[expect(
    unreachable_pub,
    clippy::disallowed_methods,
    reason = "shared with the library nod-testkit; it looks tools up on PATH"
)]
mod tools;

use anyhow::{Context, Result, bail};
use clap::{Parser, Subcommand};
use std::path::{Path, PathBuf};
use std::process::ExitCode;

#[derive(Parser)]
#[command(about = "Chores of this repository", arg_required_else_help = true)]
struct Arguments {
    #[command(subcommand)]
    chore: Chore,
}

#[derive(Subcommand)]
enum Chore {
    /// Everything that must be green: format, lints, structure, licences, tests. CI runs this.
    Test {
        /// Also the long runs: more seeds, wide races, some minutes of fuzzing for each target.
        #[arg(long)]
        full: bool,
    },
    /// Measure the server (release build) and print the figures.
    Bench,
    /// Make the Debian package in target/package (release build).
    Package,
    /// Check the rules of structure only: edges between crates, file lengths, dependency notes, fuzz targets.
    Tidy,
}

fn main() -> ExitCode {
    let chore = Arguments::parse().chore;
    let result = root().and_then(|root| match chore {
        Chore::Test { full } => steps::test(&root, full),
        Chore::Bench => bench(&root),
        Chore::Package => package::make(&root, package::Build::Release).map(|made| println!("made {}", made.display())),
        Chore::Tidy => tidy::run(&root),
    });
    match result {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            // One line, whatever RUST_BACKTRACE says: a red step has printed its own story already.
            eprintln!("error: {error:#}");
            ExitCode::FAILURE
        }
    }
}

/// The workspace root: the folder above this crate.
fn root() -> Result<PathBuf> {
    let here = Path::new(env!("CARGO_MANIFEST_DIR"));
    here.parent().map(Path::to_path_buf).context("xtask must lie directly below the workspace root")
}

fn bench(root: &Path) -> Result<()> {
    let folder = root.join("crates/e2e/src/bin");
    if !folder.join("bench.rs").is_file() && !folder.join("bench/main.rs").is_file() {
        bail!("there is no benchmark yet: nod-e2e has no binary `bench` (crates/e2e/src/bin/bench.rs)");
    }
    steps::cargo(root, &["run", "--release", "--package", "nod-e2e", "--bin", "bench"])
}
