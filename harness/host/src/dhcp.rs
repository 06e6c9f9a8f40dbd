//! DHCP as it is heard on a bridge: who asked for an address, and what was answered.
//!
//! A DHCP server's log tells what the server heard. What got lost before it, by the rules of the host for one, is heard
//! here only.

mod message;

use std::{
    collections::BTreeMap,
    fs::File,
    io::{self, Read},
    net::Ipv4Addr,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
    thread,
    time::Instant,
};

use labrig_plan::{address::MacAddr, name::BridgeName};

pub(crate) use message::reboot_request;
use message::{Kind, Message};

use crate::packet;

/// The ports of server and client (RFC 2131, section 4.1).
const PORTS: [u16; 2] = [67, 68];

/// The longest frame that is heard, in bytes: clients and servers that agree on nothing else stay within 576 (RFC 2131,
/// section 2), and no bridge of a lab takes more than this.
const LONGEST: usize = 2048;

/// Everything that is heard. All clones hear the same.
#[derive(Debug, Clone, Default)]
pub struct Ear(Arc<Mutex<Heard>>);

#[derive(Debug, Default)]
struct Heard {
    /// By the clients' MACs.
    talks: BTreeMap<[u8; 6], Talk>,
    deaf: Option<String>,
}

/// What was heard between one client and the servers.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Talk {
    /// How often the client looked for a server.
    pub discovers: u32,
    /// How often it did since it last had an answer.
    pub unanswered: u32,
    /// When it began to look without having an answer.
    pub since: Option<Instant>,
    /// The address that it was offered last.
    pub offered: Option<Ipv4Addr>,
    /// The address that it was given.
    pub given: Option<Ipv4Addr>,
    /// Whether it was refused the address that it asked for.
    pub refused: bool,
}

impl Ear {
    /// Listens at a bridge from now on, for as long as the bridge is there. Where that cannot be, [`Self::deaf`] says why.
    pub fn listen(&self, bridge: &BridgeName) {
        let heard = packet::open(bridge.as_str(), Some(PORTS)).and_then(|frames| {
            let this = self.clone();
            thread::Builder::new().name(format!("DHCP on {bridge}")).spawn(move || this.hear(frames)).map(drop)
        });
        if let Err(error) = heard {
            self.lock().deaf = Some(format!("{bridge}: {error}"));
        }
    }

    /// Why something goes unheard, if it does.
    #[must_use]
    pub fn deaf(&self) -> Option<String> {
        self.lock().deaf.clone()
    }

    /// What was heard of a client.
    #[must_use]
    pub fn talk(&self, client: MacAddr) -> Talk {
        self.lock().talks.get(&client.octets()).cloned().unwrap_or_default()
    }

    /// Ends when the bridge does.
    fn hear(&self, mut frames: File) {
        let mut frame = [0; LONGEST];
        loop {
            match frames.read(&mut frame) {
                Ok(length) => {
                    if let Some(message) = Message::in_frame(&frame[..length]) {
                        self.lock().talks.entry(message.client).or_default().hear(&message);
                    }
                }
                Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
                Err(_) => return,
            }
        }
    }

    fn lock(&self) -> MutexGuard<'_, Heard> {
        // One entry is written at a time, and the others are whole.
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Talk {
    fn hear(&mut self, message: &Message) {
        match message.kind {
            Kind::Discover => {
                self.discovers = self.discovers.saturating_add(1);
                self.unanswered = self.unanswered.saturating_add(1);
                self.since.get_or_insert_with(Instant::now);
                return;
            }
            Kind::Offer => self.offered = Some(message.address),
            Kind::Ack => {
                self.given = Some(message.address);
                self.refused = false;
            }
            Kind::Nak => self.refused = true,
            Kind::Other => return,
        }
        self.unanswered = 0;
        self.since = None;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_client_is_unanswered_until_it_is_answered() {
        let said = |kind| Message { kind, client: [0; 6], address: Ipv4Addr::new(192, 168, 50, 2) };
        let mut talk = Talk::default();
        for _ in 0..3 {
            talk.hear(&said(Kind::Discover));
        }
        assert!(talk.since.is_some());
        assert_eq!((talk.discovers, talk.unanswered, talk.offered), (3, 3, None));
        talk.hear(&said(Kind::Offer));
        talk.hear(&said(Kind::Nak));
        assert_eq!((talk.unanswered, talk.since, talk.refused, talk.given), (0, None, true, None));
        talk.hear(&said(Kind::Discover));
        talk.hear(&said(Kind::Ack));
        let own = Some(Ipv4Addr::new(192, 168, 50, 2));
        let expected = Talk { discovers: 4, offered: own, given: own, ..Talk::default() };
        assert_eq!(talk, expected);
    }
}
