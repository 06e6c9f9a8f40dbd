//! Libraries: what programs need, and what that needs in turn.

use std::collections::BTreeMap;

use super::{GuestError, binary, packages::Tree};

/// Where a distribution keeps libraries. The loader finds them all in `/lib`.
const LIBRARIES: [&str; 4] = ["lib/x86_64-linux-gnu", "usr/lib/x86_64-linux-gnu", "lib", "usr/lib"];

/// The dynamic loader and all libraries that these programs need, by the path at which they are looked for.
pub(super) fn libraries<'p>(
    tree: &Tree,
    programs: impl IntoIterator<Item = &'p [u8]>,
) -> Result<BTreeMap<String, Vec<u8>>, GuestError> {
    let failed = |error| GuestError::new("read what a program needs", error);
    let mut found = BTreeMap::new();
    let mut wanted = Vec::new();
    for program in programs {
        if let Some(loader) = binary::interpreter(program).map_err(failed)? {
            let name = loader.rsplit('/').next().unwrap_or(&loader).to_owned();
            found.insert(loader, library(tree, &name)?);
        }
        wanted.extend(binary::libraries(program).map_err(failed)?);
    }
    while let Some(name) = wanted.pop() {
        // A library may name the loader as well, which knows itself.
        if found.keys().any(|path| path.rsplit('/').next() == Some(name.as_str())) {
            continue;
        }
        let content = library(tree, &name)?;
        wanted.extend(binary::libraries(&content).map_err(failed)?);
        found.insert(format!("/lib/{name}"), content);
    }
    Ok(found)
}

fn library(tree: &Tree, name: &str) -> Result<Vec<u8>, GuestError> {
    let places = LIBRARIES.map(|folder| format!("{folder}/{name}"));
    tree.read(places.iter().map(String::as_str))
}
