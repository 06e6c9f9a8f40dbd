//! What lies beyond the lab's networks.

use std::{fmt, path::Path};

use labrig_host::{pasta::Pasta, sandbox::Outside, upstream::Upstream};
use labrig_plan::{lab::Stage, layout, scenario::Uplink, site::Site};

use super::Work;
use crate::failure::Failure;

/// The supervisor's own program, by the process that it is: its path may be in a folder that the lab has its own of,
/// such as `/tmp`.
const THIS_PROGRAM: &str = "/proc/1/exe";

/// What lies beyond. Dropped, it is gone.
pub(super) enum Beyond {
    Upstream(#[expect(dead_code, reason = "it is kept, and never asked")] Upstream),
    Machine(#[expect(dead_code, reason = "it is kept, and never asked")] Pasta),
}

impl Work {
    /// Makes it. There is nothing to make where a lab goes nowhere, or is in the machine's own network already.
    pub(super) async fn go_beyond(&self, outside: Option<Outside>) -> Result<Option<Beyond>, Failure> {
        match (self.lab.uplink, &self.lab.site) {
            (Uplink::None, _) | (Uplink::Host, Site::Shared(_)) => Ok(None),
            _ => self.stage(Stage::Upstream, move |work| work.start_beyond(outside)).await.map(Some),
        }
    }

    fn start_beyond(&self, outside: Option<Outside>) -> Result<Beyond, Failure> {
        let failed = |subject: &str, error: &dyn fmt::Display| Failure::host(Stage::Upstream, subject, error);
        let artifacts = Path::new(layout::ARTIFACTS);
        if let Some(outside) = outside {
            let mut pasta = Pasta::start(&self.lab.upstream, artifacts, outside).map_err(|e| failed("pasta", &e))?;
            // Without its tree: at its start it has children for a moment, of which it goes into the lab's network.
            self.census.watch(pasta.daemon().pid(), pasta.daemon().name());
            return Ok(Beyond::Machine(pasta));
        }
        let mut upstream = Upstream::start(&self.lab.upstream, artifacts, Path::new(THIS_PROGRAM))
            .map_err(|e| failed("upstream", &e))?;
        upstream.daemons().into_iter().for_each(|daemon| self.watch(daemon));
        Ok(Beyond::Upstream(upstream))
    }
}
