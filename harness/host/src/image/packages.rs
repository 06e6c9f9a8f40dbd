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
/// The component that every release has.
const MAIN: &str = "main";
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

/// Where a release's packages come from.
pub(super) struct Sources {
    /// Lines of a `sources.list`.
    pub(super) text: String,
    /// Whether they are the machine's, so that its apt has their lists.
    pub(super) are_the_machines: bool,
}

/// The machine's sources of this release; or, of a release that is none of the machine's, the same archive.
pub(super) fn sources(suite: &str) -> Result<Sources, ImageError> {
    let mut command = Command::new("apt-get");
    let format = "$(ORIGIN)\t$(CODENAME)\t$(REPO_URI)\t$(RELEASE)\t$(COMPONENT)\t$(SIGNED_BY)";
    command.args(["indextargets", "--format", format, "Created-By: Packages"]).env("LC_ALL", "C");
    let output = process::run(&mut command, None, ASK)
        .map_err(|error| ImageError::new(format!("ask apt for its archive of {suite}"), error))?;
    let text = String::from_utf8_lossy(&output.stdout);
    let targets: Vec<_> = text.lines().filter_map(Target::of).filter(|it| ORIGINS.contains(&it.origin)).collect();
    let is_of = |target: &&Target<'_>| target.codename.strip_prefix(suite).is_some_and(|part| PARTS.contains(&part));
    let lines: BTreeSet<String> = targets
        .iter()
        .filter(is_of)
        .map(|Target { uri, release, component, .. }| format!("deb {uri} {release} {component}\n"))
        .collect();
    if !lines.is_empty() {
        return Ok(Sources { text: lines.into_iter().collect(), are_the_machines: true });
    }
    let main = targets.iter().find(|target| target.component == MAIN && !target.codename.contains('-'));
    let Target { uri, key, .. } =
        main.ok_or_else(|| ImageError::new("choose packages", ImageErrorKind::NoSuite(suite.to_owned())))?;
    let key = key.map(|key| format!("[signed-by={key}] ")).unwrap_or_default();
    Ok(Sources { text: format!("deb {key}{uri} {suite} {MAIN}\n"), are_the_machines: false })
}

/// A list of packages that the machine's apt has (apt-get(8), `indextargets`).
struct Target<'a> {
    origin: &'a str,
    codename: &'a str,
    uri: &'a str,
    release: &'a str,
    component: &'a str,
    /// The file with the keys that its archive signs with, where its source names one.
    key: Option<&'a str>,
}

impl<'a> Target<'a> {
    fn of(line: &'a str) -> Option<Self> {
        let mut fields = line.split('\t');
        let mut next = || fields.next();
        let (origin, codename, uri, release, component) = (next()?, next()?, next()?, next()?, next()?);
        Some(Self { origin, codename, uri, release, component, key: next().filter(|key| key.starts_with('/')) })
    }
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
