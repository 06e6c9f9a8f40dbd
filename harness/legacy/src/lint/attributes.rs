//! Attributes of libvirt's XML that are nearly those that an element has. Whatever resembles none may be newer, and stays.

use labrig_plan::finding::Report;
use strsim::osa_distance;

use crate::xml::Element;

/// Elements, each with the one that it is in, and all attributes that it has.
pub(super) type Attributes = &'static [(&'static str, &'static str, &'static [&'static str])];

/// Those of network XML (libvirt's formatnetwork page, and `network.rng` of 9.0 to 12.8).
pub(super) const NETWORK: Attributes = &[
    ("", "network", &["connections", "ipv6", "trustGuestRxFilters"]),
    ("network", "forward", &["mode", "dev", "managed"]),
    ("forward", "nat", &["ipv6"]),
    ("forward", "interface", &["dev", "connections"]),
    ("forward", "pf", &["dev", "connections"]),
    ("nat", "address", &["start", "end"]),
    ("nat", "port", &["start", "end"]),
    ("network", "bridge", &["name", "stp", "delay", "macTableManager", "zone"]),
    ("network", "mtu", &["size"]),
    ("network", "mac", &["address"]),
    ("network", "domain", &["name", "localOnly", "register"]),
    ("network", "dns", &["enable", "forwardPlainNames"]),
    ("dns", "forwarder", &["addr", "domain"]),
    ("dns", "txt", &["name", "value"]),
    ("dns", "srv", &["service", "protocol", "domain", "target", "port", "priority", "weight", "name"]),
    ("dns", "host", &["ip"]),
    ("network", "ip", &["address", "netmask", "prefix", "family", "localPtr"]),
    ("ip", "tftp", &["root"]),
    ("dhcp", "range", &["start", "end"]),
    ("dhcp", "host", &["mac", "name", "ip", "id"]),
    ("dhcp", "bootp", &["file", "server"]),
    ("range", "lease", &["expiry", "unit"]),
    ("host", "lease", &["expiry", "unit"]),
    ("network", "route", &["family", "address", "netmask", "prefix", "gateway", "metric"]),
    ("network", "portgroup", &["name", "default", "trustGuestRxFilters"]),
    ("bandwidth", "inbound", &["average", "peak", "burst", "floor"]),
    ("bandwidth", "outbound", &["average", "peak", "burst", "floor"]),
];

/// Those of domain XML that people write by hand (libvirt's formatdomain page, and `domaincommon.rng` of 9.0 to 12.8).
pub(super) const DOMAIN: Attributes = &[
    ("", "domain", &["type", "id"]),
    ("domain", "memory", &["unit", "dumpCore"]),
    ("domain", "currentMemory", &["unit"]),
    ("domain", "vcpu", &["placement", "cpuset", "current"]),
    ("os", "boot", &["dev"]),
    ("os", "type", &["arch", "machine"]),
    ("devices", "disk", &["type", "device", "rawio", "sgio", "snapshot", "model"]),
    ("disk", "target", &["dev", "bus", "tray", "removable", "rotation_rate", "dpofua"]),
    ("devices", "interface", &["type", "managed", "trustGuestRxFilters"]),
    ("interface", "mac", &["address", "type", "check", "currentAddress"]),
    ("interface", "model", &["type"]),
];

/// Attributes that mean the same elsewhere: in `<interface>` and `<disk>` it is `type`, in `<source>` `dev`.
const CONFUSED: &[(&str, &str, &str)] = &[("forward", "type", "mode"), ("target", "device", "dev")];

/// Notes the attributes of `element`, and of all that is in it, that were meant to be others.
pub(super) fn misspelt(element: &Element, parent: &str, known: Attributes, report: &mut Report) {
    let name = element.name.as_str();
    if name == "metadata" {
        return;
    }
    if let Some((.., own)) = known.iter().find(|(within, of, _)| *within == parent && *of == name) {
        for (written, _) in &element.attributes {
            let Some(meant) = meant(element, written, own) else { continue };
            let message = format!("libvirt knows no `{}` of `<{name}>`, and passes over it", written.as_str());
            report.add(written.span(), message).help(format!("did you mean `{meant}`?"));
        }
    }
    for child in &element.children {
        misspelt(child, name, known, report);
    }
}

/// The attribute that was meant by one that the element does not have.
fn meant(element: &Element, written: &str, own: &[&'static str]) -> Option<&'static str> {
    // What has a prefix is of another format.
    if own.contains(&written) || written.contains(':') || written.len() > 40 {
        return None;
    }
    let name = element.name.as_str();
    let confused = CONFUSED.iter().find(|(of, wrong, _)| *of == name && *wrong == written).map(|(.., meant)| *meant);
    let lower = written.to_ascii_lowercase();
    let slips = if lower.len() < 4 { 1 } else { 2 };
    let near = own.iter().copied().filter(|own| own.len().abs_diff(lower.len()) <= slips);
    let measured = near.map(|own| (osa_distance(&lower, &own.to_ascii_lowercase()), own));
    let nearest = measured.filter(|(wrong, own)| *wrong <= slips && wrong * 2 < own.len()).min().map(|(_, own)| own);
    // What the element has already is not meant by another name.
    confused.or(nearest).filter(|meant| element.attribute(meant).is_none())
}
