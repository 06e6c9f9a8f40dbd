//! Texts of the catalogue, with what the messages tell filled in.

use std::collections::BTreeMap;

use labrig_plan::shell;

/// A text for a person: `{path}` is what was told, `{path|its socket}` something else where nothing was.
pub(crate) fn prose(text: &str, told: &BTreeMap<String, String>) -> String {
    fill(text, |name, otherwise| told.get(name).cloned().unwrap_or_else(|| otherwise.unwrap_or(name).to_owned()))
}

/// A command: the same, and what was told is one word of the shell, whatever is in it. What was not told is in capital letters.
pub(crate) fn command(text: &str, told: &BTreeMap<String, String>) -> String {
    fill(text, |name, otherwise| match (told.get(name), otherwise) {
        (Some(value), _) => shell::word(value),
        (None, Some(otherwise)) => otherwise.to_owned(),
        (None, None) => name.to_uppercase(),
    })
}

fn fill(text: &str, value: impl Fn(&str, Option<&str>) -> String) -> String {
    let mut filled = String::with_capacity(text.len());
    let mut rest = text;
    while let Some((before, place)) = rest.split_once('{') {
        filled.push_str(before);
        let is_name = |name: &str| !name.is_empty() && name.bytes().all(|byte| byte.is_ascii_lowercase());
        let found = place.split_once('}').and_then(|(inner, behind)| {
            let (name, otherwise) = inner.split_once('|').map_or((inner, None), |(name, text)| (name, Some(text)));
            is_name(name).then(|| (value(name, otherwise), behind))
        });
        match found {
            Some((value, behind)) => {
                filled.push_str(&value);
                rest = behind;
            }
            None => {
                filled.push('{');
                rest = place;
            }
        }
    }
    filled + rest
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_was_told_is_filled_in() {
        let told = BTreeMap::from([("path".to_owned(), "/a b'; rm".to_owned())]);
        assert_eq!(prose("{path} of {name|a domain}, {user}", &told), "/a b'; rm of a domain, user");
        assert_eq!(command("namei -l {path} {name} {user|me}", &told), r"namei -l '/a b'\''; rm' NAME me");
        assert_eq!(command("awk '{print $1}' {", &told), "awk '{print $1}' {");
    }
}
