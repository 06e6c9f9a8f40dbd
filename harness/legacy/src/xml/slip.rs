//! What is wrong with the XML of a file, whatever it is about.

use std::{fmt, ops::Range};

use labrig_plan::finding::Report;

/// Something that no reader of XML lets pass, and where.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Slip {
    /// The bytes of the file.
    pub span: Range<usize>,
    /// What it is.
    pub kind: SlipKind,
}

/// What is wrong.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum SlipKind {
    /// An element without its end.
    NotClosed {
        /// Its name.
        name: String,
        /// Its start tag, where nothing is in it.
        empty: Option<String>,
    },
    /// An end tag without its element.
    ClosesNothing {
        /// What it names.
        name: String,
        /// The element that it was meant to close.
        meant: Option<String>,
    },
    /// An attribute that is not written as `name="value"`.
    Attribute(&'static str),
    /// A `&` that begins nothing.
    Ampersand,
    /// A reference to something that is not there.
    Reference(String),
    /// A second root element.
    SecondRoot(String),
    /// Text that is in no element.
    TextOutside,
    /// More elements within elements than anybody writes.
    TooDeep,
    /// Markup that has no end, in the words of the XML reader.
    Syntax(String),
}

impl Slip {
    /// Notes it.
    pub fn report(&self, report: &mut Report) {
        let draft = report.add(self.span.clone(), self.kind.to_string());
        if let Some(help) = self.kind.help() {
            draft.help(help);
        }
    }
}

impl SlipKind {
    fn help(&self) -> Option<String> {
        Some(match self {
            Self::NotClosed { empty: Some(tag), .. } => {
                let inner = tag.trim_end_matches('>').trim_end();
                format!("write `{inner}/>`: nothing is in it")
            }
            Self::NotClosed { name, .. } => format!("write `</{name}>` behind the last thing that is in it"),
            Self::ClosesNothing { meant: Some(meant), .. } => format!("write `</{meant}>`, which is open here"),
            Self::ClosesNothing { .. } => "take it out, or write its start tag".to_owned(),
            Self::Attribute(_) => "write each attribute once, as in `name=\"value\"`".to_owned(),
            Self::Ampersand => "write `&amp;` for the character itself".to_owned(),
            Self::Reference(_) => {
                "XML knows `&amp;`, `&lt;`, `&gt;`, `&quot;` and `&apos;`; write any other character as itself"
                    .to_owned()
            }
            Self::SecondRoot(_) => "put it into a file of its own".to_owned(),
            Self::TextOutside => "take it out, or put it between `<!--` and `-->`".to_owned(),
            Self::TooDeep | Self::Syntax(_) => return None,
        })
    }
}

impl fmt::Display for SlipKind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::NotClosed { name, .. } => write!(f, "`<{name}>` is not closed"),
            Self::ClosesNothing { name, .. } => write!(f, "`</{name}>` closes nothing that is open"),
            Self::Attribute(what) => f.write_str(what),
            Self::Ampersand => f.write_str("a `&` begins nothing"),
            Self::Reference(raw) => write!(f, "`{raw}` has a reference to nothing"),
            Self::SecondRoot(name) => write!(f, "`<{name}>` is a second root element"),
            Self::TextOutside => f.write_str("this text is in no element"),
            Self::TooDeep => f.write_str("the nesting is too deep to be libvirt's"),
            Self::Syntax(words) => f.write_str(words.strip_prefix("syntax error: ").unwrap_or(words)),
        }
    }
}
