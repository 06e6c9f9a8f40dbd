//! The catalogue of images beside a scenario.

use std::{
    io,
    path::{Path, PathBuf},
};

use labrig_plan::{
    finding::Findings,
    image::{CATALOGUE, Catalogue},
};

/// Why a catalogue is of no use.
#[derive(Debug, thiserror::Error)]
pub enum CatalogueError {
    /// It is there, and cannot be read.
    #[error("failed to read {}: {}", .0.display(), .1)]
    Unreadable(PathBuf, #[source] io::Error),
    /// Something is wrong with what it says.
    #[error("{0}")]
    Wrong(#[from] Findings),
}

/// The catalogue beside a scenario; an empty one where there is none.
///
/// # Errors
/// [`CatalogueError`].
pub fn beside(scenario: &Path) -> Result<Catalogue, CatalogueError> {
    let path = scenario.with_file_name(CATALOGUE);
    match read(&path) {
        Err(CatalogueError::Unreadable(_, error)) if error.kind() == io::ErrorKind::NotFound => {
            Ok(Catalogue::default())
        }
        catalogue => catalogue,
    }
}

/// The catalogue in this file.
///
/// # Errors
/// [`CatalogueError`].
pub fn read(path: &Path) -> Result<Catalogue, CatalogueError> {
    let bytes = std::fs::read(path).map_err(|error| CatalogueError::Unreadable(path.to_owned(), error))?;
    Ok(Catalogue::load(&path.to_string_lossy(), &bytes)?)
}
