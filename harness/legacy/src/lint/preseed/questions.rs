//! The questions that people answer, and those that were meant.

use strsim::osa_distance;

/// Types of questions (cdebconf's doc/modules.txt and debconf-devel(7)), and `seen`, which says that one was asked
/// already.
pub(super) const TYPES: &[&str] =
    &["string", "boolean", "select", "multiselect", "password", "text", "note", "title", "error", "entropy", "seen"];

/// Words of other languages for types.
const FOREIGN_TYPES: &[(&str, &str)] =
    &[("bool", "boolean"), ("str", "string"), ("int", "string"), ("integer", "string"), ("choice", "select")];

/// Questions, and the type with which the installer's guide answers them (appendix B, and its example).
const QUESTIONS: &[(&str, &str)] = &[
    ("apt-setup/cdrom/set-first", "boolean"),
    ("apt-setup/contrib", "boolean"),
    ("apt-setup/disable-cdrom-entries", "boolean"),
    ("apt-setup/multiarch", "string"),
    ("apt-setup/non-free", "boolean"),
    ("apt-setup/non-free-firmware", "boolean"),
    ("apt-setup/security_host", "string"),
    ("apt-setup/services-select", "multiselect"),
    ("apt-setup/use_mirror", "boolean"),
    ("base-installer/install-recommends", "boolean"),
    ("base-installer/kernel/image", "string"),
    ("cdrom-detect/eject", "boolean"),
    ("clock-setup/ntp", "boolean"),
    ("clock-setup/ntp-server", "string"),
    ("clock-setup/utc", "boolean"),
    ("console-setup/ask_detect", "boolean"),
    ("debconf/priority", "string"),
    ("debian-installer/add-kernel-opts", "string"),
    ("debian-installer/allow_unauthenticated", "boolean"),
    ("debian-installer/country", "string"),
    ("debian-installer/exit/halt", "boolean"),
    ("debian-installer/exit/poweroff", "boolean"),
    ("debian-installer/language", "string"),
    ("debian-installer/locale", "string"),
    ("finish-install/keep-consoles", "boolean"),
    ("finish-install/reboot_in_progress", "note"),
    ("grub-installer/bootdev", "string"),
    ("grub-installer/only_debian", "boolean"),
    ("grub-installer/with_other_os", "boolean"),
    ("grub-pc/hidden_timeout", "boolean"),
    ("grub-pc/install_devices", "multiselect"),
    ("grub-pc/install_devices_empty", "boolean"),
    ("grub-pc/timeout", "string"),
    ("hw-detect/load_firmware", "boolean"),
    ("keyboard-configuration/layoutcode", "string"),
    ("keyboard-configuration/modelcode", "string"),
    ("keyboard-configuration/optionscode", "string"),
    ("keyboard-configuration/variantcode", "string"),
    ("keyboard-configuration/xkb-keymap", "select"),
    ("mirror/country", "string"),
    ("mirror/ftp/directory", "string"),
    ("mirror/ftp/hostname", "string"),
    ("mirror/ftp/proxy", "string"),
    ("mirror/http/directory", "string"),
    ("mirror/http/hostname", "string"),
    ("mirror/http/proxy", "string"),
    ("mirror/https/directory", "string"),
    ("mirror/https/hostname", "string"),
    ("mirror/https/proxy", "string"),
    ("mirror/protocol", "string"),
    ("mirror/suite", "string"),
    ("netcfg/choose_interface", "select"),
    ("netcfg/confirm_static", "boolean"),
    ("netcfg/dhcp_failed", "note"),
    ("netcfg/dhcp_options", "select"),
    ("netcfg/dhcp_timeout", "string"),
    ("netcfg/disable_autoconfig", "boolean"),
    ("netcfg/disable_dhcp", "boolean"),
    ("netcfg/get_domain", "string"),
    ("netcfg/get_gateway", "string"),
    ("netcfg/get_hostname", "string"),
    ("netcfg/get_ipaddress", "string"),
    ("netcfg/get_nameservers", "string"),
    ("netcfg/get_netmask", "string"),
    ("netcfg/hostname", "string"),
    ("netcfg/link_wait_timeout", "string"),
    ("netcfg/wireless_wep", "string"),
    ("netcfg/wireless_wpa", "string"),
    ("partman-auto-crypto/erase_disks", "boolean"),
    ("partman-auto-lvm/guided_size", "string"),
    ("partman-auto-lvm/new_vg_name", "string"),
    ("partman-auto-raid/recipe", "string"),
    ("partman-auto/choose_recipe", "select"),
    ("partman-auto/disk", "string"),
    ("partman-auto/expert_recipe", "string"),
    ("partman-auto/expert_recipe_file", "string"),
    ("partman-auto/method", "string"),
    ("partman-basicfilesystems/no_mount_point", "boolean"),
    ("partman-basicfilesystems/no_swap", "boolean"),
    ("partman-crypto/passphrase", "password"),
    ("partman-crypto/passphrase-again", "password"),
    ("partman-crypto/weak_passphrase", "boolean"),
    ("partman-efi/non_efi_system", "boolean"),
    ("partman-lvm/confirm", "boolean"),
    ("partman-lvm/confirm_nooverwrite", "boolean"),
    ("partman-lvm/device_remove_lvm", "boolean"),
    ("partman-md/confirm", "boolean"),
    ("partman-md/confirm_nooverwrite", "boolean"),
    ("partman-md/device_remove_md", "boolean"),
    ("partman-partitioning/confirm_write_new_label", "boolean"),
    ("partman-partitioning/default_label", "string"),
    ("partman/choose_partition", "select"),
    ("partman/confirm", "boolean"),
    ("partman/confirm_nooverwrite", "boolean"),
    ("partman/confirm_write_new_label", "boolean"),
    ("partman/default_filesystem", "string"),
    ("partman/early_command", "string"),
    ("partman/mount_style", "select"),
    ("passwd/auto-login", "boolean"),
    ("passwd/make-user", "boolean"),
    ("passwd/root-login", "boolean"),
    ("passwd/root-password", "password"),
    ("passwd/root-password-again", "password"),
    ("passwd/root-password-crypted", "password"),
    ("passwd/user-default-groups", "string"),
    ("passwd/user-fullname", "string"),
    ("passwd/user-password", "password"),
    ("passwd/user-password-again", "password"),
    ("passwd/user-password-crypted", "password"),
    ("passwd/user-uid", "string"),
    ("passwd/username", "string"),
    ("pkgsel/include", "string"),
    ("pkgsel/install-language-support", "boolean"),
    ("pkgsel/run_tasksel", "boolean"),
    ("pkgsel/update-policy", "select"),
    ("pkgsel/upgrade", "select"),
    ("popularity-contest/participate", "boolean"),
    ("preseed/early_command", "string"),
    ("preseed/include", "string"),
    ("preseed/include_command", "string"),
    ("preseed/late_command", "string"),
    ("preseed/run", "string"),
    ("tasksel/desktop", "multiselect"),
    ("tasksel/first", "multiselect"),
    ("time/zone", "string"),
    ("user-setup/allow-password-weak", "boolean"),
    ("user-setup/encrypt-home", "boolean"),
];

/// Bytes of a question that is compared: none that is known is half as long.
const LONGEST: usize = 80;

/// The type of a question that is known.
pub(super) fn kind_of(question: &str) -> Option<&'static str> {
    QUESTIONS.iter().find(|(known, _)| *known == question).map(|(_, kind)| *kind)
}

/// The type that was meant.
pub(super) fn meant_type(word: &str) -> Option<&'static str> {
    let foreign = FOREIGN_TYPES.iter().find(|(foreign, _)| *foreign == word).map(|(_, kind)| *kind);
    foreign.or_else(|| labrig_plan::finding::nearest(word, TYPES.iter().copied()))
}

/// The question that was meant by one that nobody asks: a letter or two are wrong, missing, too many, or have changed
/// places. `None` of those that are known.
pub(super) fn meant(question: &str) -> Option<&'static str> {
    if kind_of(question).is_some() || question.len() > LONGEST {
        return None;
    }
    let near = QUESTIONS.iter().map(|(known, _)| *known).filter(|known| may_be(question, known));
    let measured = near.map(|known| (osa_distance(question, known), known));
    measured.filter(|(wrong, known)| *wrong <= slips(known)).min().map(|(_, known)| known)
}

/// How many letters may be wrong: fewer where a letter makes another word.
fn slips(known: &str) -> usize {
    if known.len() < 12 { 1 } else { 2 }
}

/// What comparing letter by letter need not look at: other lengths, other parts, and parts that begin otherwise.
fn may_be(question: &str, known: &str) -> bool {
    let (mut parts, mut others) = (question.split('/'), known.split('/'));
    question.len().abs_diff(known.len()) <= slips(known)
        && loop {
            match (parts.next(), others.next()) {
                (None, None) => break true,
                (Some(part), Some(other)) if part.bytes().next() == other.bytes().next() => {}
                _ => break false,
            }
        }
}

#[cfg(test)]
mod tests {
    use super::{QUESTIONS, TYPES, meant};

    #[test]
    fn questions_are_sorted_and_each_is_asked_once() {
        assert!(QUESTIONS.windows(2).all(|pair| pair[0].0 < pair[1].0));
        assert!(QUESTIONS.iter().all(|(question, kind)| TYPES.contains(kind) && meant(question).is_none()));
    }
}
