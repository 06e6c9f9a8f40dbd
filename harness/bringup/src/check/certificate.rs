//! The certificate that a guest sees: whether it is the origin's own.
//!
//! A micro guest's client cannot verify one. So the guest makes the connection and no more, over which the supervisor
//! shakes hands: it goes the way of every other connection of the guest's.

use std::{net::IpAddr, path::Path};

use labrig_host::{tls, upstream::AUTHORITY};
use labrig_plan::{lab::Url, name::NodeName};

use super::{COMMAND, session};
use crate::running::Running;

/// Sees that whoever answers `from` under an `https` URL has a certificate for its host, from the authority of the
/// lab's origins, which made one for each of them and no other. `None` where the host is no origin.
pub(super) fn prove(running: &Running, from: &NodeName, url: &Url) -> Result<Option<String>, String> {
    let Some(origin) = running.lab.upstream.origin(&url.host).filter(|_| url.tls) else { return Ok(None) };
    let address = url.host.parse().unwrap_or(IpAddr::V4(origin.v4));
    let mut session = session(running, from)?;
    let tunnel = session
        .forward(&address.to_string(), url.port, COMMAND)
        .map_err(|error| format!("{from} has no connection to {url}: {error}"))?;
    tls::connect(tunnel, &url.host, Path::new(AUTHORITY))
        .map_err(|error| format!("{from} does not see {}'s own certificate: {error}", origin.name))?;
    Ok(Some(format!("; the certificate is {}'s own, from the lab's authority", origin.name)))
}
