//! `labrig images`

use std::{path::PathBuf, time::Instant};

use labrig_bringup::{catalogue, places::Places};
use labrig_host::image::{ImageError, Shelf, Stored};
use labrig_plan::{
    image::{Absence, Catalogue, Image, Source},
    name::ImageName,
};

use crate::{exit::Exit, ui};

#[derive(Debug, clap::Subcommand)]
pub(crate) enum Verb {
    /// List the images of a catalogue, and whether this machine has them
    Ls(CatalogueArgs),
    /// Build or fetch images, unless they are there and up to date
    Build(BuildArgs),
    /// Remove every image that the catalogue does not name, or not any more
    Gc(CatalogueArgs),
}

#[derive(Debug, clap::Args)]
pub(crate) struct BuildArgs {
    /// Images of the catalogue; all of them if none is named
    images: Vec<ImageName>,
    #[command(flatten)]
    catalogue: CatalogueArgs,
}

#[derive(Debug, clap::Args)]
pub(crate) struct CatalogueArgs {
    /// The catalogue: the file `images.toml` beside the scenarios
    #[arg(long, value_name = "FILE", default_value = "scenarios/images.toml")]
    catalogue: PathBuf,
}

pub(crate) fn main(verb: &Verb) -> Exit {
    let (Verb::Ls(args) | Verb::Build(BuildArgs { catalogue: args, .. }) | Verb::Gc(args)) = verb;
    let catalogue = match catalogue::read(&args.catalogue) {
        Ok(catalogue) => catalogue,
        Err(error) => {
            ui::catalogue(&error);
            return Exit::BadInput;
        }
    };
    let shelf = Shelf::within(&Places::from_environment().cache);
    match verb {
        Verb::Ls(_) => ls(&catalogue, &shelf),
        Verb::Build(args) => build(&args.images, &catalogue, &shelf),
        Verb::Gc(_) => gc(&catalogue, &shelf),
    }
}

fn ls(catalogue: &Catalogue, shelf: &Shelf) -> Exit {
    let row = |image: &Image| {
        let (state, size, folder) = match shelf.find(image) {
            Ok(stored) => ("ready", mebibytes(&stored), stored.folder.display().to_string()),
            Err(Absence::Missing) => ("missing", String::new(), String::new()),
            Err(Absence::Corrupt) => ("damaged", String::new(), String::new()),
        };
        let from = match &image.source {
            Source::File { path, .. } => path.clone(),
            Source::Url { url, .. } => url.to_string(),
            Source::Recipe(recipe) => format!("{} packages", recipe.packages.len()),
        };
        [image.name.to_string(), from, state.to_owned(), size, folder]
    };
    let rows: Vec<_> = catalogue.images().iter().map(row).collect();
    ui::table(["IMAGE", "FROM", "STATE", "SIZE", "FOLDER"], &rows);
    Exit::Passed
}

fn build(names: &[ImageName], catalogue: &Catalogue, shelf: &Shelf) -> Exit {
    if let Some(unknown) = names.iter().find(|name| catalogue.image(name).is_none()) {
        let known: Vec<_> = catalogue.images().iter().map(|image| image.name.to_string()).collect();
        ui::error(&format!("there is no image {unknown}"), Some(&format!("there is: {}", known.join(", "))));
        return Exit::BadInput;
    }
    let mut worst = Exit::Passed;
    for image in catalogue.images().iter().filter(|image| names.is_empty() || names.contains(&image.name)) {
        ui::line(&format!("{}: looking for what it is made of", image.name));
        let begin = Instant::now();
        match shelf.build(image) {
            Ok(stored) => {
                let took = begin.elapsed().as_secs_f32();
                let folder = stored.folder.display();
                ui::line(&format!("{}: ready after {took:.1} s, {}, {folder}", image.name, mebibytes(&stored)));
            }
            Err(error) => {
                failed(&format!("failed to build image {}", image.name), &error);
                worst = Exit::Unfit;
            }
        }
    }
    worst
}

fn gc(catalogue: &Catalogue, shelf: &Shelf) -> Exit {
    match shelf.keep_only(catalogue.images()) {
        Ok(gone) => {
            gone.iter().for_each(|folder| ui::line(&format!("removed {}", folder.display())));
            Exit::Passed
        }
        Err(error) => {
            failed("failed to remove images", &error);
            Exit::Unfit
        }
    }
}

fn failed(what: &str, error: &ImageError) {
    ui::error(&format!("{what}: {error}"), error.kind.hint());
}

fn mebibytes(stored: &Stored) -> String {
    format!("{} MiB", stored.size() >> 20)
}
