//! `labrig lint`

use std::path::PathBuf;

use crate::{exit::Exit, input, ui};

#[derive(Debug, clap::Args)]
pub(crate) struct Args {
    /// Files of one lab: network and domain XML, squid.conf, scripts with iptables or virt-install, dumps of
    /// iptables-save, rules for nft, preseeds. `-` is standard input
    #[arg(required = true)]
    files: Vec<PathBuf>,
}

/// Ends with 1 where anything is wrong, and with 2 where a file is of no use.
pub(crate) fn main(args: &Args) -> Exit {
    let (files, exit) = input::hand_made(&args.files);
    let found = labrig_legacy::lint(&files);
    found.iter().for_each(ui::findings);
    if found.is_empty() { exit } else { exit.max(Exit::Failed) }
}
