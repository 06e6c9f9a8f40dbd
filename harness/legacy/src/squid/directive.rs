//! The names of squid's directives.

use std::sync::LazyLock;

/// All that squid 3.1 to 7 know, obsolete ones among them (`src/cf.data.pre` of squid).
static DIRECTIVES: LazyLock<Vec<&str>> = LazyLock::new(|| {
    let mut directives: Vec<_> = include_str!("directives.txt").split_whitespace().collect();
    directives.sort_unstable();
    directives
});

/// Words at the beginning of a line that are conditions (squid.conf's own documentation, "Conditional configuration").
const CONDITIONS: &[&str] = &["if", "else", "endif"];

/// The names of all directives, sorted.
#[must_use]
pub fn directives() -> &'static [&'static str] {
    &DIRECTIVES
}

/// The directive of that name.
#[must_use]
pub fn directive(word: &str) -> Option<&'static str> {
    DIRECTIVES.binary_search(&word).ok().map(|at| DIRECTIVES[at])
}

/// Whether a line may begin with this word.
#[must_use]
pub fn is_directive(word: &str) -> bool {
    directive(word).is_some() || CONDITIONS.contains(&word)
}
