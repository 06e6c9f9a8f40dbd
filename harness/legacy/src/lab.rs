//! The files of one lab, seen together. What is found in one is told with the number of its file.

use labrig_plan::{
    finding::{Findings, Report},
    scenario::At,
};

use crate::{
    file::{Document, File},
    iptables::Rules,
    libvirt_domain::Domain,
    libvirt_network::Network,
    preseed::Preseed,
    redirect::{Guard, Redirect},
    squid::Configuration,
    virt_install::Install,
};

/// The files of one lab.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Lab<'f> {
    pub(crate) files: &'f [File],
}

/// A MAC that somebody gave to a node.
#[derive(Debug, Clone)]
pub(crate) struct FixedMac {
    /// Whose: the domain's name, where it is known.
    pub(crate) node: Option<String>,
    pub(crate) mac: At<String>,
    /// The network that it is on, where it is known.
    pub(crate) network: Option<At<String>>,
    /// Whether somebody wrote it by hand. Each domain that libvirt prints has one, whoever chose it.
    pub(crate) chosen: bool,
}

impl<'f> Lab<'f> {
    fn each<T>(self, pick: impl Fn(&'f Document) -> Option<T>) -> impl Iterator<Item = (usize, T)> {
        let files = self.files.iter().enumerate();
        files.filter_map(move |(index, file)| Some((index, pick(&file.document)?)))
    }

    pub(crate) fn networks(self) -> impl Iterator<Item = (usize, &'f Network)> {
        self.each(|document| if let Document::Network(network) = document { Some(network) } else { None })
    }

    pub(crate) fn domains(self) -> impl Iterator<Item = (usize, &'f Domain)> {
        self.each(|document| if let Document::Domain(domain) = document { Some(domain) } else { None })
    }

    pub(crate) fn preseeds(self) -> impl Iterator<Item = (usize, &'f Preseed)> {
        self.each(|document| if let Document::Preseed(preseed) = document { Some(preseed) } else { None })
    }

    pub(crate) fn squids(self) -> impl Iterator<Item = (usize, &'f Configuration)> {
        self.each(|document| if let Document::Squid(squid) = document { Some(squid) } else { None })
    }

    pub(crate) fn installs(self) -> impl Iterator<Item = (usize, &'f Install)> {
        let scripts = self.each(|document| if let Document::Script(_, _, all) = document { Some(all) } else { None });
        scripts.flat_map(|(index, all)| all.iter().map(move |install| (index, install)))
    }

    pub(crate) fn rules(self) -> impl Iterator<Item = (usize, &'f Rules)> {
        self.each(|document| match document {
            Document::Script(_, rules, _) | Document::IptablesSave(rules) => Some(rules),
            _ => None,
        })
    }

    /// Every redirect of any kind of rules.
    pub(crate) fn redirects(self) -> Vec<(usize, Redirect)> {
        let iptables = self.rules().flat_map(|(index, rules)| rules.redirects().map(move |it| (index, it)));
        let nft = self.rulesets().flat_map(|(index, rules)| rules.redirects().map(move |it| (index, it)));
        iptables.chain(nft).collect()
    }

    /// Every rule that keeps clients from ports.
    pub(crate) fn guards(self) -> Vec<Guard> {
        let iptables = self.rules().flat_map(|(_, rules)| rules.guards());
        let nft = self.rulesets().flat_map(|(_, rules)| rules.guards());
        iptables.chain(nft).collect()
    }

    pub(crate) fn rulesets(self) -> impl Iterator<Item = (usize, &'f crate::nftables::Ruleset)> {
        self.each(|document| if let Document::Nftables(rules) = document { Some(rules) } else { None })
    }

    /// Every MAC that a domain, or a call of virt-install, names.
    pub(crate) fn macs(self) -> Vec<(usize, FixedMac)> {
        let installs = self.installs().flat_map(|(index, install)| {
            install.named("--network").chain(install.named("--bridge")).chain(install.named("--mac")).filter_map(
                move |option| {
                    let mac = if option.long() == "--mac" { option.first() } else { option.part("mac") }?;
                    let node = install.name().map(|name| name.to_string());
                    Some((index, FixedMac { node, mac, network: option.part("network"), chosen: true }))
                },
            )
        });
        let domains = self.domains().flat_map(|(index, domain)| {
            domain.devices("interface").filter_map(move |interface| {
                let mac = interface.child("mac")?.attribute("address")?.clone();
                let network = interface.child("source").and_then(|source| source.attribute("network")).cloned();
                let node = domain.name().map(|name| name.to_string());
                Some((index, FixedMac { node, mac, network, chosen: false }))
            })
        });
        installs.chain(domains).collect()
    }

    /// Where something stands, as `FILE:LINE`.
    pub(crate) fn place(self, index: usize, at: usize) -> String {
        let Some(file) = self.files.get(index) else { return String::new() };
        format!("{}:{}", file.name, file.line(at))
    }

    /// An empty report for each file.
    pub(crate) fn reports(self) -> Vec<Report> {
        self.files.iter().map(|file| Report::new(&file.name, &file.text)).collect()
    }
}

/// What was noted, of the files of which anything was.
pub(crate) fn findings(reports: Vec<Report>) -> Vec<Findings> {
    reports.into_iter().filter(|report| !report.is_empty()).map(Report::into_findings).collect()
}
