//! What is wrong with the files of a lab: each kind by rules of its own, and all of them together.
//!
//! A rule speaks only where it is sure. What a file includes, what a variable may hold, and what another program may
//! have made before is not known; so it is taken for right.

use labrig_plan::finding::{Findings, Report};

use crate::{
    file::{Document, File},
    lab::{self, Lab},
};

mod access;
mod across;
mod attributes;
mod delay_pools;
mod iptables;
mod libvirt_domain;
mod libvirt_network;
mod nftables;
mod preseed;
mod proxied;
mod shell;
mod squid;
mod virt_install;
mod xml;

/// Everything that is wrong with `files`, which are those of one lab: the files with anything wrong, in the order in
/// which they were given.
#[must_use]
pub fn lint(files: &[File]) -> Vec<Findings> {
    lab::findings(reports(files))
}

/// The same, one report for each file.
pub(crate) fn reports(files: &[File]) -> Vec<Report> {
    let lab = Lab { files };
    let mut reports = lab.reports();
    for (file, report) in files.iter().zip(&mut reports) {
        alone(file, report);
    }
    across::lint(lab, &mut reports);
    proxied::lint(lab, &mut reports);
    reports
}

/// The rules that need nothing but the file itself.
fn alone(file: &File, report: &mut Report) {
    match &file.document {
        Document::Network(network) => libvirt_network::lint(network, report),
        Document::Domain(domain) => libvirt_domain::lint(domain, report),
        Document::Squid(configuration) => squid::lint(configuration, report),
        Document::Script(script, rules, installs) => {
            shell::lint(script, report);
            iptables::lint(rules, false, report);
            installs.iter().for_each(|install| virt_install::lint(install, report));
        }
        Document::IptablesSave(rules) => iptables::lint(rules, true, report),
        Document::Nftables(ruleset) => nftables::lint(ruleset, report),
        Document::Preseed(preseed) => preseed::lint(preseed, &file.text, report),
    }
}
