//! `labrig images`

use std::{
    fmt::Display,
    path::{Path, PathBuf},
    time::Instant,
};

use labrig_bringup::{catalogue, places::Places};
use labrig_host::{
    apt, guest,
    image::{ImageError, Shelf},
    snapshot::Snapshots,
};
use labrig_plan::{
    image::{Absence, Catalogue, Image, Installer, InstallerSource, Source, Whole},
    name::ImageName,
};

use crate::{exit::Exit, ui};

#[derive(Debug, clap::Subcommand)]
pub(crate) enum Verb {
    /// List the images and installers of a catalogue, and whether this machine has them
    Ls(CatalogueArgs),
    /// Build or fetch images and installers, unless they are there and up to date
    Build(BuildArgs),
    /// Remove every image and installer that no catalogue given here names, and what else in the cache is of no more use
    Gc(CatalogueArgs),
}

#[derive(Debug, clap::Args)]
pub(crate) struct BuildArgs {
    /// Images and installers of the catalogue; all of them if none is named
    images: Vec<ImageName>,
    #[command(flatten)]
    catalogue: CatalogueArgs,
}

#[derive(Debug, clap::Args)]
pub(crate) struct CatalogueArgs {
    /// The catalogue: the file `images.toml` beside the scenarios; may be given several times
    #[arg(long = "catalogue", value_name = "FILE", default_value = "scenarios/images.toml")]
    catalogues: Vec<PathBuf>,
}

pub(crate) fn main(verb: &Verb) -> Exit {
    let (Verb::Ls(args) | Verb::Build(BuildArgs { catalogue: args, .. }) | Verb::Gc(args)) = verb;
    let mut catalogue = Catalogue::default();
    for path in &args.catalogues {
        match catalogue::read(path) {
            Ok(more) => catalogue.add(more),
            Err(error) => {
                ui::catalogue(&error);
                return Exit::BadInput;
            }
        }
    }
    let cache = Places::from_environment().cache;
    let shelf = Shelf::within(&cache);
    match verb {
        Verb::Ls(_) => ls(&catalogue, &shelf),
        Verb::Build(args) => build(&args.images, &catalogue, &shelf),
        Verb::Gc(_) => gc(&catalogue, &shelf, &cache),
    }
}

/// What a catalogue has, of either kind.
enum Item<'c> {
    Image(&'c Image),
    Installer(&'c Installer),
}

/// What is there of it: where, and how large in bytes.
struct Kept {
    folder: PathBuf,
    size: u64,
}

impl<'c> Item<'c> {
    fn all(catalogue: &'c Catalogue) -> Vec<Self> {
        let images = catalogue.images().iter().map(Self::Image);
        images.chain(catalogue.installers().iter().map(Self::Installer)).collect()
    }

    fn name(&self) -> &str {
        match self {
            Self::Image(image) => image.name.as_str(),
            Self::Installer(installer) => installer.name.as_str(),
        }
    }

    const fn kind(&self) -> &'static str {
        match self {
            Self::Image(_) => "image",
            Self::Installer(_) => "installer",
        }
    }

    fn from(&self) -> String {
        let place = |file: &Whole| match file {
            Whole::File { path, .. } => path.clone(),
            Whole::Url { url, .. } => url.to_string(),
        };
        match self {
            Self::Image(Image { source: Source::Whole(file), .. }) => place(file),
            Self::Image(Image { source: Source::Recipe(recipe), .. }) => format!("{} packages", recipe.packages.len()),
            Self::Installer(Installer { source: InstallerSource::Package(choice), .. }) => choice.to_string(),
            Self::Installer(Installer { source: InstallerSource::Files { kernel, .. }, .. }) => place(kernel),
        }
    }

    fn find(&self, shelf: &Shelf) -> Result<Kept, Absence> {
        Ok(match self {
            Self::Image(image) => shelf.find(image).map(|it| Kept { size: it.size(), folder: it.folder })?,
            Self::Installer(installer) => {
                shelf.find_installer(installer).map(|it| Kept { size: it.size(), folder: it.folder })?
            }
        })
    }

    fn build(&self, shelf: &Shelf) -> Result<Kept, ImageError> {
        Ok(match self {
            Self::Image(image) => shelf.build(image).map(|it| Kept { size: it.size(), folder: it.folder })?,
            Self::Installer(installer) => {
                shelf.build_installer(installer).map(|it| Kept { size: it.size(), folder: it.folder })?
            }
        })
    }
}

fn ls(catalogue: &Catalogue, shelf: &Shelf) -> Exit {
    let row = |item: &Item<'_>| {
        let (state, size, folder) = match item.find(shelf) {
            Ok(kept) => ("ready", mebibytes(&kept), kept.folder.display().to_string()),
            Err(Absence::Missing) => ("missing", String::new(), String::new()),
            Err(Absence::Corrupt) => ("damaged", String::new(), String::new()),
        };
        [item.name().to_owned(), item.kind().to_owned(), item.from(), state.to_owned(), size, folder]
    };
    let rows: Vec<_> = Item::all(catalogue).iter().map(row).collect();
    ui::table(["NAME", "KIND", "FROM", "STATE", "SIZE", "FOLDER"], &rows);
    Exit::Passed
}

fn build(names: &[ImageName], catalogue: &Catalogue, shelf: &Shelf) -> Exit {
    let items = Item::all(catalogue);
    if let Some(unknown) = names.iter().find(|name| items.iter().all(|item| item.name() != name.as_str())) {
        let known: Vec<_> = items.iter().map(Item::name).collect();
        ui::error(&format!("there is no image {unknown}"), Some(&format!("there is: {}", known.join(", "))));
        return Exit::BadInput;
    }
    let is_meant = |item: &&Item<'_>| names.is_empty() || names.iter().any(|name| name.as_str() == item.name());
    let mut worst = Exit::Passed;
    for item in items.iter().filter(is_meant) {
        ui::line(&format!("{}: looking for what it is made of", item.name()));
        let begin = Instant::now();
        match item.build(shelf) {
            Ok(kept) => {
                let took = begin.elapsed().as_secs_f32();
                let folder = kept.folder.display();
                ui::line(&format!("{}: ready after {took:.1} s, {}, {folder}", item.name(), mebibytes(&kept)));
            }
            Err(error) => {
                ui::error(&format!("failed to build {} {}: {error}", item.kind(), item.name()), error.kind.hint());
                worst = Exit::Unfit;
            }
        }
    }
    worst
}

fn gc(catalogue: &Catalogue, shelf: &Shelf, cache: &Path) -> Exit {
    let failed = |what: &str, error: &dyn Display, hint: Option<&str>| {
        ui::error(&format!("failed to remove {what}: {error}"), hint);
    };
    let gone = [
        shelf.keep_only(catalogue).map_err(|e| failed("images", &e, e.kind.hint())),
        guest::tidy(cache).map_err(|e| failed("micro guests", &e, e.kind.hint())),
        apt::tidy(cache).map_err(|e| failed("apt repositories", &e, e.kind.hint())),
        Snapshots::within(cache).tidy().map_err(|e| failed("snapshots", &e, None)),
    ];
    let mut worst = Exit::Passed;
    for gone in gone {
        match gone {
            Ok(folders) => folders.iter().for_each(|folder| ui::line(&format!("removed {}", folder.display()))),
            Err(()) => worst = Exit::Unfit,
        }
    }
    worst
}

fn mebibytes(kept: &Kept) -> String {
    format!("{} MiB", kept.size >> 20)
}
