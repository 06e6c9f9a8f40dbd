//! What a host says of one thing.

use std::fmt;

use crate::{command_line, profile, rules, settings, statement::Statement, subject::Subject, xml};

/// What a host says of one thing, without what differs between two runs on the same host.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Observation {
    /// What it is about.
    pub subject: Subject,
    /// What is said, in the order in which the host says it.
    pub statements: Vec<Statement>,
}

impl Observation {
    /// Takes the statements out of what a host said, in the format of its [`Subject`]. Text that is not in that format
    /// becomes one statement a line.
    #[must_use]
    pub fn new(subject: Subject, said: &str) -> Self {
        let statements = match &subject {
            Subject::Network(_) | Subject::Domain(_) => xml::statements(said),
            Subject::Dnsmasq(_) | Subject::Versions | Subject::Denials => settings::statements(said),
            Subject::Rules => rules::statements(said),
            Subject::CommandLine(_) => command_line::statements(said),
            Subject::Profile(_) | Subject::Confinement(_) => profile::statements(said),
        };
        Self { subject, statements }
    }

    /// Reads an observation that was written, a statement a line. A line that is none is passed over.
    #[must_use]
    pub fn read(subject: Subject, text: &str) -> Self {
        Self { subject, statements: text.lines().filter_map(Statement::parse).collect() }
    }
}

impl fmt::Display for Observation {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.statements.iter().try_for_each(|statement| writeln!(f, "{statement}"))
    }
}
