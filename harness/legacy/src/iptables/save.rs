//! The format of iptables-save(8): tables, their chains, and a rule a line.

use labrig_plan::scenario::At;

use super::{Invocation, Verb};
use crate::shell::Word;

/// Every line of a dump as the call that would make it.
pub(super) fn invocations(text: &str) -> Vec<Invocation> {
    let mut table: Option<At<String>> = None;
    let mut invocations = Vec::new();
    let mut at = 0;
    for line in text.split('\n') {
        let begin = at;
        at += line.len() + 1;
        let words = words(line, begin);
        let Some(first) = words.first() else { continue };
        let text = first.beginning();
        let span = first.span().start..words.last().unwrap_or(first).span().end;
        match text.as_bytes().first() {
            Some(b'#') => {}
            Some(b'*') => table = first.tail(1).at(),
            Some(b':') => {
                let chain = first.tail(1).at();
                let built_in = words.get(1).is_some_and(|policy| policy.beginning() != "-");
                let verb = if built_in { Verb::Policy } else { Verb::New };
                let mut made = Invocation::of_words(false, &[], span);
                made.table.clone_from(&table);
                made.does(verb, chain);
                invocations.push(made);
            }
            _ if text == "COMMIT" => table = None,
            _ => {
                // Counters stand before a rule.
                let counted = usize::from(text.starts_with('['));
                let mut rule = Invocation::of_words(false, &words[counted..], span);
                rule.table.clone_from(&table);
                // `iptables -S` does not say which table it lists.
                rule.open |= table.is_none();
                invocations.push(rule);
            }
        }
    }
    invocations
}

/// The words of a line. Double quotes hold blanks together, and a backslash is for the character behind it.
fn words(line: &str, begin: usize) -> Vec<Word> {
    let mut words = Vec::new();
    let mut word: Option<(usize, String)> = None;
    let (mut quoted, mut escaped) = (false, false);
    for (at, c) in line.char_indices() {
        if !quoted && !escaped && c.is_whitespace() {
            words.extend(word.take().map(|(start, text)| Word::literal(&text, begin + start..begin + at)));
            continue;
        }
        let (_, text) = word.get_or_insert((at, String::new()));
        match c {
            _ if std::mem::take(&mut escaped) => text.push(c),
            '\\' if quoted => escaped = true,
            '"' => quoted = !quoted,
            c => text.push(c),
        }
    }
    words.extend(word.map(|(start, text)| Word::literal(&text, begin + start..begin + line.len())));
    words
}
