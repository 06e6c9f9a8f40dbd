//! What libvirt says of a domain's confinement, and of what it opens (libvirt's formatcaps and formatdomain pages).

use crate::{statement::Statement, xml};

/// Files of a domain that its emulator opens by their names. Others, such as the console's log, libvirt opens for it.
const OPENED: [&str; 4] = ["os/kernel", "os/initrd", "os/loader", "os/nvram"];

/// Whether a libvirt with these capabilities confines its domains by AppArmor.
#[must_use]
pub fn confines(capabilities: &str) -> bool {
    let is_model = |place: &str| place.starts_with("host/secmodel") && place.ends_with("/model");
    xml::statements(capabilities).iter().any(|said| is_model(&said.place) && said.value == "apparmor")
}

/// The AppArmor profile that libvirt gave a running domain, by the statements of its XML; `None` where it gave it none.
#[must_use]
pub fn label(domain: &[Statement]) -> Option<&str> {
    value(domain, "seclabel[apparmor]/label")
}

/// The paths that a running domain's emulator opens: disks with what they are laid over, kernel, initrd, firmware.
#[must_use]
pub fn opened(domain: &[Statement]) -> Vec<&str> {
    let is_disk = |place: &str| place.starts_with("devices/disk") && place.ends_with("source/@file");
    let opened = domain.iter().filter(|said| OPENED.contains(&said.place.as_str()) || is_disk(&said.place));
    opened.map(|said| said.value.as_str()).collect()
}

fn value<'s>(domain: &'s [Statement], place: &str) -> Option<&'s str> {
    domain.iter().find(|said| said.place == place).map(|said| said.value.as_str())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{observation::Observation, subject::Subject};

    /// As libvirt 9.0 of Debian 12 has it.
    const DOMAIN: &str = "<domain type='qemu' id='2'><os><type>hvm</type><kernel>/boot/vmlinuz</kernel></os><devices>\
        <disk type='file' device='disk'><source file='/a.qcow2' index='1'/><backingStore type='file' index='2'>\
        <source file='/base.qcow2'/><backingStore/></backingStore><target dev='vda'/></disk>\
        <serial type='pty'><log file='/var/log/console.log'/></serial></devices>\
        <seclabel type='dynamic' model='apparmor' relabel='yes'><label>libvirt-aaaa</label></seclabel>\
        <seclabel type='dynamic' model='dac' relabel='yes'><label>+64055:+64055</label></seclabel></domain>";

    #[test]
    fn a_libvirt_says_how_it_confines() {
        let capabilities = |model: &str| {
            format!(
                "<capabilities><host><secmodel><model>{model}</model><doi>0</doi></secmodel><secmodel><model>dac</model>\
                 <doi>0</doi></secmodel></host></capabilities>"
            )
        };
        assert!(confines(&capabilities("apparmor")));
        assert!(!confines(&capabilities("none")));
        assert!(!confines(""));
    }

    #[test]
    fn a_domain_says_what_it_opens() -> Result<(), labrig_plan::name::NameError> {
        let seen = Observation::new(Subject::Domain("a".parse()?), DOMAIN);
        assert_eq!(opened(&seen.statements), ["/boot/vmlinuz", "/a.qcow2", "/base.qcow2"]);
        assert_eq!(label(&seen.statements), Some("libvirt-aaaa"));
        let without = Observation::new(Subject::Domain("a".parse()?), &DOMAIN.replace("'apparmor'", "'none'"));
        assert_eq!(label(&without.statements), None);
        Ok(())
    }
}
