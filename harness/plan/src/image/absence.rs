//! Findings about images that a machine does not have.

use std::fmt;

use super::CATALOGUE;
use crate::{
    finding::{Findings, Report},
    name::ImageName,
    scenario::{Install, Scenario, parse_all},
};

/// What a machine has in the place of an image.
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

/// The findings of a scenario whose nodes name images that the machine does not have: each at the name, with the
/// command that mends it. `None` where no node names any of them.
#[must_use]
pub fn absent(file_name: &str, bytes: &[u8], images: &[(ImageName, Absence)]) -> Option<Findings> {
    let (scenario, _, _) = parse_all::<Scenario>(file_name, bytes);
    let mut report = Report::new(file_name, &String::from_utf8_lossy(bytes));
    let build = match file_name.rsplit_once('/') {
        Some(("scenarios", _)) => "labrig images build".to_owned(),
        Some((folder, _)) => format!("labrig images build --catalogue {folder}/{CATALOGUE}"),
        None => format!("labrig images build --catalogue {CATALOGUE}"),
    };
    for node in scenario?.node.values() {
        let Install::Image(name) = &node.install else { continue };
        if let Some((_, absence)) = images.iter().find(|(image, _)| image == &**name) {
            report.add(name.span(), format!("image `{name}` {absence}")).help(format!("run `{build} {name}`"));
        }
    }
    (!report.is_empty()).then(|| report.into_findings())
}
