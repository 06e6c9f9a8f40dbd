//! Configuration of one statement a line, with `#` in front of a comment: what squid, nftables, iptables, `ip -batch`,
//! dnsmasq and a shell all read.

use std::fmt::Display;

use super::visible::visible;

/// Lines that are being written. One call is one line, whatever the text.
#[derive(Default)]
pub(super) struct Lines {
    text: String,
    depth: usize,
}

impl Lines {
    /// A comment that says why the lines after it are there.
    pub(super) fn comment(&mut self, why: impl Display) -> &mut Self {
        self.line(format_args!("# {why}"))
    }

    /// A statement.
    pub(super) fn line(&mut self, statement: impl Display) -> &mut Self {
        self.text.extend(std::iter::repeat_n('\t', self.depth));
        self.text.push_str(&visible(&statement.to_string(), char::is_control));
        self.text.push('\n');
        self
    }

    /// An empty line.
    pub(super) fn gap(&mut self) -> &mut Self {
        self.text.push('\n');
        self
    }

    /// A statement with a block of others in braces.
    pub(super) fn block(&mut self, statement: impl Display, content: impl FnOnce(&mut Self)) -> &mut Self {
        self.line(format_args!("{statement} {{"));
        self.depth += 1;
        content(self);
        self.depth -= 1;
        self.line("}")
    }

    /// The whole text.
    pub(super) fn finish(self) -> String {
        self.text
    }
}

/// The values with `separator` between them.
pub(super) fn joined<T: Display>(values: impl IntoIterator<Item = T>, separator: &str) -> String {
    values.into_iter().map(|value| value.to_string()).collect::<Vec<_>>().join(separator)
}
