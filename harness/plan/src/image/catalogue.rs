//! From a catalogue's text to its images, and everything that cannot be meant.

use std::{collections::BTreeMap, ops::Range};

use super::{Entries, Entry, Image, Recipe, Sha256, Source};
use crate::{
    finding::{Findings, Report},
    name::ImageName,
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

/// The images that the scenarios of a folder may name.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Catalogue {
    images: Vec<Image>,
}

impl Catalogue {
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
        if check.report.is_empty() { Ok(Self { images }) } else { Err(check.report.into_findings()) }
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
}

/// What every rule works with.
struct Check<'a> {
    folder: &'a str,
    report: Report,
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
        let sha256 = entry.sha256.as_ref().and_then(|sha256| self.sha256(sha256));
        let recipe = entry.packages.as_ref().map(|packages| self.recipe(packages, entry));
        if recipe.is_none() && !sources.is_empty() {
            self.only_for_recipes(entry);
        }
        match (&entry.file, &entry.url, recipe) {
            (Some(file), ..) => Some(Source::File { path: self.path(file), sha256 }),
            (_, Some(url), _) => {
                if entry.sha256.is_none() {
                    self.report
                        .add(url.span(), format!("what has to come from the `url` of image `{name}` is not said"))
                        .help("add its digest, as whoever offers it tells: `sha256 = \"...\"`");
                }
                Some(Source::Url { url: (**url).clone(), sha256: sha256? })
            }
            (None, None, recipe) => {
                if recipe.is_some()
                    && let Some(sha256) = &entry.sha256
                {
                    self.report
                        .add(sha256.span(), "what is built from packages has no digest beforehand")
                        .help("leave `sha256` out");
                }
                recipe.map(Source::Recipe)
            }
        }
    }

    fn path(&mut self, file: &At<String>) -> String {
        if file.is_empty() || file.chars().any(char::is_control) {
            self.report.add(file.span(), "this is no path").help("write the path of a disk image");
        }
        if file.starts_with('/') || self.folder.is_empty() {
            return (**file).clone();
        }
        format!("{}/{}", self.folder, **file)
    }

    fn sha256(&mut self, text: &At<String>) -> Option<Sha256> {
        let sha256 = Sha256::new(text);
        if sha256.is_none() {
            self.report
                .add(text.span(), "this is no SHA-256")
                .help("it has 64 hexadecimal digits, as `sha256sum` prints");
        }
        sha256
    }

    fn recipe(&mut self, packages: &At<Vec<At<super::Choice>>>, entry: &Entry) -> Recipe {
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
