//! A file of a lab that was made by hand.

use crate::{
    iptables::Rules,
    libvirt_domain::Domain,
    libvirt_network::Network,
    nftables::Ruleset,
    preseed::Preseed,
    recognize::{self, Kind},
    shell::Script,
    squid::Configuration,
    virt_install::Install,
};

/// The longest file that is read, in bytes: a dump of some 10,000 rules.
const LONGEST: usize = 1 << 20;

/// A file that was read.
#[derive(Debug, Clone)]
pub struct File {
    /// Its name, as it was given.
    pub name: String,
    /// Its text. Every place points into it.
    pub text: String,
    /// What is in it.
    pub document: Document,
    /// The first byte of each line.
    lines: Vec<usize>,
}

/// What is in a file.
#[derive(Debug, Clone)]
pub enum Document {
    /// A network of libvirt's.
    Network(Network),
    /// A domain of libvirt's.
    Domain(Domain),
    /// A squid.conf.
    Squid(Configuration),
    /// A shell script: its commands, and what those of iptables and virt-install say.
    Script(Script, Rules, Vec<Install>),
    /// What iptables-save prints.
    IptablesSave(Rules),
    /// Rules for nft.
    Nftables(Ruleset),
    /// Answers for debian-installer.
    Preseed(Preseed),
}

/// Why a file is of no use.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{name}: {kind}")]
pub struct Unreadable {
    /// The file's name, as it was given.
    pub name: String,
    /// What it is.
    pub kind: UnreadableKind,
}

/// What is wrong with a file as a whole.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum UnreadableKind {
    /// It is longer than any such file.
    #[error("it has more than {LONGEST} bytes, which no file of a lab has")]
    TooLong,
    /// It is UTF-16, which none of the programs reads.
    #[error("it is UTF-16")]
    Utf16,
    /// It is no text.
    #[error("it is no text: byte {0} is 0")]
    Binary(usize),
    /// It is no file of a lab, or one of another kind.
    #[error("neither what is in it nor its name tells what it is")]
    UnknownKind,
}

impl UnreadableKind {
    /// What to do about it.
    #[must_use]
    pub fn help(self) -> String {
        match self {
            Self::TooLong | Self::Binary(_) => "is this the right file?".to_owned(),
            Self::Utf16 => "save it as UTF-8: the programs that it is for read nothing else".to_owned(),
            Self::UnknownKind => format!("there is: {}", Kind::ALL.map(|kind| kind.to_string()).join(", ")),
        }
    }
}

impl File {
    /// Reads a file that may have several documents of libvirt's, one behind the other, as `virsh dumpxml` of several
    /// domains makes them. Each is a file of its own, with ends of lines in the place of those before it: lines are those of the
    /// whole.
    ///
    /// # Errors
    ///
    /// Why it is of no use, where it is none of the kinds that are known.
    pub fn read_all(name: &str, bytes: &[u8]) -> Result<Vec<Self>, Unreadable> {
        let whole = Self::read(name, bytes)?;
        let documents = recognize::documents(&whole.text);
        if documents.len() < 2 {
            return Ok(vec![whole]);
        }
        let alone = |document: std::ops::Range<usize>| {
            let before = &whole.text[..document.start];
            let (lines, column) =
                before.rsplit_once('\n').map_or((0, before), |(rest, own)| (rest.matches('\n').count() + 1, own));
            let text = "\n".repeat(lines) + &" ".repeat(column.len()) + &whole.text[document];
            Self::read(name, text.as_bytes())
        };
        documents.into_iter().map(alone).collect()
    }

    /// Reads a file of any kind. Bytes that are no UTF-8 become U+FFFD: comments have them, and no program minds.
    ///
    /// # Errors
    ///
    /// Why it is of no use, where it is none of the kinds that are known.
    pub fn read(name: &str, bytes: &[u8]) -> Result<Self, Unreadable> {
        let unreadable = |kind| Unreadable { name: name.to_owned(), kind };
        if bytes.len() > LONGEST {
            return Err(unreadable(UnreadableKind::TooLong));
        }
        if bytes.starts_with(&[0xff, 0xfe]) || bytes.starts_with(&[0xfe, 0xff]) {
            return Err(unreadable(UnreadableKind::Utf16));
        }
        if let Some(at) = bytes.iter().position(|byte| *byte == 0) {
            return Err(unreadable(UnreadableKind::Binary(at)));
        }
        let text = String::from_utf8_lossy(bytes);
        let text = text.strip_prefix('\u{feff}').unwrap_or(&text).to_owned();
        let kind = Kind::of(name, &text).ok_or_else(|| unreadable(UnreadableKind::UnknownKind))?;
        let lines = std::iter::once(0).chain(text.match_indices('\n').map(|(at, _)| at + 1)).collect();
        Ok(Self { name: name.to_owned(), document: Document::read(kind, &text), text, lines })
    }

    /// The line that a byte is on, counted from 1.
    #[must_use]
    pub fn line(&self, at: usize) -> usize {
        self.lines.partition_point(|first| *first <= at)
    }
}

impl Document {
    fn read(kind: Kind, text: &str) -> Self {
        match kind {
            Kind::Network => Self::Network(Network::read(text)),
            Kind::Domain => Self::Domain(Domain::read(text)),
            Kind::Squid => Self::Squid(Configuration::read(text)),
            Kind::Script => {
                let script = Script::read(text);
                let (rules, installs) = (Rules::of_script(&script), Install::all(&script));
                Self::Script(script, rules, installs)
            }
            Kind::IptablesSave => Self::IptablesSave(Rules::read(text)),
            Kind::Nftables => Self::Nftables(Ruleset::read(text)),
            Kind::Preseed => Self::Preseed(Preseed::read(text)),
        }
    }
}
