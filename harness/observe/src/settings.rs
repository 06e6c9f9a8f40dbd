//! Settings, one a line: dnsmasq's (dnsmasq(8)), versions.

use crate::statement::Statement;

/// A statement for each setting; comments are left out. One without a value is said to be there.
pub(crate) fn statements(said: &str) -> Vec<Statement> {
    let lines = said.lines().map(str::trim).filter(|line| !line.is_empty() && !line.starts_with('#'));
    lines
        .map(|line| {
            let (key, value) = line.split_once('=').unwrap_or((line, "yes"));
            Statement::new(key.trim(), value.trim())
        })
        .collect()
}
