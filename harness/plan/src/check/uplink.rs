//! Rules for where a lab's traffic goes: what stands in the file and cannot be had of the uplink that it chose.

use std::ops::Range;

use crate::{
    check::Context,
    scenario::{Check, NetworkMode, Target, Uplink},
};

pub(super) fn uplink(context: &mut Context<'_>) {
    match *context.scenario.uplink {
        Uplink::Upstream => return,
        Uplink::None => forwarders(context),
        Uplink::Host => routed(context),
    }
    upstream(context);
    checks(context);
}

/// A finding at something that only an upstream can give.
pub(super) fn without(context: &mut Context<'_>, span: Range<usize>, what: &str) {
    let uplink = &context.scenario.uplink;
    let word = if **uplink == Uplink::Host { "host" } else { "none" };
    context
        .report
        .add(span, format!("{what}, and this lab has none: `uplink` is `{word}`"))
        .help("leave this out, or leave `uplink` out: its default is `upstream`")
        .related(uplink.span(), "said here");
}

/// What `[upstream]` says of a namespace that is not there.
fn upstream(context: &mut Context<'_>) {
    let upstream = &context.scenario.upstream;
    for name in upstream.origin.keys() {
        without(context, name.span(), &format!("origin `{name}` stands in the upstream"));
    }
    for name in &upstream.nxdomain {
        without(context, name.span(), &format!("`{name}` is denied by the upstream"));
    }
    for address in &upstream.silent {
        without(context, address.span(), &format!("`{address}` keeps silent in the upstream"));
    }
}

/// Checks that go to the upstream, unless they only want to see that nobody is there.
fn checks(context: &mut Context<'_>) {
    let scenario = context.scenario;
    for check in &scenario.check {
        let (to, absent) = match &**check {
            Check::Ping(check) => (&check.to, false),
            Check::Tcp(check) => (&check.to, !check.open),
            Check::Isolated(check) => (&check.to, true),
            _ => continue,
        };
        // What the machine's own network has at that address is nobody's business here.
        if **to == Target::Upstream && !(absent && *scenario.uplink == Uplink::None) {
            without(context, to.span(), "this goes to the upstream");
        }
    }
}

/// Without an uplink, forwarders never answer, and guests would wait for each of them.
fn forwarders(context: &mut Context<'_>) {
    let scenario = context.scenario;
    for forwarder in scenario.network.values().flat_map(|network| &network.dns.forwarders) {
        context
            .report
            .add(forwarder.span(), format!("nothing answers at `{forwarder}`: `uplink` is `none`"))
            .help("leave it out: a network's own names need no forwarder")
            .related(scenario.uplink.span(), "said here");
    }
}

/// The machine's network has no way back to a lab's addresses, so that they have to be translated.
fn routed(context: &mut Context<'_>) {
    let scenario = context.scenario;
    for (name, network) in &scenario.network {
        if network.mode == NetworkMode::Routed {
            context
                .report
                .add(
                    name.span(),
                    format!("network `{name}` is routed, and beyond this machine nobody knows the way back"),
                )
                .help("write `mode = \"nat\"`")
                .related(scenario.uplink.span(), "`uplink` is `host`");
        }
    }
}
