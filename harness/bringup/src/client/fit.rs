//! Whether this machine can run a lab, and how.

use std::{collections::BTreeMap, path::Path};

use labrig_host::{
    acceleration::{self, Choice},
    container,
    image::{Shelf, Stored, StoredInstaller},
    lab_host::LabHost,
    probe, system,
};
use labrig_plan::{
    lab::{FaultKind, Lab},
    name::{ImageName, InstallerName},
    scenario::Uplink,
};

use crate::{machine, spec::Then};

/// How this host runs the lab's guests, and what from.
pub(super) struct Fit {
    pub(super) choice: Choice,
    /// By how much longer everything may take, see [`LabSpec::patience`].
    pub(super) patience: u32,
    pub(super) images: BTreeMap<ImageName, Stored>,
    pub(super) installers: BTreeMap<InstallerName, StoredInstaller>,
}

/// That, or everything that this host lacks.
pub(super) fn fit(lab: &Lab, host: &LabHost, cache: &Path, then: Then) -> Result<Fit, Vec<String>> {
    faults(lab, host).map_err(|why| vec![why])?;
    let mut patience = acceleration::slowness();
    let mut processor = acceleration::probe();
    match host {
        LabHost::Sandbox => {
            probe::satisfies(lab, cache)
                .map_err(|missing| missing.iter().map(ToString::to_string).collect::<Vec<_>>())?;
        }
        LabHost::System => system::missing(lab).map_err(|missing| vec![missing.to_string()])?,
        LabHost::Container(_) if lab.uplink == Uplink::Host => {
            return Err(vec!["a container has no way out, and the lab wants one (`uplink = \"host\"`)".to_owned()]);
        }
        // Programs are those of its image.
        LabHost::Container(image) => container::missing(image).map_err(|missing| vec![missing.to_string()])?,
        LabHost::Vm(_) if lab.uplink == Uplink::Host => {
            return Err(vec!["a virtual machine that labs run in has no way out".to_owned()]);
        }
        LabHost::Vm(_) if then == Then::Stay => {
            return Err(vec!["a lab in a virtual machine ends with its client: it cannot stay up".to_owned()]);
        }
        LabHost::Vm(release) => (processor, patience) = machine::processor(machine::fit(release, cache)?),
    }
    let choice = acceleration::choose(lab.acceleration, &processor).map_err(|why| vec![why.to_string()])?;
    let shelf = Shelf::within(cache);
    let images = lab.images.iter().filter_map(|image| Some((image.name.clone(), shelf.find(image).ok()?)));
    let installers = lab.installers.iter().filter_map(|it| Some((it.name.clone(), shelf.find_installer(it).ok()?)));
    Ok(Fit { choice, patience, images: images.collect(), installers: installers.collect() })
}

/// What goes wrong on purpose goes wrong where a lab is alone: whatever it breaks has to end with it. The profiles of a virtual
/// machine do, and nowhere else does libvirt load any for a lab alone.
fn faults(lab: &Lab, host: &LabHost) -> Result<(), String> {
    let is_of_profiles = |kind: &FaultKind| matches!(kind, FaultKind::ProfileRuleRemoved(_));
    let unfit = lab.faults.iter().map(|fault| &fault.kind).find(|kind| match host {
        LabHost::Sandbox | LabHost::Container(_) => is_of_profiles(kind),
        LabHost::Vm(_) => !is_of_profiles(kind),
        LabHost::System => true,
    });
    match unfit {
        None => Ok(()),
        Some(kind) if is_of_profiles(kind) => {
            Err(format!("`{}` takes a lab host whose AppArmor is there for it alone: `--host vm:RELEASE`", kind.key()))
        }
        Some(kind) => Err(format!("`{}` takes a lab host of the lab's own: `--host sandbox`", kind.key())),
    }
}
