//! Where run folders and guest images are kept on this machine.

use std::{env, path::PathBuf};

/// The two folders that labrig keeps.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Places {
    /// All run folders: `$LABRIG_RUNS`, or `labrig/runs` below `$XDG_STATE_HOME` or `~/.local/state`.
    pub runs: PathBuf,
    /// Guest images: `$LABRIG_CACHE`, or `labrig` below `$XDG_CACHE_HOME` or `~/.cache`.
    pub cache: PathBuf,
}

impl Places {
    /// The folders as the environment names them (XDG Base Directory Specification).
    #[must_use]
    pub fn from_environment() -> Self {
        Self {
            runs: place("LABRIG_RUNS").unwrap_or_else(|| base("XDG_STATE_HOME", ".local/state").join("labrig/runs")),
            cache: place("LABRIG_CACHE").unwrap_or_else(|| base("XDG_CACHE_HOME", ".cache").join("labrig")),
        }
    }
}

/// The specification tells to ignore a relative path; an empty variable is as good as none.
fn place(variable: &str) -> Option<PathBuf> {
    env::var_os(variable).map(PathBuf::from).filter(|path| path.is_absolute())
}

fn base(variable: &str, below_home: &str) -> PathBuf {
    place(variable).unwrap_or_else(|| place("HOME").unwrap_or_else(env::temp_dir).join(below_home))
}
