//! DHCP messages in Ethernet frames, as far as they are of interest (RFC 2131, section 2; RFC 2132).

use std::net::Ipv4Addr;

use labrig_plan::address::MacAddr;

/// Lengths of headers, in bytes: Ethernet's, and UDP's.
const ETHERNET: usize = 14;
const UDP: usize = 8;
/// An IPv4 header without options.
const IP: usize = 20;
/// Where things stand in a message: the address that a client is given, the client's own, the options.
const GIVEN: usize = 16;
const CLIENT: usize = 28;
const OPTIONS: usize = 240;
/// What comes before the options.
const COOKIE: [u8; 4] = [99, 130, 83, 99];
/// Options (RFC 2132, sections 3.1, 3.2, 9.1, 9.6).
const PAD: u8 = 0;
const REQUESTED_ADDRESS: u8 = 50;
const MESSAGE_TYPE: u8 = 53;
const END: u8 = 255;

/// A message.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Message {
    pub(super) kind: Kind,
    /// The client that sent it, or that it is for.
    pub(super) client: [u8; 6],
    /// The address that the client is given or offered.
    pub(super) address: Ipv4Addr,
}

/// What it says.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Kind {
    /// A client looks for a server.
    Discover,
    /// A server offers an address.
    Offer,
    /// A server gives an address.
    Ack,
    /// A server refuses the address that the client asked for.
    Nak,
    /// Anything else.
    Other,
}

impl Message {
    /// The message in a frame with a UDP datagram over IPv4; `None` for what is none.
    pub(super) fn in_frame(frame: &[u8]) -> Option<Self> {
        let ip = usize::from(*frame.get(ETHERNET)? & 0xf) * 4;
        let message = frame.get(ETHERNET + ip + UDP..)?;
        if message.get(OPTIONS - COOKIE.len()..OPTIONS)? != COOKIE {
            return None;
        }
        let address: [u8; 4] = message.get(GIVEN..GIVEN + 4)?.try_into().ok()?;
        let client = message.get(CLIENT..CLIENT + 6)?.try_into().ok()?;
        let kind = match option(message.get(OPTIONS..)?, MESSAGE_TYPE)? {
            [1] => Kind::Discover,
            [2] => Kind::Offer,
            [5] => Kind::Ack,
            [6] => Kind::Nak,
            _ => Kind::Other,
        };
        Some(Self { kind, client, address: address.into() })
    }
}

/// The value of an option, if it is among these.
fn option(mut options: &[u8], code: u8) -> Option<&[u8]> {
    loop {
        match options {
            [PAD, rest @ ..] => options = rest,
            [END, ..] | [] | [_] => return None,
            [found, length, rest @ ..] => {
                let value = rest.get(..usize::from(*length))?;
                if *found == code {
                    return Some(value);
                }
                options = &rest[value.len()..];
            }
        }
    }
}

/// The frame of a client that comes back and asks for the address that it says it had (RFC 2131, section 4.3.2,
/// INIT-REBOOT), to be answered to all.
pub(crate) fn reboot_request(client: MacAddr, address: Ipv4Addr) -> Vec<u8> {
    // A request by Ethernet with addresses of six bytes; no hops; whose it is, anything; the flag for broadcasts.
    let mut message = vec![1, 1, 6, 0, 0, 0, 0, 1, 0, 0, 0x80, 0];
    message.resize(CLIENT, 0);
    message.extend(client.octets());
    message.resize(OPTIONS - COOKIE.len(), 0);
    message.extend(COOKIE);
    message.extend([MESSAGE_TYPE, 1, 3, REQUESTED_ADDRESS, 4]);
    message.extend(address.octets());
    message.push(END);

    let mut frame = Vec::with_capacity(ETHERNET + IP + UDP + message.len());
    frame.extend([0xff; 6]);
    frame.extend(client.octets());
    frame.extend([0x08, 0x00]);
    frame.extend(ip_header(UDP + message.len()));
    // From port 68 to port 67; without a checksum (RFC 768).
    frame.extend([0, 68, 0, 67]);
    frame.extend(sixteen(UDP + message.len()));
    frame.extend([0, 0]);
    frame.extend(message);
    frame
}

/// The header of a datagram from nobody to everybody.
fn ip_header(content: usize) -> [u8; IP] {
    let [high, low] = sixteen(IP + content);
    // Version and length, the total length, no fragments, 64 hops, UDP.
    let mut header = [0x45, 0, high, low, 0, 0, 0, 0, 64, 17, 0, 0, 0, 0, 0, 0, 255, 255, 255, 255];
    let sum: u32 = header.chunks(2).map(|pair| u32::from(pair[0]) << 8 | u32::from(pair[1])).sum();
    let folded = (sum & 0xffff) + (sum >> 16);
    let checksum = !(folded as u16);
    header[10..12].copy_from_slice(&checksum.to_be_bytes());
    header
}

/// No message comes near to what 16 bits can count.
fn sixteen(length: usize) -> [u8; 2] {
    (length as u16).to_be_bytes()
}

#[cfg(test)]
mod tests {
    use super::*;

    const OWN: MacAddr = MacAddr::qemu([0, 0, 7]);

    #[test]
    fn a_request_is_a_datagram_from_port_68_to_port_67() {
        let frame = reboot_request(OWN, Ipv4Addr::new(192, 168, 50, 9));
        assert_eq!(frame[..14], [255, 255, 255, 255, 255, 255, 0x52, 0x54, 0, 0, 0, 7, 8, 0]);
        // The header with its checksum adds up to all ones (RFC 1071).
        let sum: u32 = frame[14..34].chunks(2).map(|pair| u32::from(pair[0]) << 8 | u32::from(pair[1])).sum();
        assert_eq!((sum & 0xffff) + (sum >> 16), 0xffff);
        assert_eq!(usize::from(u16::from_be_bytes([frame[16], frame[17]])), frame.len() - 14);
        assert_eq!(frame[34..38], [0, 68, 0, 67]);
        assert_eq!(option(&frame[42 + OPTIONS..], REQUESTED_ADDRESS), Some(&[192, 168, 50, 9][..]));
        let message = Message::in_frame(&frame).map(|message| (message.kind, message.client));
        assert_eq!(message, Some((Kind::Other, OWN.octets())));
    }

    #[test]
    fn what_is_no_message_is_none() {
        let frame = reboot_request(OWN, Ipv4Addr::new(192, 168, 50, 9));
        for length in 0..frame.len() {
            // Cut anywhere, it is the same message, or none.
            let message = Message::in_frame(&frame[..length]);
            assert!(message.is_none_or(|message| message.client == OWN.octets()), "{length}");
        }
        assert_eq!(Message::in_frame(&[0xff; 400]), None);
    }

    #[test]
    fn answers_are_told_from_each_other() {
        for (code, kind) in [(1, Kind::Discover), (2, Kind::Offer), (5, Kind::Ack), (6, Kind::Nak), (8, Kind::Other)] {
            let mut frame = reboot_request(OWN, Ipv4Addr::UNSPECIFIED);
            frame[42 + OPTIONS + 2] = code;
            frame[42 + GIVEN..42 + GIVEN + 4].copy_from_slice(&[192, 168, 50, 2]);
            let expected = Message { kind, client: OWN.octets(), address: Ipv4Addr::new(192, 168, 50, 2) };
            assert_eq!(Message::in_frame(&frame), Some(expected));
        }
    }
}
