//! A network for libvirt: <https://libvirt.org/formatnetwork.html>.

use std::{collections::BTreeMap, net::IpAddr};

use super::{
    document::{Attribute, Document, document},
    lines::joined,
    visible::visible,
};
use crate::{
    lab::{Dhcp, Dns, Lab, Network, NetworkV4, NetworkV6, Reservation, Upstream},
    name::DnsName,
    scenario::{NetworkMode, Uplink},
    site::Site,
};

/// The namespace of labrig's own metadata. The name is reserved (RFC 2606): it names, and leads nowhere.
const NAMESPACE: &str = "https://labrig.example/lab/1";

/// libvirt's namespace for options of dnsmasq (<https://libvirt.org/formatnetwork.html#network-namespaces>).
const DNSMASQ: &str = "http://libvirt.org/schemas/network/dnsmasq/1.0";

/// dnsmasq reads its configuration in pieces of `MAXDNAME` (1025) bytes with the closing NUL, and takes what is
/// beyond for another line.
const DNSMASQ_LINE: usize = 1024;

/// Renders one network of a lab.
#[must_use]
pub fn network_xml(network: &Network, lab: &Lab) -> String {
    let own = beyond_schema(&network.dns).chain(network.v4.dhcp.iter().filter_map(name_servers));
    let options: Vec<_> = own.chain(ways(&network.dns, lab)).collect();
    let root: &[Attribute<'_>] = if options.is_empty() { &[] } else { &[("xmlns:dnsmasq", &DNSMASQ)] };
    document("network", root, |xml| {
        xml.text("name", &[], lab.site.network(&network.name));
        xml.text("uuid", &[], network.uuid);
        xml.element("metadata", &[], |xml| {
            xml.empty("labrig:lab", &identity(lab));
        });
        forward(xml, network);
        // No spanning tree: a lab's bridge has no loop, and a port must forward from its first frame.
        xml.empty("bridge", &[("name", &network.bridge), ("stp", &"off"), ("delay", &0)]);
        xml.empty("mac", &[("address", &network.mac)]);
        if let Some(domain) = &network.domain {
            // The network's own names are never asked of a forwarder.
            xml.empty("domain", &[("name", domain), ("localOnly", &"yes")]);
        }
        dns(xml, &network.dns, lab);
        ip_v4(xml, &network.v4);
        if let Some(v6) = &network.v6 {
            ip_v6(xml, v6);
        }
        if !options.is_empty() {
            xml.element("dnsmasq:options", &[], |xml| {
                for option in &options {
                    xml.empty("dnsmasq:option", &[("value", option)]);
                }
            });
        }
    })
}

fn forward(xml: &mut Document, network: &Network) {
    match network.mode {
        NetworkMode::Nat if network.v6.is_some() => {
            xml.element("forward", &[("mode", &"nat")], |xml| xml.empty("nat", &[("ipv6", &"yes")]));
        }
        NetworkMode::Nat => xml.empty("forward", &[("mode", &"nat")]),
        NetworkMode::Routed => xml.empty("forward", &[("mode", &"route")]),
        // Without the element, libvirt forwards nothing.
        NetworkMode::Isolated => {}
    }
}

/// Renders one fixed lease, as libvirt is told to take it away from a network that runs.
#[must_use]
pub fn fixed_lease_xml(lease: &Reservation) -> String {
    document("host", &fixed_lease(lease), |_| {})
}

fn fixed_lease(lease: &Reservation) -> [Attribute<'_>; 3] {
    [("mac", &lease.mac), ("name", &lease.name), ("ip", &lease.ip)]
}

/// What tells a thing of a lab, and of which run, from all others: attributes of `labrig:lab`.
pub(super) fn identity(lab: &Lab) -> Vec<Attribute<'_>> {
    let own: [Attribute<'_>; 2] = [("xmlns:labrig", &NAMESPACE), ("scenario", &lab.name)];
    let run = lab.site.run().map(|run| -> Attribute<'_> { ("run", run) });
    own.into_iter().chain(run).collect()
}

fn dns(xml: &mut Document, dns: &Dns, lab: &Lab) {
    let txt: Vec<_> = dns.txt.iter().filter(|(name, _)| in_schema(name)).collect();
    // libvirt has a host element for each address, with all its names.
    let mut names: BTreeMap<IpAddr, Vec<&DnsName>> = BTreeMap::new();
    for (name, addresses) in dns.hosts.iter().filter(|(name, _)| in_schema(name)) {
        for address in addresses {
            names.entry(*address).or_default().push(name);
        }
    }
    // Elsewhere they need more than their address.
    let forwarders: &[IpAddr] = if lab.site == Site::Own { &dns.forwarders } else { &[] };
    if forwarders.is_empty() && txt.is_empty() && names.is_empty() {
        return;
    }
    xml.element("dns", &[], |xml| {
        for server in forwarders {
            xml.empty("forwarder", &[("addr", server)]);
        }
        for (name, value) in txt {
            xml.empty("txt", &[("name", name), ("value", &txt_value(name, value))]);
        }
        for (address, names) in names {
            xml.element("host", &[("ip", &address)], |xml| {
                for name in names {
                    xml.text("hostname", &[], name);
                }
            });
        }
    });
}

/// Whether libvirt's schema has the name for a DNS name: it knows no `_`, without which there is no service name
/// (RFC 2782, RFC 8552).
fn in_schema(name: &DnsName) -> bool {
    !name.as_str().contains('_')
}

/// The records whose names libvirt's schema refuses, as options of dnsmasq's own.
fn beyond_schema(dns: &Dns) -> impl Iterator<Item = String> {
    let txt = dns.txt.iter().filter(|(name, _)| !in_schema(name));
    let txt = txt.map(|(name, value)| format!("txt-record={name},{}", txt_value(name, value)));
    let hosts = dns.hosts.iter().filter(|(name, _)| !in_schema(name));
    let hosts = hosts.map(|(name, addresses)| format!("host-record={name},{}", joined(addresses, ",")));
    txt.chain(hosts)
}

/// The ways to the forwarders on a machine with others: by the lab's own link, which is found by its address, and never
/// to a name server of the machine's, unless that is what the scenario wants.
fn ways(dns: &Dns, lab: &Lab) -> Vec<String> {
    let Upstream { host_v4, gateway_v4, host_v6, .. } = &lab.upstream;
    match (&lab.site, lab.uplink) {
        (Site::Own, _) => Vec::new(),
        (Site::Shared(_), Uplink::Host) => {
            let named = dns.forwarders.iter().filter(|server| **server != IpAddr::V4(*gateway_v4));
            let named: Vec<_> = named.map(|server| format!("server={server}")).collect();
            let resolv = (!named.is_empty()).then(|| "no-resolv".to_owned());
            resolv.into_iter().chain(named).collect()
        }
        (Site::Shared(_), Uplink::Upstream | Uplink::None) => {
            let way = |server: &IpAddr| match server {
                IpAddr::V4(_) => format!("server={server}@{host_v4}"),
                IpAddr::V6(_) => format!("server={server}@{host_v6}"),
            };
            std::iter::once("no-resolv".to_owned()).chain(dns.forwarders.iter().map(way)).collect()
        }
    }
}

/// The name servers that guests are told of, for which libvirt has no element.
fn name_servers(dhcp: &Dhcp) -> Option<String> {
    let servers = joined(&dhcp.name_servers, ",");
    (!servers.is_empty()).then(|| format!("dhcp-option=option:dns-server,{servers}"))
}

fn ip_v4(xml: &mut Document, v4: &NetworkV4) {
    let prefix = v4.subnet.net().prefix_len();
    let attributes: [(&str, &dyn std::fmt::Display); 3] =
        [("family", &"ipv4"), ("address", &v4.gateway), ("prefix", &prefix)];
    let Some(dhcp) = &v4.dhcp else {
        xml.empty("ip", &attributes);
        return;
    };
    xml.element("ip", &attributes, |xml| {
        xml.element("dhcp", &[], |xml| {
            xml.empty("range", &[("start", &dhcp.start), ("end", &dhcp.end)]);
            for host in &dhcp.reservations {
                xml.empty("host", &fixed_lease(host));
            }
        });
    });
}

// No dhcp element: libvirt then has dnsmasq advertise the prefix, and guests make their addresses by SLAAC.
fn ip_v6(xml: &mut Document, v6: &NetworkV6) {
    let prefix = v6.prefix.net().prefix_len();
    xml.empty("ip", &[("family", &"ipv6"), ("address", &v6.gateway), ("prefix", &prefix)]);
}

/// A TXT value as libvirt has to be told it.
///
/// libvirt copies the value as it is into dnsmasq's configuration (`txt-record=NAME,VALUE`), where a comma begins
/// another string, ` #` a comment, and a line break another option; so what is not plain goes there in dnsmasq's
/// quotes, control characters made visible. A value that would make the line longer than dnsmasq reads is cut.
fn txt_value(name: &DnsName, value: &str) -> String {
    let value = visible(value, char::is_control);
    let room = DNSMASQ_LINE - "txt-record=,\"\"\n".len() - name.as_str().len();
    if value.len() <= room && is_plain(&value) {
        return value.into_owned();
    }
    const CUT: char = '…';
    let mut quoted = String::from('"');
    for c in value.chars() {
        let escape = matches!(c, '"' | '\\');
        // Counted with the opening quote; the mark is kept room for all along.
        if quoted.len() - 1 + usize::from(escape) + c.len_utf8() > room - CUT.len_utf8() {
            quoted.push(CUT);
            break;
        }
        if escape {
            quoted.push('\\');
        }
        quoted.push(c);
    }
    quoted.push('"');
    quoted
}

/// Whether dnsmasq reads the value back unchanged without quotes.
fn is_plain(value: &str) -> bool {
    !value.is_empty()
        && !value.starts_with(' ')
        && !value.ends_with(' ')
        && value.chars().all(|c| c == ' ' || (c.is_ascii_graphic() && !matches!(c, '"' | '\\' | ',' | '#')))
}
