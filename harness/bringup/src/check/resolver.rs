//! The resolver that a guest was given: who it is, and whether it answers.

use labrig_plan::name::{DnsName, NodeName};

use super::{command, text};
use crate::running::Running;

/// How long a resolver is given for its answer, in seconds. Each is asked twice.
const PATIENCE: u8 = 4;

/// Why `from` cannot resolve `name`, where the reason is that nobody answers it.
pub(super) fn silence(running: &Running, from: &NodeName, name: &DnsName) -> Result<Option<String>, String> {
    let configured = command(running, from, "cat /etc/resolv.conf")?;
    let text = text(&configured.stdout);
    let servers: Vec<_> = servers(&text).collect();
    for server in &servers {
        let question = format!("nslookup -timeout={PATIENCE} -retry=2 {name}. {server}");
        if is_answered(&super::text(&command(running, from, &question)?.stdout)) {
            return Ok(None);
        }
    }
    Ok(Some(match servers.as_slice() {
        [] => format!("{from} was given no resolver"),
        [server] => format!("the resolver that {from} was given, {server}, does not answer"),
        servers => format!("none of the resolvers that {from} was given answers: {}", servers.join(", ")),
    }))
}

/// Whether any server answered, in what busybox's `nslookup` prints: it names the server together with its answer, and
/// not before.
pub(super) fn is_answered(printed: &str) -> bool {
    printed.starts_with("Server:")
}

/// The servers of a resolv.conf(5), in their order.
fn servers(conf: &str) -> impl Iterator<Item = &str> {
    conf.lines().filter_map(|line| line.strip_prefix("nameserver")?.split_whitespace().next())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_server_is_named_with_its_answer_only() {
        assert!(is_answered(
            "Server:\t\t192.168.100.1\nAddress:\t192.168.100.1:53\n\n** server can't find x: NXDOMAIN\n"
        ));
        assert!(!is_answered(";; connection timed out; no servers could be reached\n\n"));
    }

    #[test]
    fn servers_are_told_from_the_rest_of_the_file() {
        let conf = "search names.lab\nnameserver 192.168.100.1\nnameserver\t2001:db8::1 \n# nameserver 192.0.2.1\n";
        assert_eq!(servers(conf).collect::<Vec<_>>(), ["192.168.100.1", "2001:db8::1"]);
    }
}
