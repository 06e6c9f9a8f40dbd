//! Rules for preseeds.

use labrig_plan::{
    finding::{Report, did_you_mean, nearest},
    scenario::At,
};

use crate::preseed::{Answer, Preseed};

/// Types of questions (cdebconf's doc/modules.txt and debconf-devel(7)), and `seen`, which says that one was asked already.
const TYPES: &[&str] =
    &["string", "boolean", "select", "multiselect", "password", "text", "note", "title", "error", "entropy", "seen"];

/// Questions of debian-installer's that people answer (its guide, appendix B).
const QUESTIONS: &[&str] = &[
    "apt-setup/contrib",
    "apt-setup/non-free",
    "apt-setup/non-free-firmware",
    "apt-setup/services-select",
    "apt-setup/use_mirror",
    "clock-setup/ntp",
    "clock-setup/ntp-server",
    "clock-setup/utc",
    "console-setup/ask_detect",
    "debconf/priority",
    "debian-installer/country",
    "debian-installer/language",
    "debian-installer/locale",
    "finish-install/reboot_in_progress",
    "grub-installer/bootdev",
    "grub-installer/only_debian",
    "grub-installer/with_other_os",
    "keyboard-configuration/layoutcode",
    "keyboard-configuration/xkb-keymap",
    "mirror/country",
    "mirror/http/directory",
    "mirror/http/hostname",
    "mirror/http/proxy",
    "mirror/suite",
    "netcfg/choose_interface",
    "netcfg/confirm_static",
    "netcfg/disable_autoconfig",
    "netcfg/get_domain",
    "netcfg/get_gateway",
    "netcfg/get_hostname",
    "netcfg/get_ipaddress",
    "netcfg/get_nameservers",
    "netcfg/get_netmask",
    "netcfg/hostname",
    "netcfg/wireless_wep",
    "partman-auto/choose_recipe",
    "partman-auto/disk",
    "partman-auto/expert_recipe",
    "partman-auto/method",
    "partman-auto-lvm/guided_size",
    "partman/choose_partition",
    "partman/confirm",
    "partman/confirm_nooverwrite",
    "partman/confirm_write_new_label",
    "partman-lvm/confirm",
    "partman-lvm/device_remove_lvm",
    "partman-md/confirm",
    "partman-md/device_remove_md",
    "partman-partitioning/confirm_write_new_label",
    "passwd/auto-login",
    "passwd/make-user",
    "passwd/root-login",
    "passwd/root-password",
    "passwd/root-password-again",
    "passwd/root-password-crypted",
    "passwd/user-fullname",
    "passwd/user-password",
    "passwd/user-password-again",
    "passwd/user-password-crypted",
    "passwd/user-uid",
    "passwd/username",
    "pkgsel/include",
    "pkgsel/install-language-support",
    "pkgsel/update-policy",
    "pkgsel/upgrade",
    "preseed/early_command",
    "preseed/late_command",
    "preseed/include",
    "preseed/run",
    "time/zone",
];

/// How many letters may be wrong, or too many.
const NEAR: usize = 2;

pub(super) fn lint(preseed: &Preseed, report: &mut Report) {
    for answer in &preseed.answers {
        let Some((question, kind)) = whole(answer, report) else { continue };
        if !TYPES.contains(&kind.as_str()) {
            // Without a type, the value stands in its place.
            let help = did_you_mean(kind, TYPES.iter().copied()).unwrap_or_else(|| {
                format!("write `{} {} string {}`", answer.owner.as_str(), question.as_str(), kind.as_str())
            });
            report.add(kind.span(), format!("there is no type `{}` of questions", clip(kind))).help(help);
        } else if matches!(kind.as_str(), "boolean" | "seen") && !matches!(answer.value.as_str(), "" | "true" | "false")
        {
            report
                .add(answer.value.span(), format!("a {} is `true` or `false`", kind.as_str()))
                .help("write one of the two");
        }
        if answer.owner.as_str() == "d-i" {
            misspelt(question, report);
        }
    }
    passwords(preseed, report);
    for again in ["passwd/root-password", "passwd/user-password"] {
        agree(preseed, again, report);
    }
}

/// Owner, question and type are all there.
fn whole<'a>(answer: &'a Answer, report: &mut Report) -> Option<(&'a At<String>, &'a At<String>)> {
    match (&answer.question, &answer.kind) {
        (Some(question), Some(kind)) => Some((question, kind)),
        _ => {
            report
                .add(answer.span.clone(), "this line is no answer, and is passed over")
                .help("write `OWNER QUESTION TYPE VALUE`, as in `d-i netcfg/get_hostname string lab`; a line that goes on ends with `\\`");
            None
        }
    }
}

/// A question that nobody asks, with a letter or two wrong.
fn misspelt(question: &At<String>, report: &mut Report) {
    let own = question.as_str();
    if QUESTIONS.contains(&own) || own.len() > 80 {
        return;
    }
    // Other questions differ by more than a letter, or by a whole word at the end.
    let near = nearest(own, QUESTIONS.iter().copied()).filter(|known| {
        known.len().abs_diff(own.len()) <= NEAR
            && known.chars().zip(own.chars()).filter(|(a, b)| a == b).count() + NEAR >= known.len().min(own.len())
            && known.split('/').count() == own.split('/').count()
    });
    if let Some(known) = near {
        report
            .add(question.span(), format!("the installer asks no question `{}`", clip(question)))
            .help(format!("did you mean `{known}`?"));
    }
}

/// Whoever gives a password gives it twice, or the installer asks.
fn passwords(preseed: &Preseed, report: &mut Report) {
    for question in ["passwd/root-password", "passwd/user-password"] {
        if let Some(answer) = preseed.answer(question)
            && preseed.answer(&format!("{question}-again")).is_none()
            && preseed.answer(&format!("{question}-crypted")).is_none()
        {
            report
                .add(answer.span.clone(), "the installer asks for this password twice, and gets it once")
                .help(format!("add `d-i {question}-again password ...`, or give `{question}-crypted` alone"));
        }
    }
}

fn agree(preseed: &Preseed, question: &str, report: &mut Report) {
    if let (Some(first), Some(second)) = (preseed.answer(question), preseed.answer(&format!("{question}-again")))
        && first.value != second.value
    {
        report
            .add(second.question.as_ref().map_or(second.span.clone(), At::span), "the two passwords differ")
            .help("write the same one twice")
            .related(first.question.as_ref().map_or(first.span.clone(), At::span), "the other one");
    }
}

fn clip(text: &At<String>) -> String {
    text.chars().take(60).collect()
}
