//! What a lab knows of AppArmor's denials beforehand.

use serde::{Deserialize, Serialize};

use crate::date::Date;

/// A denial of AppArmor's that does not fail the lab. It stays denied.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct KnownDenial {
    /// The profile that denies; `*` stands for any text.
    pub profile: String,
    /// The rule that would lift it, without the comma at its end; `*` stands for any text.
    pub rule: String,
    /// Why it does no harm.
    pub reason: String,
    /// The last day on which it is allowed.
    pub expires: Date,
}

impl KnownDenial {
    /// Whether it is about what this profile denies, by the rule that would lift it, with or without the comma at its end.
    #[must_use]
    pub fn covers(&self, profile: &str, rule: &str) -> bool {
        is_like(profile, &self.profile) && is_like(rule.trim_end_matches(','), &self.rule)
    }
}

/// Whether a text is of a pattern in which `*` stands for any text.
fn is_like(text: &str, pattern: &str) -> bool {
    let mut parts = pattern.split('*');
    let Some(mut rest) = parts.next().and_then(|first| text.strip_prefix(first)) else { return false };
    let mut parts: Vec<&str> = parts.collect();
    // What is behind the last one has to be the end; all before it may be taken where they come first.
    let Some(last) = parts.pop() else { return rest.is_empty() };
    for part in parts {
        let Some((_, behind)) = rest.split_once(part) else { return false };
        rest = behind;
    }
    rest.ends_with(last)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_star_stands_for_any_text() {
        for (text, pattern) in [
            ("abc", "abc"),
            ("abc", "*"),
            ("abc", "a*"),
            ("abc", "*c"),
            ("abc", "a*c"),
            ("abc", "a**c"),
            ("abcbc", "a*b*c"),
            ("", "*"),
            ("", ""),
            (r"/a\*b r", r"/a\*b r"),
        ] {
            assert!(is_like(text, pattern), "{text} {pattern}");
        }
        for (text, pattern) in
            [("abc", "ab"), ("abc", "bc"), ("abc", ""), ("ab", "a*b*b"), ("aba", "ab*ba"), ("", "a*")]
        {
            assert!(!is_like(text, pattern), "{text} {pattern}");
        }
    }

    #[test]
    fn a_denial_is_known_by_its_profile_and_its_rule() -> Result<(), crate::date::DateError> {
        let known = KnownDenial {
            profile: "libvirt-*".to_owned(),
            rule: "\"/sys/block/*/queue/zoned\" r".to_owned(),
            reason: "harmless".to_owned(),
            expires: "2027-01-31".parse()?,
        };
        assert!(known.covers("libvirt-5f", "\"/sys/block/vda/queue/zoned\" r,"));
        assert!(!known.covers("libvirtd", "\"/sys/block/vda/queue/zoned\" r,"));
        assert!(!known.covers("libvirt-5f", "\"/sys/block/vda/queue/zoned\" rw,"));
        Ok(())
    }
}
