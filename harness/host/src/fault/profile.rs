//! Rules that a distribution's update lost.

use std::path::Path;

use super::FaultError;

/// What libvirt allows all domains (its src/security/apparmor/libvirt-qemu), as the first process of the machine sees it.
const ABSTRACTION: &str = "1/root/etc/apparmor.d/abstractions/libvirt-qemu";

/// Takes the lines with these words from what AppArmor allows every domain that is started from now on. `processes` is a
/// procfs with the machine's numbers: nothing of the machine's can be written from within a lab.
///
/// # Errors
/// [`FaultError::Absent`] where no line has them.
pub fn remove_profile_rule(processes: &Path, words: &str) -> Result<(), FaultError> {
    let path = processes.join(ABSTRACTION);
    let text = fs_err::read_to_string(&path)?;
    let (lost, kept): (Vec<_>, Vec<_>) = text.lines().partition(|line| is_rule_with(line, words));
    if lost.is_empty() {
        return Err(FaultError::Absent(format!("no rule of {ABSTRACTION} has `{words}`")));
    }
    Ok(fs_err::write(&path, kept.join("\n") + "\n")?)
}

fn is_rule_with(line: &str, words: &str) -> bool {
    !line.trim_start().starts_with('#') && line.contains(words)
}
