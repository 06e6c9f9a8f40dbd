//! What a recipe's packages are on this machine: which archive, which of each choice, which versions.

use std::{collections::BTreeSet, fs, path::Path, process::Command, time::Duration};

use labrig_plan::image::{Choice, Recipe};

use super::{ImageError, ImageErrorKind};
use crate::{
    apt::{Apt, AptErrorKind, Package},
    process,
};

/// How long apt may take to answer from its lists.
const ASK: Duration = Duration::from_secs(60);
/// Who offers a distribution's own packages, in the words of its archive.
const ORIGINS: [&str; 2] = ["Debian", "Ubuntu"];
/// The parts of a release that are meant to be used together: as it came out, and what was mended since.
const PARTS: [&str; 3] = ["", "-updates", "-security"];

/// What apt chose.
pub(super) struct Selection {
    /// The names that stand for the choices of the recipe.
    pub(super) names: Vec<String>,
    /// All packages, sorted by name: those, what they need, and what every system has.
    pub(super) packages: Vec<Package>,
}

/// The release that a recipe means.
pub(super) fn suite(recipe: &Recipe) -> Result<String, ImageError> {
    if let Some(suite) = &recipe.suite {
        return Ok(suite.to_string());
    }
    let place = Path::new("/etc/os-release");
    let text = fs::read_to_string(place).map_err(|error| ImageError::at("read", place, error))?;
    let codename = text.lines().find_map(|line| line.strip_prefix("VERSION_CODENAME="));
    Ok(codename.unwrap_or_default().trim_matches('"').to_owned())
}

/// The machine's sources of this release, as lines of a `sources.list`.
pub(super) fn sources(suite: &str) -> Result<String, ImageError> {
    let mut command = Command::new("apt-get");
    let format = "$(ORIGIN) $(CODENAME) deb $(REPO_URI) $(RELEASE) $(COMPONENT)";
    command.args(["indextargets", "--format", format, "Created-By: Packages"]).env("LC_ALL", "C");
    let output = process::run(&mut command, None, ASK)
        .map_err(|error| ImageError::new(format!("ask apt for its archive of {suite}"), error))?;
    let text = String::from_utf8_lossy(&output.stdout);
    let lines: BTreeSet<&str> = text
        .lines()
        .filter_map(|line| {
            let (origin, rest) = line.split_once(' ')?;
            let (codename, line) = rest.split_once(' ')?;
            let part = codename.strip_prefix(suite)?;
            (ORIGINS.contains(&origin) && PARTS.contains(&part)).then_some(line)
        })
        .collect();
    if lines.is_empty() {
        return Err(ImageError::new("choose packages", ImageErrorKind::NoSuite(suite.to_owned())));
    }
    Ok(lines.into_iter().map(|line| format!("{line}\n")).collect())
}

/// Chooses the versions of a recipe's packages and of all that they need. apt counts itself as essential, too.
pub(super) fn select(apt: &Apt<'_>, recipe: &Recipe) -> Result<Selection, ImageError> {
    let names = recipe.packages.iter().map(|choice| first_known(apt, choice)).collect::<Result<Vec<_>, _>>()?;
    let all: Vec<&str> = std::iter::once("?essential").chain(names.iter().map(String::as_str)).collect();
    let packages = apt.closure(&all)?;
    Ok(Selection { names, packages })
}

/// The first package of a choice that apt knows.
pub(super) fn first_known(apt: &Apt<'_>, choice: &Choice) -> Result<String, ImageError> {
    for package in choice.packages() {
        if apt.knows(package.as_str())? {
            return Ok(package.to_string());
        }
    }
    let names: Vec<&str> = choice.packages().iter().map(|package| package.as_str()).collect();
    Err(ImageError::new("choose packages", AptErrorKind::unknown(&names)))
}
