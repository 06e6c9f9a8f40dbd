//! Answers that others make necessary, and that are not there: the installer asks for them, and waits.
//!
//! Only a file that is a whole installation's is judged, and only where nothing in it brings more answers. What is
//! commonly given on the kernel's command line, such as locale, keymap and names, is not missed.

use labrig_plan::finding::Report;

use crate::preseed::{Answer, Preseed};

/// Where more answers come from: other files, and commands.
const SOURCES: [&str; 6] = [
    "preseed/include",
    "preseed/include_command",
    "preseed/run",
    "preseed/early_command",
    "partman/early_command",
    "auto-install/classes",
];

/// Parts of an installation, by the beginnings of their questions. A file for one or two of them is a part of another.
const PARTS: [&[&str]; 6] = [
    &["netcfg/", "mirror/", "apt-setup/"],
    &["passwd/", "user-setup/"],
    &["partman"],
    &["clock-setup/", "time/"],
    &["pkgsel/", "tasksel/", "base-installer/"],
    &["grub-installer/", "finish-install/"],
];

pub(super) fn lint(preseed: &Preseed, report: &mut Report) {
    if SOURCES.iter().any(|question| preseed.answer(question).is_some_and(|answer| !answer.value.is_empty()))
        || !is_whole(preseed)
    {
        return;
    }
    partitions(preseed, report);
    mirror(preseed, report);
    network(preseed, report);
    user(preseed, report);
    root(preseed, report);
}

fn is_whole(preseed: &Preseed) -> bool {
    let questions = || preseed.answers.iter().filter_map(|answer| answer.question.as_ref());
    let answered = |part: &[&str]| part.iter().any(|begin| questions().any(|question| question.starts_with(begin)));
    PARTS.iter().filter(|part| answered(part)).count() >= 3
}

/// "Automatically partition without confirmation" (the guide, B.4.7).
fn partitions(preseed: &Preseed, report: &mut Report) {
    const ALWAYS: [&str; 3] = [
        "d-i partman/choose_partition select finish",
        "d-i partman/confirm boolean true",
        "d-i partman/confirm_nooverwrite boolean true",
    ];
    let Some(method) = preseed.answer("partman-auto/method") else { return };
    let more: &[&str] = match method.value.as_str() {
        "regular" => &[],
        "lvm" | "crypto" => {
            &["d-i partman-lvm/confirm boolean true", "d-i partman-lvm/confirm_nooverwrite boolean true"]
        }
        "raid" => &["d-i partman-md/confirm boolean true", "d-i partman-md/confirm_nooverwrite boolean true"],
        // What it asks is not known.
        _ => return,
    };
    let lines: Vec<_> = ALWAYS.iter().chain(more).copied().filter(|line| !has(preseed, line)).collect();
    // What is asked where nothing is overwritten is not asked on a disk that has been used, nor by old installers.
    if lines.iter().all(|line| line.contains("_nooverwrite ")) {
        return;
    }
    note(method, "the installer asks whether to write these partitions", &lines, report);
}

fn mirror(preseed: &Preseed, report: &mut Report) {
    let named = ["http", "https", "ftp"].map(|protocol| format!("mirror/{protocol}/hostname"));
    if let Some(country) = preseed.answer("mirror/country").filter(|country| country.value.as_str() == "manual")
        && !named.iter().any(|question| preseed.answer(question).is_some())
    {
        let lines = ["d-i mirror/http/hostname string deb.debian.org", "d-i mirror/http/directory string /debian"];
        let lines: Vec<_> = lines.into_iter().filter(|line| !has(preseed, line)).collect();
        note(country, "the mirror is named by hand, and nothing names it", &lines, report);
    }
}

/// Addresses that are not asked of DHCP. All of them may be on the kernel's command line; some of them are not.
fn network(preseed: &Preseed, report: &mut Report) {
    let Some(off) = preseed.answer("netcfg/disable_autoconfig").filter(|off| off.value.as_str() == "true") else {
        return;
    };
    if preseed.answer("netcfg/get_ipaddress").is_none() {
        return;
    }
    let lines = [
        "d-i netcfg/get_netmask string 255.255.255.0",
        "d-i netcfg/get_gateway string ADDRESS",
        "d-i netcfg/get_nameservers string ADDRESS",
    ];
    let lines: Vec<_> = lines.into_iter().filter(|line| !has(preseed, line)).collect();
    note(off, "no network is configured by itself, and the installer asks for the rest of it", &lines, report);
}

fn user(preseed: &Preseed, report: &mut Report) {
    let made = preseed.answer("passwd/make-user").is_none_or(|make| make.value.as_str() != "false");
    let given = ["passwd/user-password", "passwd/user-password-crypted"];
    if let Some(name) = preseed.answer("passwd/username").filter(|name| made && !name.value.is_empty())
        && !given.iter().any(|question| preseed.answer(question).is_some())
    {
        let lines = ["d-i passwd/user-password-crypted password HASH"];
        note(name, "the installer asks for this user's password", &lines, report);
    }
}

fn root(preseed: &Preseed, report: &mut Report) {
    // Ubuntu's installer lets root log in only where it is told to.
    if !is_debian(preseed) {
        return;
    }
    let given = ["passwd/root-password", "passwd/root-password-crypted"];
    let off = preseed.answer("passwd/root-login").is_some_and(|login| login.value.as_str() == "false");
    if off || given.iter().any(|question| preseed.answer(question).is_some()) {
        return;
    }
    let mut answers = preseed.answers.iter();
    let first = answers.find(|answer| answer.question.as_ref().is_some_and(|question| question.starts_with("passwd/")));
    if let Some(first) = first {
        note(first, "the installer asks for root's password", &["d-i passwd/root-login boolean false"], report);
    }
}

/// Whether the mirror is one of Debian's.
fn is_debian(preseed: &Preseed) -> bool {
    let answers = ["mirror/http/directory", "mirror/http/hostname", "mirror/https/hostname"];
    let values = answers.iter().filter_map(|question| preseed.answer(question)).map(|answer| answer.value.as_str());
    values.clone().any(|value| value.contains("debian")) && !values.clone().any(|value| value.contains("ubuntu"))
}

/// Whether the question that a line answers has an answer.
fn has(preseed: &Preseed, line: &str) -> bool {
    line.split_whitespace().nth(1).is_some_and(|question| preseed.answer(question).is_some())
}

/// Notes what is missing, at the answer that makes it necessary.
fn note(answer: &Answer, message: &str, lines: &[&str], report: &mut Report) {
    if lines.is_empty() {
        return;
    }
    let lines: Vec<_> = lines.iter().map(|line| format!("`{line}`")).collect();
    report.add(answer.span.clone(), message).help(format!("add {}", lines.join(", ")));
}
