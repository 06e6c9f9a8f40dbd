//! One thing that a host says.

use std::fmt;

/// What stands between a place and its value in a file.
const IS: &str = " = ";

/// A value at a place. Several statements may share a place; then their order counts.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct Statement {
    /// Where it is said, such as `os/type/@machine` or `ip filter FORWARD`. Never contains ` = `.
    pub place: String,
    /// What is said there.
    pub value: String,
}

impl Statement {
    /// Puts what runs of the same host differ in out of both.
    pub(crate) fn new(place: impl Into<String>, value: impl Into<String>) -> Self {
        Self { place: place.into().replace(IS, "="), value: steady(&value.into()) }
    }

    /// Reads what [`fmt::Display`] wrote.
    pub(crate) fn parse(line: &str) -> Option<Self> {
        let (place, value) = line.split_once(IS).or_else(|| Some((line.strip_suffix(IS.trim_end())?, "")))?;
        Some(Self { place: place.to_owned(), value: value.to_owned() })
    }
}

impl fmt::Display for Statement {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}{IS}{}", self.place, self.value)
    }
}

/// A value without the number that libvirt gives to each start of a domain, which its folders carry
/// (`domain-3-stack01`), and on one line.
fn steady(value: &str) -> String {
    let mut rest = value;
    let mut steady = String::with_capacity(value.len());
    while let Some((before, after)) = rest.split_once("/domain-") {
        let behind = after.trim_start_matches(|c: char| c.is_ascii_digit());
        let is_number = behind.len() < after.len() && behind.starts_with('-');
        steady += before;
        steady += if is_number { "/domain-N" } else { "/domain-" };
        rest = if is_number { behind } else { after };
    }
    steady += rest;
    steady.lines().map(str::trim).collect::<Vec<_>>().join(" ").trim().to_owned()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_number_of_a_start_is_left_out() {
        let said = Statement::new("file", "/var/lib/libvirt/qemu/domain-3-stack01/master-key.aes");
        assert_eq!(said.to_string(), "file = /var/lib/libvirt/qemu/domain-N-stack01/master-key.aes");
        for same in ["/x/domain-a-b", "/domain-", "/domain-12", "domain-3-a"] {
            assert_eq!(Statement::new("p", same).value, same);
        }
    }

    #[test]
    fn what_is_written_is_read() {
        for (place, value) in [("a", "b = c"), ("a", ""), ("a/b", "two\nlines"), ("a = b", "c")] {
            let said = Statement::new(place, value);
            assert_eq!(Statement::parse(said.to_string().trim_end()), Some(said));
        }
    }
}
