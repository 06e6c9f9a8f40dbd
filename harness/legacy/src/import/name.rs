//! Names that labrig takes, made of names that others took.

use std::str::FromStr;

/// Names that a node cannot have, because checks use them as words.
const WORDS: &[&str] = &["all", "upstream"];

/// The nearest name to `text` that is none of `taken`; `otherwise` where nothing of it can be kept.
pub(super) fn fit<N: FromStr>(text: &str, longest: usize, otherwise: &str, taken: impl Fn(&N) -> bool) -> Option<N> {
    let mut fitted = String::new();
    for c in text.to_ascii_lowercase().chars() {
        let c = if c.is_ascii_alphanumeric() { c } else { '-' };
        if !(c == '-' && (fitted.is_empty() || fitted.ends_with('-'))) {
            fitted.push(c);
        }
    }
    // Room for a number.
    fitted.truncate(longest.saturating_sub(4));
    let fitted = fitted.trim_end_matches('-');
    let fitted = if fitted.is_empty() { otherwise } else { fitted };
    let first = (!WORDS.contains(&fitted)).then(|| fitted.to_owned());
    let numbered = (2..1000).map(|number| format!("{fitted}-{number}"));
    first.into_iter().chain(numbered).filter_map(|name| name.parse().ok()).find(|name| !taken(name))
}
