//! What a lab is provided with out of the cache.

use std::{
    collections::BTreeMap,
    path::{Path, PathBuf},
};

use labrig_host::{
    apt::{self, AptError},
    guest,
};
use labrig_plan::{lab::Lab, name::DnsName};

use super::preflight;
use crate::{event::Event, failure::Failure};

/// What a lab is provided with out of the cache.
pub(super) struct Provided {
    /// The folder of the micro guest's image.
    pub(super) guest: PathBuf,
    /// The folders of the apt repositories, by the origins that serve them.
    pub(super) repositories: BTreeMap<DnsName, PathBuf>,
    /// What there is to tell of them.
    pub(super) events: Vec<Event>,
}

/// Provides a lab with what it needs, made where it is not there yet.
pub(super) fn provide(lab: &Lab, cache: &Path) -> Result<Provided, Failure> {
    let mut events = Vec::new();
    let mut note = |what: &str, outdated: Option<String>| {
        events.extend(outdated.map(|why| Event::Outdated { what: what.to_owned(), why }));
    };
    let guest = "micro guest";
    let image = guest::ensure(cache).map_err(|e| preflight(guest, &e).with_hint(e.kind.hint()))?;
    note(guest, image.outdated);
    let mut repositories = BTreeMap::new();
    for origin in &lab.upstream.origins {
        let Some(wanted) = &origin.repository else { continue };
        let what = format!("apt repository of {}", origin.name);
        let made = apt::repository(cache, &wanted.packages);
        let made = made.map_err(|e: AptError| preflight(&what, &e).with_hint(e.kind.hint()))?;
        note(&what, made.outdated);
        repositories.insert(origin.name.clone(), made.folder);
    }
    Ok(Provided { guest: image.dir, repositories, events })
}
