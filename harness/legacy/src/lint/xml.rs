//! Rules for any XML of libvirt's.

use labrig_plan::finding::{Report, did_you_mean};

use crate::xml::{Element, Grammar, Tree};

/// Notes what is wrong with the XML itself. Whether what was read can be judged any further.
pub(super) fn slips(tree: &Tree, report: &mut Report) -> bool {
    tree.slips.iter().for_each(|slip| slip.report(report));
    let broken =
        |slip: &crate::xml::Slip| matches!(slip.kind, crate::xml::SlipKind::Syntax(_) | crate::xml::SlipKind::TooDeep);
    tree.root.is_some() && !tree.slips.iter().any(broken)
}

/// Notes the elements that libvirt passes over without a word: all that it does not know, or, where `only_near`, those
/// that are nearly one that it knows.
pub(super) fn unknown_elements(element: &Element, grammar: &Grammar, only_near: bool, report: &mut Report) {
    let name = element.name.as_str();
    // What is in these is anybody's own.
    if matches!(name, "metadata" | "description" | "title") {
        return;
    }
    for child in &element.children {
        let own = child.name.as_str();
        if grammar.holds(name, own) == Some(false) {
            let known = grammar.within(name).unwrap_or_default();
            let help = did_you_mean(own, known.iter().copied());
            if help.is_some() || !only_near {
                let message = format!("libvirt knows no `<{own}>` in `<{name}>`, and passes over it");
                let there = known.iter().map(|known| format!("`<{known}>`")).collect::<Vec<_>>().join(", ");
                let nothing = || "nothing can be in it".to_owned();
                let help =
                    help.unwrap_or_else(|| if known.is_empty() { nothing() } else { format!("there is: {there}") });
                report.add(child.name.span(), message).help(help);
            }
            continue;
        }
        unknown_elements(child, grammar, only_near, report);
    }
}

/// Notes a second `<name>` or `<uuid>`: libvirt reads the first alone.
pub(super) fn given_twice(root: &Element, report: &mut Report) {
    for name in ["name", "uuid"] {
        let mut all = root.children_named(name);
        let Some(first) = all.next() else { continue };
        for again in all {
            report
                .add(again.span.clone(), format!("`<{name}>` is given twice, and libvirt reads the first alone"))
                .help("take one of them out")
                .related(first.span.clone(), "the first one");
        }
    }
}

/// Whether libvirt takes this for a UUID.
pub(super) fn is_uuid(text: &str) -> bool {
    let digits = text.chars().filter(char::is_ascii_hexdigit).count();
    digits == 32 && text.chars().all(|c| c.is_ascii_hexdigit() || c == '-' || c == ' ')
}

/// Whether libvirt takes this for a MAC address.
pub(super) fn is_mac(text: &str) -> bool {
    let mut parts = 0;
    let fits = text.split(':').all(|part| {
        parts += 1;
        (1..=2).contains(&part.len()) && part.bytes().all(|byte| byte.is_ascii_hexdigit())
    });
    fits && parts == 6
}

/// Whether it is one of many.
pub(super) fn is_multicast(mac: &str) -> bool {
    let first = mac.split(':').next().and_then(|first| u8::from_str_radix(first, 16).ok());
    first.is_some_and(|first| first & 1 == 1)
}
