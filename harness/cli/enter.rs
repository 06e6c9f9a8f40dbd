//! `labrig ssh`, `exec` and `console`: into a lab that runs. Each runs the ordinary program (OpenSSH's client, `virsh`)
//! in the lab's namespaces.

use std::{net::Ipv4Addr, process::Command};

use labrig_bringup::{places::Places, run_folder::RunFolder};
use labrig_host::{
    process::{self, ProcessError},
    sandbox, ssh,
};
use labrig_plan::name::NodeName;

use crate::{exit::Exit, ui};

#[derive(Debug, clap::Args)]
pub(crate) struct SshArgs {
    /// The lab, by its id or its scenario's name
    lab: String,
    /// The node
    node: String,
}

#[derive(Debug, clap::Args)]
pub(crate) struct ExecArgs {
    /// The lab, by its id or its scenario's name
    lab: String,
    /// The node
    node: String,
    /// The command, as the node's shell reads it
    #[arg(required = true, trailing_var_arg = true)]
    command: Vec<String>,
}

#[derive(Debug, clap::Args)]
pub(crate) struct ConsoleArgs {
    /// The lab, by its id or its scenario's name
    lab: String,
    /// The node
    node: String,
}

pub(crate) fn ssh(args: &SshArgs) -> Exit {
    enter(&args.lab, &args.node, |pid, run, node, address| ssh::client(pid, run.path(), node, address))
}

pub(crate) fn exec(args: &ExecArgs) -> Exit {
    enter(&args.lab, &args.node, |pid, run, node, address| {
        let mut command = ssh::client(pid, run.path(), node, address)?;
        command.args(["-T", "--"]).args(&args.command);
        Ok(command)
    })
}

pub(crate) fn console(args: &ConsoleArgs) -> Exit {
    enter(&args.lab, &args.node, |pid, run, node, _| {
        let mut command = sandbox::enter_command(pid, "virsh")?;
        command.args(["--connect", "qemu:///system", "console", &run.site().domain(node)]);
        Ok(command)
    })
}

/// The lab that runs under this id, or the only one of this scenario.
pub(crate) fn find(lab: &str) -> Result<RunFolder, Exit> {
    let alive: Vec<_> = RunFolder::all(&Places::from_environment().runs).into_iter().filter(RunFolder::alive).collect();
    let is_of = |run: &&RunFolder| run.id().rsplit_once('-').is_some_and(|(scenario, _)| scenario == lab);
    let matches: Vec<_> = alive.iter().filter(|run| run.id() == lab || is_of(run)).collect();
    let names = |runs: &[&RunFolder]| runs.iter().map(|run| run.id()).collect::<Vec<_>>().join(", ");
    match matches.as_slice() {
        [run] => Ok((*run).clone()),
        [] if alive.is_empty() => {
            ui::error(&format!("no lab `{lab}` is running"), Some("`labrig up SCENARIO` brings one up"));
            Err(Exit::BadInput)
        }
        [] => {
            let running = names(&alive.iter().collect::<Vec<_>>());
            ui::error(&format!("no lab `{lab}` is running"), Some(&format!("running: {running}")));
            Err(Exit::BadInput)
        }
        several => {
            let help = format!("name one: {}", names(several));
            ui::error(&format!("several labs of `{lab}` are running"), Some(&help));
            Err(Exit::BadInput)
        }
    }
}

/// Runs a command that gets into the lab's namespaces, with this terminal. It is made for the lab's first process, the run
/// folder, the node and its address.
fn enter(
    lab: &str,
    node: &str,
    command: impl FnOnce(u32, &RunFolder, &NodeName, Ipv4Addr) -> Result<Command, ProcessError>,
) -> Exit {
    let run = match find(lab) {
        Ok(run) => run,
        Err(exit) => return exit,
    };
    let nodes = run.nodes();
    let Some((node, address)) = nodes.iter().find(|(name, _)| name.as_str() == node) else {
        let names: Vec<_> = nodes.keys().map(ToString::to_string).collect();
        ui::error(&format!("no node `{node}` in {}", run.id()), Some(&format!("there is: {}", names.join(", "))));
        return Exit::BadInput;
    };
    let Some(pid) = run.pid() else {
        ui::error(&format!("{} just went down", run.id()), None);
        return Exit::Unfit;
    };
    let status = command(pid, &run, node, *address).and_then(|mut command| process::attached(&mut command));
    match status {
        Ok(status) => Exit::Command(status.code().and_then(|code| u8::try_from(code).ok()).unwrap_or(u8::MAX)),
        Err(error) => {
            ui::error(&format!("failed to enter {}: {error}", run.id()), None);
            Exit::Unfit
        }
    }
}
