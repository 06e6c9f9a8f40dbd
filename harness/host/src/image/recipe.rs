//! Images that are built from packages.

use std::{fs, path::Path};

use labrig_plan::image::Recipe;
use sha2::{Digest, Sha256};

use super::{
    ImageError, ImageErrorKind, packages,
    packages::Selection,
    root::{Parts, Root},
};
use crate::{
    apt::{Apt, AptError, AptErrorKind},
    store::hex,
};

/// Changes whenever the same recipe and the same packages give another image.
pub(super) const BUILDER: &str = "labrig image 1";

/// A recipe whose packages apt has chosen.
pub(super) struct Chosen<'a> {
    recipe: &'a Recipe,
    suite: String,
    /// A `sources.list`, in the folder that apt works in.
    sources: &'a Path,
    apt: Apt<'a>,
    pub(super) selection: Selection,
}

impl<'a> Chosen<'a> {
    /// Asks apt, which works in `folder`. `sources` is where its sources are written. Of a release that the machine's apt
    /// does not follow, the lists are fetched first.
    pub(super) fn new(recipe: &'a Recipe, folder: &'a Path, sources: &'a Path) -> Result<Self, ImageError> {
        let suite = packages::suite(recipe)?;
        let packages::Sources { text, are_the_machines } = packages::sources(&suite)?;
        fs::write(sources, text).map_err(|error| ImageError::at("write", sources, error))?;
        let apt = Apt::within(folder)?.with_sources(sources);
        let apt = if are_the_machines { apt } else { apt.with_own_lists().map_err(|error| unknown(&suite, error))? };
        let selection = packages::select(&apt, recipe)?;
        Ok(Self { recipe, suite, sources, apt, selection })
    }

    /// What the image is made of, as one SHA-256: the recipe, the packages' names, versions and hashes, and the way of
    /// building.
    pub(super) fn digest(&self) -> String {
        hex(&Sha256::digest(format!("{BUILDER} {:?} {} {:?}", self.recipe, self.suite, self.selection.packages)))
    }

    /// Builds `disk`, `vmlinuz` and `initrd` in `image`; `work` is a folder for what is needed on the way.
    pub(super) fn build(&self, work: &Path, image: &Path) -> Result<(), ImageError> {
        let files = work.join("files");
        self.write_files(&files)?;
        let debs = self.apt.download(&self.selection.packages)?;
        let parts =
            Parts { suite: &self.suite, sources: self.sources, lists: self.apt.lists(), debs: &debs, files: &files };
        let root = Root::install(work.join("root"), &self.selection, &parts)?;
        root.write(&image.join("disk"), self.recipe.size)?;
        let (kernel, initrd) = root.kernel()?;
        for (from, name) in [(kernel, "vmlinuz"), (initrd, "initrd")] {
            fs::copy(&from, image.join(name)).map_err(|error| ImageError::at("copy", &from, error))?;
        }
        Ok(())
    }

    fn write_files(&self, folder: &Path) -> Result<(), ImageError> {
        fs::create_dir_all(folder).map_err(|error| ImageError::at("make", folder, error))?;
        for (path, text) in &self.recipe.files {
            let file = folder.join(path.trim_start_matches('/'));
            let parent = file.parent().unwrap_or(folder);
            fs::create_dir_all(parent)
                .and_then(|()| fs::write(&file, text))
                .map_err(|error| ImageError::at("write", &file, error))?;
        }
        Ok(())
    }
}

/// What it means that the lists of a release cannot be fetched: where the archive has no such release, apt says so.
fn unknown(suite: &str, error: AptError) -> ImageError {
    match &error.kind {
        AptErrorKind::Download(said) if said.contains("does not have a Release file") => {
            ImageError::new("choose packages", ImageErrorKind::NoSuite(suite.to_owned()))
        }
        _ => error.into(),
    }
}
