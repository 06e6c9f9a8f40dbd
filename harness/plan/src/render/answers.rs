//! What a distribution's own installer is told: its answers with the lab's values in them, and its kernel's command line.
//!
//! Every value is of a type that admits neither blanks nor quotes nor anything that one of the formats reads as structure.

use super::{
    domain::command_line,
    lines::{Lines, joined},
};
use crate::{
    artifact::Accelerator,
    lab::{AnswerFormat, Lab, Netboot, Network, NetworkV4, Node},
    name::NodeName,
    scenario::Delivery,
    template::Placeholder,
};

/// Renders the answers of a node's installer.
///
/// A preseed and a kickstart are the scenario's text, line by line. An autoinstall stands in cloud-init's user data, all
/// of it deeper than the key that it is of.
#[must_use]
pub fn answers(node: &Node, netboot: &Netboot, lab: &Lab) -> String {
    let mut out = Lines::default();
    let indent = match netboot.format {
        AnswerFormat::Preseed | AnswerFormat::Kickstart => "",
        AnswerFormat::Autoinstall => {
            // The first line says of which kind it is, so it is more than a comment.
            out.line("#cloud-config").line("autoinstall:");
            "  "
        }
    };
    let text = netboot.answers.filled(|placeholder| value(placeholder, node, lab));
    for line in text.strip_suffix('\n').unwrap_or(&text).split('\n') {
        match line {
            "" => out.gap(),
            // What else YAML takes for the end of a line (YAML 1.1, section 5.4).
            line => out.line(format_args!("{indent}{}", line.replace(['\u{2028}', '\u{2029}'], "\u{fffd}"))),
        };
    }
    out.finish()
}

/// What the installer's kernel is told, and by it the installer.
#[must_use]
pub fn installer_command_line(node: &NodeName, netboot: &Netboot, accelerator: Accelerator) -> String {
    let url = || format!("http://{}{}", Netboot::ORIGIN, netboot.path(node));
    let words = match (netboot.format, netboot.delivery) {
        // The Debian installation guide, 5.3 and B.2: it speaks plain text, asks as little as it can, and takes the first
        // interface. On a dumb terminal it does without `screen`. It reads a preseed.cfg in its initrd by itself.
        (AnswerFormat::Preseed, delivery) => {
            let plain = "DEBIAN_FRONTEND=text TERM=dumb auto=true priority=critical interface=auto";
            match delivery {
                Delivery::Initrd => format!("{plain} hostname={node}"),
                Delivery::Url => format!("{plain} hostname={node} url={}", url()),
            }
        }
        // Anaconda's boot options.
        (AnswerFormat::Kickstart, Delivery::Initrd) => "inst.text inst.ks=file:/ks.cfg".to_owned(),
        (AnswerFormat::Kickstart, Delivery::Url) => format!("inst.text inst.ks={}", url()),
        // Without `autoinstall` subiquity asks whether it may go on. cloud-init looks for its seed on the disk.
        (AnswerFormat::Autoinstall, _) => "autoinstall ds=nocloud".to_owned(),
    };
    let own = std::iter::once(words).chain(netboot.arguments.iter().map(ToString::to_string));
    format!("{} {}", command_line(accelerator), joined(own, " "))
}

fn value(placeholder: Placeholder, node: &Node, lab: &Lab) -> String {
    let nic = node.nics.first();
    let network = nic.and_then(|nic| lab.network(&nic.network));
    let v4 = network.map(|network| &network.v4);
    let value = match placeholder {
        Placeholder::Name => Some(node.name.to_string()),
        Placeholder::Domain => network.and_then(|network| network.domain.as_ref()).map(ToString::to_string),
        Placeholder::Mac => nic.map(|nic| nic.mac.to_string()),
        Placeholder::Address => nic.map(|nic| nic.v4.to_string()),
        Placeholder::Prefix => v4.map(|v4| v4.subnet.net().prefix_len().to_string()),
        Placeholder::Netmask => v4.map(|v4| v4.subnet.net().netmask().to_string()),
        Placeholder::Gateway => v4.map(|v4| v4.gateway.to_string()),
        Placeholder::NameServer => network.map(name_server),
        Placeholder::Proxy => {
            lab.proxy.as_ref().zip(v4).map(|(proxy, v4)| format!("http://{}:{}", v4.gateway, proxy.forward_port))
        }
        Placeholder::Disk => node.disks.first().map(|disk| format!("/dev/{}", disk.target)),
    };
    // A lab that was checked has every value that its texts name.
    value.unwrap_or_default()
}

fn name_server(network: &Network) -> String {
    let NetworkV4 { gateway, dhcp, .. } = &network.v4;
    let told = dhcp.as_ref().and_then(|dhcp| dhcp.name_servers.first());
    told.unwrap_or(gateway).to_string()
}
