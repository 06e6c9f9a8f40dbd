//! Where run folders and guest images are kept on this machine.

use std::{env, path::PathBuf};

/// The folders that labrig keeps.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Places {
    /// All run folders: `$LABRIG_RUNS`, or `labrig/runs` below `$XDG_STATE_HOME` or `~/.local/state`.
    pub runs: PathBuf,
    /// Guest images: `$LABRIG_CACHE`, or `labrig` below `$XDG_CACHE_HOME` or `~/.cache`.
    pub cache: PathBuf,
    /// What hosts made of scenarios at some time: `$LABRIG_BASELINES`, or `labrig/baselines` below the same as `runs`.
    pub baselines: PathBuf,
}

impl Places {
    /// The folders as the environment names them (XDG Base Directory Specification).
    #[must_use]
    pub fn from_environment() -> Self {
        Self {
            runs: own("LABRIG_RUNS").unwrap_or_else(|| state().join("labrig/runs")),
            cache: own("LABRIG_CACHE").unwrap_or_else(|| base("XDG_CACHE_HOME", ".cache").join("labrig")),
            baselines: own("LABRIG_BASELINES").unwrap_or_else(|| state().join("labrig/baselines")),
        }
    }
}

fn state() -> PathBuf {
    base("XDG_STATE_HOME", ".local/state")
}

/// A variable of our own. A relative path begins where the command was called; an empty one is none.
fn own(variable: &str) -> Option<PathBuf> {
    std::path::absolute(env::var_os(variable)?).ok()
}

/// The specification tells to ignore a relative path. Without `HOME` the user database knows (getpwuid(3)).
fn base(variable: &str, below_home: &str) -> PathBuf {
    let absolute = |path: &PathBuf| path.is_absolute();
    let home = || env::home_dir().filter(absolute).unwrap_or_else(env::temp_dir).join(below_home);
    env::var_os(variable).map(PathBuf::from).filter(absolute).unwrap_or_else(home)
}
