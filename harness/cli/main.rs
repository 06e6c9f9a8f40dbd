//! The `labrig` command: one file a verb, and `ui`, the only place that prints.

mod check;
mod clean;
mod compare;
mod doctor;
mod down;
mod enter;
mod exit;
mod explain;
mod images;
mod import;
mod input;
mod lint;
mod ls;
mod origin;
mod render;
mod run;
mod scenario;
mod schema;
mod supervise;
mod ui;

use std::process::ExitCode;

use clap::{Parser, Subcommand};

/// Brings up whole libvirt labs from scenario files, and proves that they work.
#[derive(Debug, Parser)]
#[command(
    version,
    after_help = "Exit codes: 0 passed, 1 a scenario failed or lint found something, 2 bad input, 3 this host can't run it, 130 interrupted"
)]
struct Cli {
    #[command(subcommand)]
    verb: Verb,
}

#[derive(Debug, Subcommand)]
enum Verb {
    /// Check scenario files and report everything that is wrong with them
    Check(check::Args),
    /// Report what is wrong with the files of a lab that was made by hand
    Lint(lint::Args),
    /// Turn the files of a lab that was made by hand into a scenario
    Import(import::Args),
    /// Print what a scenario is rendered to: XML, squid.conf, rules
    Render(render::Args),
    /// Bring labs up, check them, and take them down
    Run(run::Args),
    /// Bring a lab up and leave it running
    Up(run::UpArgs),
    /// Run scenarios on two lab hosts, and tell what one makes of them that the other does not
    Compare(compare::Args),
    /// Keep what a lab host makes of scenarios, to be compared after an update
    #[command(subcommand)]
    Baseline(compare::BaselineVerb),
    /// List labs that run, and runs that are over
    Ls(ls::Args),
    /// Open a shell on a node
    Ssh(enter::SshArgs),
    /// Run a command on a node, with its exit code
    Exec(enter::ExecArgs),
    /// Attach to a node's serial console (Ctrl-] leaves it)
    Console(enter::ConsoleArgs),
    /// Take a running lab down
    Down(down::Args),
    /// Remove what killed runs left on this machine
    Clean(clean::Args),
    /// List, build and remove the images that nodes boot from
    #[command(subcommand)]
    Images(images::Verb),
    /// Name the cause behind what libvirt, QEMU, squid, dnsmasq, SSH, a guest or the kernel printed
    Explain(explain::Args),
    /// Look at this host, and tell how to fix what is missing
    Doctor,
    /// Print the JSON Schema of scenario files or of image catalogues, for editors
    Schema(schema::Args),
    /// The first process inside a lab host
    #[command(hide = true)]
    Supervise(supervise::Args),
    /// The web servers of a lab's upstream
    #[command(hide = true)]
    Origin(origin::Args),
}

fn main() -> ExitCode {
    let exit = match Cli::parse().verb {
        Verb::Check(args) => check::main(&args),
        Verb::Lint(args) => lint::main(&args),
        Verb::Import(args) => import::main(&args),
        Verb::Render(args) => render::main(&args),
        Verb::Run(args) => run::main(&args),
        Verb::Up(args) => run::up(&args),
        Verb::Compare(args) => compare::main(&args),
        Verb::Baseline(verb) => compare::baseline(&verb),
        Verb::Ls(args) => ls::main(&args),
        Verb::Ssh(args) => enter::ssh(&args),
        Verb::Exec(args) => enter::exec(&args),
        Verb::Console(args) => enter::console(&args),
        Verb::Down(args) => down::main(&args),
        Verb::Clean(args) => clean::main(&args),
        Verb::Images(verb) => images::main(&verb),
        Verb::Explain(args) => explain::main(&args),
        Verb::Doctor => doctor::main(),
        Verb::Schema(args) => schema::main(&args),
        Verb::Supervise(args) => supervise::main(&args),
        Verb::Origin(args) => origin::main(&args),
    };
    exit.into()
}
