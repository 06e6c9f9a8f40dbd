//! The shipped catalogue, held against itself.

use std::collections::{BTreeMap, BTreeSet};

use labrig_diagnose::{Catalogue, Cause, Examination, Log, Sign, Variant};

#[test]
fn every_cause_can_be_acted_on() {
    for cause in Catalogue::shipped().causes() {
        let Cause { id, summary, cause, fix, sources, signs, variants, .. } = cause;
        assert!(id.bytes().all(|byte| byte.is_ascii_lowercase() || byte == b'-'), "{id}");
        assert!(!summary.is_empty() && !cause.is_empty() && !signs.is_empty(), "{id} says too little");
        let narrower =
            |variants: &[Variant]| !variants.is_empty() && variants.iter().all(|variant| !variant.fix.is_empty());
        assert!(!fix.is_empty() || narrower(variants), "{id} has no fix");
        assert!(
            !sources.is_empty() && sources.iter().all(|source| source.starts_with("https://")),
            "{id} has no source"
        );
    }
}

#[test]
fn no_fix_switches_security_off() {
    for cause in Catalogue::shipped().causes() {
        let fixes = cause.fix.iter().chain(cause.variants.iter().flat_map(|variant| &variant.fix));
        for fix in fixes {
            for wrong in [
                "security_driver",
                "aa-disable",
                "aa-teardown",
                "apparmor=0",
                "setenforce 0",
                "chmod 777",
                "StrictHostKeyChecking",
            ] {
                assert!(!fix.contains(wrong), "{}: {fix}", cause.id);
            }
        }
    }
}

/// What explains something is not explained by it in turn.
#[test]
fn explanations_do_not_go_round_in_circles() {
    let explains: BTreeMap<&str, &[String]> =
        Catalogue::shipped().causes().iter().map(|cause| (cause.id.as_str(), cause.explains.as_slice())).collect();
    for start in explains.keys() {
        let mut seen = BTreeSet::new();
        let mut open: Vec<&str> = explains[start].iter().map(String::as_str).collect();
        while let Some(id) = open.pop() {
            assert_ne!(id, *start, "{start} explains itself");
            if seen.insert(id) {
                open.extend(explains[id].iter().map(String::as_str));
            }
        }
    }
}

/// A message that the catalogue has is found where a program prints it, and counts for its cause.
#[test]
fn every_message_is_found() {
    for cause in Catalogue::shipped().causes() {
        for sign in cause.signs.iter().filter(|sign| sign.weight >= 60) {
            for message in &sign.says {
                let text = example(&message.0).repeat(sign.times);
                let mut examination = Examination::new(Catalogue::shipped());
                examination.text(log_of(sign), "log", &text);
                let named: Vec<String> = examination.conclude().into_iter().map(|diagnosis| diagnosis.id).collect();
                assert!(named.contains(&cause.id), "{}: {text:?} is {named:?}", cause.id);
            }
        }
    }
}

fn log_of(sign: &Sign) -> Log {
    sign.logs.first().copied().unwrap_or(Log::Unknown)
}

/// The message as it may be printed.
fn example(message: &str) -> String {
    let places = [
        ("{path}", "/var/lib/libvirt/images/a.qcow2"),
        ("{folder}", "/var/lib/libvirt/images"),
        ("{name}", "stack01"),
        ("{address}", "192.0.2.7"),
        ("{mac}", "52:54:00:12:34:56"),
        ("{interface}", "virbr7"),
        ("{bridge}", "virbr7"),
        ("{number}", "77"),
        ("{any}", " something "),
        ("{text}", "delay_calss 1 1"),
        ("{EACCES}", "Permission denied"),
        ("{EADDRINUSE}", "Address already in use"),
        ("{EBUSY}", "Device or resource busy"),
        ("{ECONNREFUSED}", "Connection refused"),
        ("{EEXIST}", "File exists"),
        ("{EHOSTUNREACH}", "No route to host"),
        ("{ENODEV}", "No such device"),
        ("{ENOENT}", "No such file or directory"),
        ("{ENOMEM}", "Cannot allocate memory"),
        ("{ENOSPC}", "No space left on device"),
        ("{EPERM}", "Operation not permitted"),
        ("{ETIMEDOUT}", "Connection timed out"),
    ];
    let text = places.iter().fold(message.to_owned(), |text, (place, value)| text.replace(place, value));
    format!("Nov 23 06:00:00 host program[77]: {text}\n")
}
