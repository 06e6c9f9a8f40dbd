//! Findings about images and installers that a machine does not have.

use std::fmt;

use super::CATALOGUE;
use crate::{
    finding::{Findings, Report},
    name::{ImageName, InstallerName},
    scenario::{Install, Scenario, parse_all},
};

/// What a machine has in the place of an image or an installer.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Absence {
    /// Nothing: it was never built, or not since its entry in the catalogue changed.
    Missing,
    /// One whose files are not what was built.
    Corrupt,
}

impl fmt::Display for Absence {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(match self {
            Self::Missing => "is not there: this machine has not built it yet",
            Self::Corrupt => "is damaged: its files are not what was built",
        })
    }
}

/// The findings of a scenario whose nodes name images and installers that the machine does not have: each at the name,
/// with the command that mends it. `None` where no node names any of them.
#[must_use]
pub fn absent(
    file_name: &str,
    bytes: &[u8],
    images: &[(ImageName, Absence)],
    installers: &[(InstallerName, Absence)],
) -> Option<Findings> {
    let (scenario, _, _) = parse_all::<Scenario>(file_name, bytes);
    let mut report = Report::new(file_name, &String::from_utf8_lossy(bytes));
    let build = match file_name.rsplit_once('/') {
        Some(("scenarios", _)) => "labrig images build".to_owned(),
        Some((folder, _)) => format!("labrig images build --catalogue {folder}/{CATALOGUE}"),
        None => format!("labrig images build --catalogue {CATALOGUE}"),
    };
    for node in scenario?.node.values() {
        let (what, name, span, absence) = match &node.install {
            Install::Image(name) => ("image", name.as_str(), name.span(), lookup(images, name)),
            Install::Netboot(netboot) => {
                let name = &netboot.installer;
                ("installer", name.as_str(), name.span(), lookup(installers, name))
            }
            Install::Micro | Install::Debootstrap(_) => continue,
        };
        if let Some(absence) = absence {
            report.add(span, format!("{what} `{name}` {absence}")).help(format!("run `{build} {name}`"));
        }
    }
    (!report.is_empty()).then(|| report.into_findings())
}

fn lookup<N: PartialEq>(absent: &[(N, Absence)], name: &N) -> Option<Absence> {
    absent.iter().find(|(other, _)| other == name).map(|(_, absence)| *absence)
}
