//! From a scenario to a lab: what the file means, and everything that cannot be meant.
//!
//! One file a family of rules. All of them are tried, whatever the others found, so a person sees every problem
//! at once; a lab comes out only where there is none.

use std::collections::{BTreeMap, BTreeSet};

use ipnet::Ipv4Net;

use crate::{
    address::SubnetV4,
    finding::{Findings, Report},
    image::Catalogue,
    lab::{Expect, Lab},
    name::{NetworkName, ScenarioName},
    scenario::{self, Acceleration, Firewall, Lost, Outcome, Requirement, Scenario},
    site::Site,
};

mod answers;
mod apparmor;
mod checks;
mod dhcp;
mod fault;
mod fetch;
mod identity;
mod image;
mod install;
mod netboot;
mod network;
mod node;
mod proxy;
pub mod range;
pub mod subnet;
mod uplink;
mod upstream;
mod words;

use checks::World;
use identity::Identity;

/// What every rule works with.
struct Context<'s> {
    scenario: &'s Scenario,
    lost: &'s Lost,
    catalogue: &'s Catalogue,
    report: Report,
    identity: Identity<'s>,
    subnets: BTreeMap<NetworkName, SubnetV4>,
}

/// Reads and checks a scenario whose folder has no catalogue of images. Its name is the stem of `file_name`.
///
/// # Errors
///
/// Everything that is wrong with it, at once.
pub fn load(file_name: &str, bytes: &[u8]) -> Result<Lab, Findings> {
    load_with(file_name, bytes, &Catalogue::default())
}

/// Reads and checks a scenario whose nodes may boot from the images of `catalogue`. Its name is the stem of
/// `file_name`.
///
/// # Errors
///
/// Everything that is wrong with it, at once.
pub fn load_with(file_name: &str, bytes: &[u8], catalogue: &Catalogue) -> Result<Lab, Findings> {
    load_beside(file_name, bytes, catalogue, &[])
}

/// The same for a machine on which these addresses are somebody's: of the networks whose subnets are `auto`, none has any
/// of them.
///
/// # Errors
///
/// Everything that is wrong with it, at once.
pub fn load_beside(file_name: &str, bytes: &[u8], catalogue: &Catalogue, taken: &[Ipv4Net]) -> Result<Lab, Findings> {
    let (scenario, lost, mut report) = scenario::parse_all::<Scenario>(file_name, bytes);
    let name = scenario_name(file_name, &mut report);
    match scenario {
        Some(scenario) => whole(name, &scenario, &lost, catalogue, taken, report),
        None => Err(report.into_findings()),
    }
}

/// Checks a scenario that was read from `source`. Its name is the stem of `file_name`.
///
/// # Errors
///
/// Everything that is wrong with it, at once.
pub fn lab(file_name: &str, scenario: &Scenario, source: &str) -> Result<Lab, Findings> {
    let mut report = Report::new(file_name, source);
    let name = scenario_name(file_name, &mut report);
    whole(name, scenario, &Lost::default(), &Catalogue::default(), &[], report)
}

fn scenario_name(file_name: &str, report: &mut Report) -> Option<ScenarioName> {
    let file = file_name.rsplit('/').next().unwrap_or(file_name);
    let stem = file.strip_suffix(".toml").unwrap_or(file);
    match stem.parse() {
        Ok(name) => Some(name),
        Err(error) => {
            report
                .add(0..0, format!("the file's name is the scenario's, and `{}` is none", error.text))
                .help(format!("rename the file: {}", error.rule));
            None
        }
    }
}

fn whole(
    name: Option<ScenarioName>,
    scenario: &Scenario,
    lost: &Lost,
    catalogue: &Catalogue,
    taken: &[Ipv4Net],
    mut report: Report,
) -> Result<Lab, Findings> {
    let subnets = subnet::choose(scenario, taken, &mut report);
    if !scenario.network.keys().all(|name| subnets.contains_key(&**name)) {
        // Whatever else was said would be of a network that is nowhere.
        return Err(report.into_findings());
    }
    let identity = Identity::new(name.as_ref().map_or("", ScenarioName::as_str));
    let mut context = Context { scenario, lost, catalogue, report, identity, subnets };
    let description = words::description(&mut context);
    let expect = expect(&mut context);
    node::claim_macs(&mut context);
    let mut networks = network::networks(&mut context);
    let nodes = node::nodes(&mut context, &mut networks);
    let mut networks = network::finish(networks, &nodes);
    uplink::uplink(&mut context);
    let upstream = upstream::upstream(&mut context, &mut networks, &nodes);
    let proxy = proxy::proxy(&mut context, &networks);
    let requires = requires(&mut context);
    let known_denials = apparmor::known_denials(&mut context);
    let world = World { networks: &networks, nodes: &nodes, upstream: &upstream, proxy: proxy.as_ref() };
    let checks = checks::checks(&mut context, &world);
    let faults = fault::faults(&mut context, &world);
    let report = context.report;
    match name {
        Some(name) if report.is_empty() => Ok(Lab {
            name,
            site: Site::Own,
            description,
            acceleration: *scenario.acceleration,
            requires,
            expect,
            networks,
            proxy,
            uplink: *scenario.uplink,
            upstream,
            images: image::used(catalogue, &nodes),
            installers: netboot::used(catalogue, &nodes),
            nodes,
            known_denials,
            checks,
            faults,
        }),
        _ => Err(report.into_findings()),
    }
}

fn expect(context: &mut Context<'_>) -> Expect {
    let expect = &context.scenario.expect;
    if expect.outcome == Outcome::Pass {
        let spans = [
            ("stage", expect.stage.as_ref().map(|stage| stage.span())),
            ("message", expect.message.as_ref().map(|message| message.span())),
        ];
        for (key, span) in spans {
            if let Some(span) = span {
                context
                    .report
                    .add(span, format!("`{key}` says how the lab fails, but it is expected to pass"))
                    .help(format!("write `outcome = \"fail\"`, or leave `{key}` out"));
            }
        }
    }
    Expect {
        outcome: expect.outcome,
        stage: expect.stage.as_deref().copied(),
        message: expect.message.as_deref().cloned(),
    }
}

/// What the file asks for, and what follows from the rest of it.
fn requires(context: &mut Context<'_>) -> BTreeSet<Requirement> {
    let scenario = context.scenario;
    let mut requires: BTreeSet<_> = scenario.requires.iter().map(|requirement| **requirement).collect();
    if *scenario.acceleration == Acceleration::Tcg
        && let Some(kvm) = scenario.requires.iter().find(|requirement| ***requirement == Requirement::Kvm)
    {
        context
            .report
            .add(kvm.span(), "`kvm` is required, but guests are to run on `tcg`")
            .related(scenario.acceleration.span(), "said here");
    }
    if *scenario.acceleration == Acceleration::Kvm {
        requires.insert(Requirement::Kvm);
    }
    if scenario.network.values().any(|network| network.ipv6.is_some()) {
        requires.insert(Requirement::Ipv6);
    }
    if let Some(proxy) = &scenario.proxy {
        requires.insert(Requirement::Squid);
        requires.insert(match proxy.firewall {
            Firewall::Nftables => Requirement::Nftables,
            Firewall::Iptables => Requirement::Iptables,
        });
    }
    // They are rules of nftables, whoever loads the proxy's.
    if scenario.fault.iter().any(|fault| fault.dhcp_dropped.is_some() || fault.resolver_silent.is_some()) {
        requires.insert(Requirement::Nftables);
    }
    requires
}
