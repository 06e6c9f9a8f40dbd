//! From a catalogue's text to its images, and everything that cannot be meant.

use std::{collections::BTreeMap, ops::Range};

use super::{Choice, Entries, Entry, Image, Installer, Recipe, Source};
use crate::{
    finding::{Findings, Report},
    name::{ImageName, InstallerName},
    scenario::{At, parse_all},
    unit::Size,
};

/// The name of the file, beside the scenarios whose nodes boot from its images.
pub const CATALOGUE: &str = "images.toml";

/// Whether a file is a catalogue of images, by its name.
#[must_use]
pub fn is_catalogue(file_name: &str) -> bool {
    file_name.rsplit('/').next() == Some(CATALOGUE)
}

const DEFAULT_SIZE: Size = Size::from_mib(2048);
/// Less than the smallest release needs.
const LEAST_SIZE: Size = Size::from_mib(256);
/// What its journal, inode tables and a sparse file still take well (ext4 could have more).
const MOST_SIZE: Size = Size::from_mib(64 << 10);

/// The images and installers that the scenarios of a folder may name.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Catalogue {
    images: Vec<Image>,
    installers: Vec<Installer>,
}

impl Catalogue {
    /// Adds what another one has.
    pub fn add(&mut self, other: Self) {
        self.images.extend(other.images);
        self.installers.extend(other.installers);
    }

    /// Reads and checks the catalogue in `bytes`; findings name the file `file_name`, and files are looked for in its
    /// folder.
    ///
    /// # Errors
    ///
    /// Everything that is wrong with it, at once.
    pub fn load(file_name: &str, bytes: &[u8]) -> Result<Self, Findings> {
        let (entries, _, report) = parse_all::<Entries>(file_name, bytes);
        let Some(entries) = entries else { return Err(report.into_findings()) };
        let folder = file_name.rsplit_once('/').map_or("", |(folder, _)| folder);
        let mut check = Check { folder, report };
        let images = (entries.image.iter())
            .filter_map(|(name, entry)| Some(Image { name: (**name).clone(), source: check.source(name, entry)? }))
            .collect();
        let installers = (entries.installer.iter())
            .filter_map(|(name, entry)| {
                Some(Installer { name: (**name).clone(), source: check.installer(name, entry)? })
            })
            .collect();
        for (name, twin) in (entries.installer.keys())
            .filter_map(|name| Some((name, entries.image.keys().find(|image| image.as_str() == name.as_str())?)))
        {
            check
                .report
                .add(name.span(), format!("`{name}` is the name of an image already"))
                .help("give the installer another one, so that `labrig images build` knows which is meant")
                .related(twin.span(), "the image");
        }
        if check.report.is_empty() { Ok(Self { images, installers }) } else { Err(check.report.into_findings()) }
    }

    /// The images in the order of their names.
    #[must_use]
    pub fn images(&self) -> &[Image] {
        &self.images
    }

    /// The image of that name.
    #[must_use]
    pub fn image(&self, name: &ImageName) -> Option<&Image> {
        self.images.iter().find(|image| image.name == *name)
    }

    /// The installers in the order of their names.
    #[must_use]
    pub fn installers(&self) -> &[Installer] {
        &self.installers
    }

    /// The installer of that name.
    #[must_use]
    pub fn installer(&self, name: &InstallerName) -> Option<&Installer> {
        self.installers.iter().find(|installer| installer.name == *name)
    }
}

/// What every rule works with.
pub(super) struct Check<'a> {
    pub(super) folder: &'a str,
    pub(super) report: Report,
}

impl Check<'_> {
    /// Where an image comes from. Whatever is wrong with the entry is noted, and a source is made up if there is none.
    fn source(&mut self, name: &At<ImageName>, entry: &At<Entry>) -> Option<Source> {
        let sources: Vec<(&str, Range<usize>)> = [
            ("file", entry.file.as_ref().map(At::span)),
            ("url", entry.url.as_ref().map(At::span)),
            ("packages", entry.packages.as_ref().map(At::span)),
        ]
        .into_iter()
        .filter_map(|(key, span)| Some((key, span?)))
        .collect();
        match sources.as_slice() {
            [] => {
                self.report
                    .add(name.span(), format!("image `{name}` comes from nowhere"))
                    .help("write a `file`, a `url` with its `sha256`, or the `packages` that it is built from");
            }
            [_] => {}
            [(first, first_span), others @ ..] => {
                for (other, span) in others {
                    self.report
                        .add(span.clone(), format!("image `{name}` has a `{first}` already"))
                        .help(format!("it comes from one place; keep `{first}` or `{other}`"))
                        .related(first_span.clone(), "given here");
                }
            }
        }
        let recipe = entry.packages.as_ref().map(|packages| self.recipe(packages, entry));
        if recipe.is_none() && !sources.is_empty() {
            self.only_for_recipes(entry);
        }
        let what = format!("image `{name}`");
        match (&entry.file, &entry.url, recipe) {
            (None, None, recipe) => {
                if let Some(sha256) = &entry.sha256 {
                    self.sha256(sha256);
                    if recipe.is_some() {
                        self.report
                            .add(sha256.span(), "what is built from packages has no digest beforehand")
                            .help("leave `sha256` out");
                    }
                }
                recipe.map(Source::Recipe)
            }
            (file, url, _) => self.whole(&what, file.as_ref(), url.as_ref(), entry.sha256.as_ref()).map(Source::Whole),
        }
    }

    fn recipe(&mut self, packages: &At<Vec<At<Choice>>>, entry: &Entry) -> Recipe {
        if packages.is_empty() {
            self.report
                .add(packages.span(), "there are no packages")
                .help("name at least a kernel, an init, an SSH server and `cloud-init`");
        }
        for (index, package) in packages.iter().enumerate() {
            if let Some(first) = packages[..index].iter().find(|other| *other == package) {
                self.report
                    .add(package.span(), format!("package `{package}` is there already"))
                    .help("name it once")
                    .related(first.span(), "given here");
            }
        }
        let mut files = BTreeMap::new();
        for (path, text) in entry.files.as_deref().into_iter().flatten() {
            self.file(path);
            files.insert((**path).clone(), text.clone());
        }
        Recipe {
            suite: entry.suite.as_deref().cloned(),
            packages: packages.iter().map(|package| (**package).clone()).collect(),
            files,
            size: self.size(entry.size.as_ref()),
        }
    }

    /// A file of the image stands where the text says, and nowhere else.
    fn file(&mut self, path: &At<String>) {
        let mut parts = path.split('/');
        let absolute = parts.next() == Some("");
        let plain = parts.all(|part| !matches!(part, "" | "." | ".."));
        if !absolute || !plain || path.chars().any(char::is_control) {
            self.report
                .add(path.span(), "this is no path of a file in an image")
                .help("write it from the root, without `.` and `..`, as in `/etc/motd`");
        }
    }

    fn size(&mut self, size: Option<&At<Size>>) -> Size {
        let Some(size) = size else { return DEFAULT_SIZE };
        if !(LEAST_SIZE..=MOST_SIZE).contains(&**size) {
            self.report
                .add(size.span(), format!("a file system of `{size}` is none to install a system in"))
                .help(format!("between `{LEAST_SIZE}` and `{MOST_SIZE}`; `{DEFAULT_SIZE}` is the default"));
        }
        **size
    }

    fn only_for_recipes(&mut self, entry: &Entry) {
        let keys = [
            ("suite", entry.suite.as_ref().map(At::span)),
            ("files", entry.files.as_ref().map(At::span)),
            ("size", entry.size.as_ref().map(At::span)),
        ];
        for (key, span) in keys {
            if let Some(span) = span {
                self.report
                    .add(span, format!("`{key}` is for images that are built from `packages`"))
                    .help(format!("leave `{key}` out: this image is there as a whole"));
            }
        }
    }
}
