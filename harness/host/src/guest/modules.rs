//! Kernel modules: the wanted ones and what they need, in the order in which they can be loaded.
//!
//! A package brings no `modules.dep`, since depmod writes that where the package is installed. So the order comes from
//! where depmod takes it: from the modules.

use std::{
    collections::{BTreeMap, BTreeSet},
    path::{Path, PathBuf},
    process::Command,
    time::Duration,
};

use super::{GuestError, GuestErrorKind, binary};
use crate::process;

/// A module, ready to be loaded.
pub(super) struct Module {
    /// Its name, with underscores.
    pub(super) name: String,
    /// Its bytes, not compressed.
    pub(super) content: Vec<u8>,
}

impl Module {
    /// Where it stands in a guest, without the leading `/`.
    pub(super) fn path(&self) -> String {
        format!("lib/modules/{}.ko", self.name)
    }
}

/// The paths of modules, one a line, for whoever loads them.
pub(super) fn list(modules: &[Module]) -> String {
    modules.iter().map(|module| format!("/{}\n", module.path())).collect()
}

/// The modules of these names and what they need, in order: the required ones, and the welcome ones where the kernel
/// has them. `tree` is the kernel's own folder, `lib/modules/<version>`.
pub(super) fn load_order(tree: &Path, required: &[&str], welcome: &[&str]) -> Result<Vec<Module>, GuestError> {
    let mut search = Search {
        files: module_files(tree)?,
        built_in: built_in(&tree.join("modules.builtin"))?,
        seen: BTreeSet::new(),
        order: Vec::new(),
    };
    for name in required {
        search.visit(name)?;
    }
    for name in welcome {
        if search.files.contains_key(*name) {
            search.visit(name)?;
        }
    }
    Ok(search.order)
}

struct Search {
    files: BTreeMap<String, PathBuf>,
    built_in: BTreeSet<String>,
    seen: BTreeSet<String>,
    order: Vec<Module>,
}

impl Search {
    /// Adds a module behind everything that it needs.
    fn visit(&mut self, name: &str) -> Result<(), GuestError> {
        if self.built_in.contains(name) || !self.seen.insert(name.to_owned()) {
            return Ok(());
        }
        let Some(path) = self.files.get(name) else {
            return Err(GuestError::new("collect kernel modules", GuestErrorKind::Missing(format!("module {name}"))));
        };
        let content = read(path)?;
        let needed = binary::modules(&content).map_err(|error| GuestError::at("read", path, error))?;
        for name in needed {
            self.visit(&normal(&name))?;
        }
        self.order.push(Module { name: name.to_owned(), content });
        Ok(())
    }
}

/// Modules by name. A file's name may have dashes where the module's has underscores.
fn module_files(tree: &Path) -> Result<BTreeMap<String, PathBuf>, GuestError> {
    let mut files = BTreeMap::new();
    let mut folders = vec![tree.join("kernel")];
    while let Some(folder) = folders.pop() {
        let failed = |error| GuestError::at("read", &folder, error);
        for entry in folder.read_dir().map_err(failed)? {
            let entry = entry.map_err(failed)?;
            let path = entry.path();
            if entry.file_type().map_err(failed)?.is_dir() {
                folders.push(path);
            } else if let Some(name) = module_name(&path) {
                files.insert(name, path);
            }
        }
    }
    Ok(files)
}

fn built_in(list: &Path) -> Result<BTreeSet<String>, GuestError> {
    let text = std::fs::read_to_string(list).map_err(|error| GuestError::at("read", list, error))?;
    Ok(text.lines().filter_map(|line| module_name(Path::new(line))).collect())
}

/// The module that a file holds: what stands in front of `.ko`, `.ko.xz` or `.ko.zst`.
fn module_name(path: &Path) -> Option<String> {
    let (name, _) = path.file_name()?.to_str()?.split_once(".ko")?;
    Some(normal(name))
}

fn normal(name: &str) -> String {
    name.replace('-', "_")
}

/// A module's bytes. Debian compresses modules with xz since 13, Ubuntu with zstd since 24.04.
fn read(path: &Path) -> Result<Vec<u8>, GuestError> {
    const LIMIT: Duration = Duration::from_secs(30);
    let decompress = match path.extension().and_then(|extension| extension.to_str()) {
        Some("xz") => "xz",
        Some("zst") => "zstd",
        _ => return std::fs::read(path).map_err(|error| GuestError::at("read", path, error)),
    };
    process::run(Command::new(decompress).args(["-d", "-c"]).arg(path), None, LIMIT)
        .map(|output| output.stdout)
        .map_err(|error| GuestError::at("decompress", path, error))
}
