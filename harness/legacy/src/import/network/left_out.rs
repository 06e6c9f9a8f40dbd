//! What network XML says and a scenario has no words for.

use crate::{libvirt_network::Network, xml::Element};

/// Elements right below the root, and what stands instead.
const ELEMENTS: &[(&str, &str)] = &[
    ("mtu", "the MTU is 1500"),
    ("route", "a lab has no routes beyond those of its networks"),
    ("bandwidth", "`bandwidth` of `[proxy]` limits what goes through the proxy, and nothing limits the rest"),
    ("vlan", "networks have no VLANs"),
    ("port", "`mode = \"isolated\"` is for a network as a whole"),
    ("portgroup", "all nodes of a network are connected alike"),
    ("virtualport", "networks are bridges of libvirt's own"),
    ("dnsmasq:options", "dnsmasq is told by libvirt alone"),
];

/// Elements further below: the parent of each, and what stands instead.
const INNER: &[(&str, &str, &str)] = &[
    ("nat", "address", "addresses are translated to the uplink's"),
    ("nat", "port", "libvirt chooses the ports that it translates to"),
    ("forward", "interface", "a lab does not touch the machine's own interfaces"),
    ("forward", "pf", "a lab does not touch the machine's own interfaces"),
    ("forward", "address", "a lab does not touch the machine's own devices"),
    ("range", "lease", "leases end as libvirt has it"),
    ("host", "lease", "leases end as libvirt has it"),
];

/// Attributes, by their element, and what stands instead.
const ATTRIBUTES: &[(&str, &str, &str)] = &[
    ("forward", "dev", "the lab's uplink stands instead, which no interface of the machine is part of"),
    ("domain", "localOnly", "names of the domain that nobody has are answered as labrig's networks do"),
    ("domain", "register", "the machine's own resolver is not told of a lab"),
    ("dns", "forwardPlainNames", "names without a dot are answered as labrig's networks do"),
    ("bridge", "zone", "a lab's bridge is in no zone of firewalld"),
];

/// Each with its place, what it is, and what stands instead.
pub(super) fn left_out(network: &Network) -> Vec<(usize, String, &'static str)> {
    let mut all = Vec::new();
    let Some(root) = network.root() else { return all };
    for child in &root.children {
        if let Some((name, instead)) = ELEMENTS.iter().find(|(name, _)| *name == child.name.as_str()) {
            all.push((child.span.start, format!("`<{name}>`"), *instead));
        }
        below(child, &mut all);
    }
    for ip in root.children_named("ip") {
        let is_v6 = ip.attribute("address").is_some_and(|address| address.contains(':'));
        let dhcp = ip.child("dhcp").into_iter().flat_map(|dhcp| &dhcp.children);
        for child in dhcp.filter(|child| is_v6 && matches!(child.name.as_str(), "range" | "host")) {
            let what = format!("`<{}>` of IPv6", child.name.as_str());
            all.push((child.span.start, what, "nodes make their IPv6 addresses of the prefix by themselves"));
        }
    }
    all
}

fn below(element: &Element, all: &mut Vec<(usize, String, &'static str)>) {
    for (_, name, instead) in ATTRIBUTES.iter().filter(|(parent, ..)| *parent == element.name.as_str()) {
        if let Some((key, value)) = element.attributes.iter().find(|(key, _)| key.as_str() == *name) {
            all.push((key.span().start, format!("`{name}='{}'`", value.as_str()), *instead));
        }
    }
    for child in &element.children {
        let known =
            INNER.iter().find(|(parent, name, _)| *parent == element.name.as_str() && *name == child.name.as_str());
        if let Some((_, name, instead)) = known {
            let said = child.attributes.iter().map(|(key, value)| format!(" {}='{}'", key.as_str(), value.as_str()));
            all.push((child.span.start, format!("`<{name}{}>`", said.collect::<String>()), *instead));
        }
        below(child, all);
    }
}
