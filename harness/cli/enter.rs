//! `labrig ssh`, `exec` and `console`: into a lab that runs. Each runs the ordinary program (OpenSSH's client, `virsh`)
//! in the lab's namespaces.

use std::{path::Path, process::Command};

use labrig_bringup::{places::Places, run_folder::RunFolder};
use labrig_host::{
    keys::KeyFiles,
    process::{self, ProcessError},
    sandbox,
};

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
    enter(&args.lab, &args.node, |pid, address, run| {
        let mut command = client(pid, &args.node, run)?;
        command.arg(address);
        Ok(command)
    })
}

pub(crate) fn exec(args: &ExecArgs) -> Exit {
    enter(&args.lab, &args.node, |pid, address, run| {
        let mut command = client(pid, &args.node, run)?;
        command.arg("-T").arg(address).arg("--").args(&args.command);
        Ok(command)
    })
}

pub(crate) fn console(args: &ConsoleArgs) -> Exit {
    enter(&args.lab, &args.node, |pid, _, _| {
        let mut command = sandbox::enter_command(pid, "virsh")?;
        command.args(["--connect", "qemu:///system", "console", &args.node]);
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

/// Runs a command in the lab's namespaces, with this terminal. `command` makes it of the lab's first process, the node's
/// address and the run folder.
fn enter(lab: &str, node: &str, command: impl FnOnce(u32, &str, &RunFolder) -> Result<Command, ProcessError>) -> Exit {
    let run = match find(lab) {
        Ok(run) => run,
        Err(exit) => return exit,
    };
    let nodes = run.nodes();
    let Some((_, address)) = nodes.iter().find(|(name, _)| name.as_str() == node) else {
        let names: Vec<_> = nodes.keys().map(ToString::to_string).collect();
        ui::error(&format!("no node `{node}` in {}", run.id()), Some(&format!("there is: {}", names.join(", "))));
        return Exit::BadInput;
    };
    let Some(pid) = run.pid() else {
        ui::error(&format!("{} just went down", run.id()), None);
        return Exit::Unfit;
    };
    let command = command(pid, &address.to_string(), &run);
    match command.and_then(|mut command| process::attached(&mut command)) {
        Ok(status) => Exit::Command(status.code().and_then(|code| u8::try_from(code).ok()).unwrap_or(u8::MAX)),
        Err(error) => {
            ui::error(&format!("failed to enter {}: {error}", run.id()), None);
            Exit::Unfit
        }
    }
}

/// OpenSSH's client with the run's own login key, and the host key that it has to find. Nothing of this user's own
/// configuration counts.
fn client(pid: u32, node: &str, run: &RunFolder) -> Result<Command, ProcessError> {
    // The client reads blanks and percent signs in names of files as something else.
    let keys = KeyFiles::within(Path::new("keys"));
    let mut command = sandbox::network_command(pid, "ssh")?;
    command.current_dir(run.path());
    command.args(["-F", "none", "-l", "root", "-o", "IdentitiesOnly=yes", "-o", "StrictHostKeyChecking=yes"]);
    command.args(["-o", "GlobalKnownHostsFile=none", "-o", &format!("HostKeyAlias={node}")]);
    command.arg("-o").arg(format!("UserKnownHostsFile={}", keys.known_hosts.display())).arg("-i").arg(keys.login);
    Ok(command)
}
