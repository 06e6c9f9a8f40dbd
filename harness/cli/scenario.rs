//! Scenarios as the command line names them.

use std::{
    path::{Path, PathBuf},
    sync::Arc,
};

use labrig_bringup::{catalogue, client::Again};
use labrig_host::image::Shelf;
use labrig_plan::{
    image::{self, Catalogue},
    lab::Lab,
};

use crate::{exit::Exit, input, ui};

/// A scenario that has nothing wrong with it.
#[derive(Debug)]
pub(crate) struct Loaded {
    pub(crate) path: PathBuf,
    pub(crate) lab: Lab,
    bytes: Vec<u8>,
    catalogue: Catalogue,
}

impl Loaded {
    /// What makes its lab anew where subnets are somebody's.
    pub(crate) fn again(&self) -> Again {
        let (name, bytes, catalogue) =
            (self.path.to_string_lossy().into_owned(), self.bytes.clone(), self.catalogue.clone());
        // What is wrong then is that nothing is left to choose from: all else would have been wrong before.
        Arc::new(move |taken| labrig_plan::load_beside(&name, &bytes, &catalogue, taken).ok())
    }

    /// Shows which images and installers this machine has not built, or damaged.
    ///
    /// # Errors
    /// [`Exit::BadInput`] if there are any: the scenario names something that is not there.
    pub(crate) fn need_images(&self, shelf: &Shelf) -> Result<(), Exit> {
        let images = self.lab.images.iter();
        let absent: Vec<_> = images.filter_map(|image| Some((image.name.clone(), shelf.find(image).err()?))).collect();
        let installers = self.lab.installers.iter();
        let absent_installers: Vec<_> =
            installers.filter_map(|it| Some((it.name.clone(), shelf.find_installer(it).err()?))).collect();
        match image::absent(&self.path.to_string_lossy(), &self.bytes, &absent, &absent_installers) {
            Some(findings) => {
                ui::findings(&findings);
                Err(Exit::BadInput)
            }
            None => Ok(()),
        }
    }
}

/// Loads all of `names` and shows everything that is wrong with any of them. A name is a file, or the stem of one in
/// `scenarios/`. A catalogue of images among several names is no scenario, and left out: `scenarios/*.toml` has it too.
pub(crate) fn load_all(names: &[PathBuf]) -> Result<Vec<Loaded>, Exit> {
    let is_scenario = |name: &&PathBuf| names.len() == 1 || !image::is_catalogue(&name.to_string_lossy());
    let loaded: Vec<_> = names.iter().filter(is_scenario).map(|name| load(name)).collect();
    loaded.into_iter().collect::<Option<_>>().ok_or(Exit::BadInput)
}

fn load(name: &Path) -> Option<Loaded> {
    let path = resolve(name);
    let absent = Some("a name without a path is looked for in `scenarios/`");
    let bytes = input::read(&path).map_err(|error| ui::unreadable(&path, &error, absent)).ok()?;
    let catalogue = catalogue::beside(&path).map_err(|error| ui::catalogue(&error)).ok()?;
    let lab = labrig_plan::load_with(&path.to_string_lossy(), &bytes, &catalogue)
        .map_err(|findings| ui::findings(&findings))
        .ok()?;
    Some(Loaded { path, lab, bytes, catalogue })
}

fn resolve(name: &Path) -> PathBuf {
    let bare = name.components().count() == 1 && name.extension().is_none();
    let shipped = Path::new("scenarios").join(name).with_extension("toml");
    if bare && !name.exists() && shipped.exists() { shipped } else { name.to_owned() }
}
