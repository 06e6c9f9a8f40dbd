//! `labrig doctor`

use labrig_bringup::places::Places;
use labrig_host::probe;

use crate::{exit::Exit, ui};

pub(crate) fn main() -> Exit {
    let probes = probe::all(&Places::from_environment().cache);
    ui::probes(&probes);
    if probes.iter().all(probe::Probe::is_fit) { Exit::Passed } else { Exit::Unfit }
}
