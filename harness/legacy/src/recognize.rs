//! What kind of file a text is: by what is in it, and only then by its name.

use std::fmt;

use crate::squid;

/// A kind of file that labs are made of by hand.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Kind {
    /// A network of libvirt's, in XML.
    Network,
    /// A domain of libvirt's, in XML.
    Domain,
    /// A squid.conf.
    Squid,
    /// A shell script with calls of iptables or virt-install.
    Script,
    /// What iptables-save prints.
    IptablesSave,
    /// Rules for nft.
    Nftables,
    /// Answers for debian-installer.
    Preseed,
}

/// Lines from the beginning of a file that are looked at.
const LOOKED_AT: usize = 4000;

/// Ends of names, and the kind that files with such a name are where nothing in them tells.
const NAMES: &[(&str, Kind)] = &[
    ("squid.conf", Kind::Squid),
    ("preseed.cfg", Kind::Preseed),
    (".preseed", Kind::Preseed),
    (".nft", Kind::Nftables),
    ("nftables.conf", Kind::Nftables),
    (".sh", Kind::Script),
    ("rules.v4", Kind::IptablesSave),
    ("rules.v6", Kind::IptablesSave),
];

/// Ends of names of texts for people, who are shown commands that others run.
const PROSE: &[&str] = &[".md", ".markdown", ".rst", ".adoc", ".html"];

/// Programs by which a script is one of a lab.
const PROGRAMS: &[&str] = &["iptables", "ip6tables", "virt-install", "virsh"];

/// Types that a line of a preseed has as its third word.
const PRESEED_TYPES: &[&str] = &["string", "boolean", "select", "multiselect", "password", "note", "text", "seen"];

impl Kind {
    /// All of them.
    pub const ALL: [Self; 7] =
        [Self::Network, Self::Domain, Self::Squid, Self::Script, Self::IptablesSave, Self::Nftables, Self::Preseed];

    /// The kind of a file; `None` where neither its content nor its name tells.
    #[must_use]
    pub fn of(name: &str, text: &str) -> Option<Self> {
        // What others are told about files of a lab is none.
        if PROSE.iter().any(|end| name.ends_with(end)) {
            return None;
        }
        Self::by_content(text).or_else(|| Self::by_name(name))
    }

    fn by_name(name: &str) -> Option<Self> {
        NAMES.iter().find(|(end, _)| name.ends_with(end)).map(|(_, kind)| *kind)
    }

    fn by_content(text: &str) -> Option<Self> {
        let lines = text.lines().take(LOOKED_AT).map(str::trim).filter(|line| !line.is_empty());
        let first = lines.clone().next()?;
        if first.starts_with('<') {
            return by_root(text);
        }
        if let Some(interpreter) = first.strip_prefix("#!") {
            return Some(if interpreter.contains("nft") { Self::Nftables } else { Self::Script })
                .filter(|_| ["sh", "bash", "dash", "ksh", "nft"].iter().any(|name| is_word_in(interpreter, name)));
        }
        let statements = lines.filter(|line| !line.starts_with('#'));
        let statement = statements.clone().next()?;
        if statement.strip_prefix('*').is_some_and(|table| table.bytes().all(|byte| byte.is_ascii_lowercase()))
            && statement.len() > 1
        {
            return Some(Self::IptablesSave);
        }
        // What `iptables -S` lists is a dump of one table, without its name.
        if statements.clone().all(|line| ["-P ", "-N ", "-A "].iter().any(|verb| line.starts_with(verb))) {
            return Some(Self::IptablesSave);
        }
        let [mut rules, mut answers, mut directives, mut commands, mut all] = [0_usize; 5];
        let mut goes_on = false;
        for line in statements {
            if std::mem::replace(&mut goes_on, line.ends_with('\\')) {
                continue;
            }
            let mut words = line.split_whitespace();
            let (first, second, third) = (words.next().unwrap_or_default(), words.next(), words.next());
            all += 1;
            rules += usize::from(is_nft(first, second, line));
            answers += usize::from(
                second.is_some_and(|question| question.contains('/'))
                    // The type may stand on the next line; but many commands go on behind a path, too.
                    && third.is_some_and(|kind| PRESEED_TYPES.contains(&kind) || (kind == "\\" && first == "d-i")),
            );
            directives += usize::from(squid::is_directive(first));
            let program = first.rsplit('/').next().unwrap_or_default();
            let program = if program == "sudo" { second.unwrap_or_default() } else { program };
            commands += usize::from(PROGRAMS.contains(&program));
        }
        match () {
            () if rules > 0 => Some(Self::Nftables),
            () if answers > 0 && answers >= directives => Some(Self::Preseed),
            // Some of squid's words are anybody's, but not on half of all lines.
            () if directives * 2 > all => Some(Self::Squid),
            () if commands > 0 => Some(Self::Script),
            () => None,
        }
    }
}

/// Documents that are read of one file: more are in none.
const MOST_DOCUMENTS: usize = 64;

/// The documents of libvirt's that a text has, one behind the other; none where it begins with none.
pub(crate) fn documents(text: &str) -> Vec<std::ops::Range<usize>> {
    let mut documents = Vec::new();
    let mut start = 0;
    let mut kind = by_root(text);
    while let Some(close) = kind.map(|kind| if kind == Kind::Network { "</network>" } else { "</domain>" }) {
        kind = None;
        let rest = &text[start..];
        let ends = rest.match_indices(close).map(|(at, _)| start + at + close.len());
        // What is behind the end of a root is another one, or nothing that matters here.
        let next = ends.take(MOST_DOCUMENTS).find_map(|end| Some((end, by_root(&text[end..])?)));
        let end = next.map_or(text.len(), |(end, _)| end);
        documents.push(start..end);
        if let Some((end, other)) = next.filter(|_| documents.len() < MOST_DOCUMENTS) {
            start = end;
            kind = Some(other);
        }
    }
    documents
}

/// The kind that the root element is, behind declarations and comments.
fn by_root(text: &str) -> Option<Kind> {
    let mut rest = text.trim_start();
    loop {
        let end = match rest {
            _ if rest.starts_with("<!--") => "-->",
            _ if rest.starts_with("<?") => "?>",
            // Declarations in it, between brackets, have angle brackets of their own.
            _ if rest.starts_with("<!") && has_subset(rest) => {
                rest = rest[rest.find(']')? + 1..].trim_start();
                ">"
            }
            _ if rest.starts_with("<!") => ">",
            _ => break,
        };
        rest = rest[rest.find(end)? + end.len()..].trim_start();
    }
    let name = rest.strip_prefix('<')?;
    let name = &name[..name.find(|c: char| c.is_whitespace() || matches!(c, '>' | '/')).unwrap_or(name.len())];
    match name {
        "network" => Some(Kind::Network),
        "domain" => Some(Kind::Domain),
        _ => None,
    }
}

/// Whether a DOCTYPE declares things itself.
fn has_subset(declaration: &str) -> bool {
    declaration.find('[').is_some_and(|bracket| declaration.find('>').is_some_and(|end| bracket < end))
}

fn is_nft(first: &str, second: Option<&str>, line: &str) -> bool {
    const FAMILIES: [&str; 6] = ["inet", "ip", "ip6", "arp", "bridge", "netdev"];
    match first {
        "table" => second.is_some_and(|family| FAMILIES.contains(&family)) || line.ends_with('{'),
        "flush" => second == Some("ruleset"),
        "add" | "create" | "insert" => {
            matches!(second, Some("table" | "chain" | "rule" | "set" | "map" | "element" | "flowtable"))
        }
        _ => false,
    }
}

fn is_word_in(text: &str, word: &str) -> bool {
    text.split(|c: char| c.is_whitespace() || c == '/').any(|part| part == word)
}

impl fmt::Display for Kind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Network => "network XML of libvirt's",
            Self::Domain => "domain XML of libvirt's",
            Self::Squid => "a squid.conf",
            Self::Script => "a shell script with iptables or virt-install",
            Self::IptablesSave => "a dump of iptables-save",
            Self::Nftables => "rules for nft",
            Self::Preseed => "a preseed",
        })
    }
}
