//! Rules for the answers of an installer: the places for values in them, and what its format asks of any text.

use std::ops::Range;

use crate::{
    check::{Context, netboot::first_network},
    finding::did_you_mean,
    lab::AnswerFormat,
    name::{NetworkName, NodeName},
    scenario::{self, Answers, At, NetworkMode, within},
    template::{Placeholder, Template, TemplateErrorKind},
};

/// The types of questions that a preseed may answer (cdebconf's doc/modules.txt and debconf-devel(7)), and `seen`, which
/// says that a question was asked already.
const TYPES: [&str; 11] =
    ["string", "boolean", "select", "multiselect", "password", "text", "note", "title", "error", "entropy", "seen"];

/// What begins with `%` in a kickstart and has no end (pykickstart's parser).
const NO_SECTIONS: [&str; 4] = ["%end", "%include", "%ksappend", "%%"];

/// A text of a scenario, and pieces of it.
struct Text<'s> {
    text: &'s At<String>,
    /// The bytes of the file that it stands in, with its quotes.
    literal: String,
}

/// The answers of a node, read. Where a finding is reported, they are as good as any.
pub(super) fn answers(
    context: &mut Context<'_>,
    name: &At<NodeName>,
    node: &scenario::Node,
    answers: &Answers,
) -> (AnswerFormat, Template) {
    let (format, text) = match answers {
        Answers::Preseed(text) => (AnswerFormat::Preseed, text),
        Answers::Kickstart(text) => (AnswerFormat::Kickstart, text),
        Answers::Autoinstall(text) => (AnswerFormat::Autoinstall, text),
    };
    let text = Text { text, literal: context.report.text(text.span()).to_owned() };
    text.is_carried(context, format);
    for (span, placeholder) in Template::places(text.text) {
        text.has_value(context, name, node, span, placeholder);
    }
    match format {
        AnswerFormat::Preseed => text.is_preseed(context),
        AnswerFormat::Kickstart => text.is_kickstart(context),
        AnswerFormat::Autoinstall => {
            text.is_autoinstall(context);
            text.has_quotes(context);
        }
    }
    let template = Template::parse(text.text).unwrap_or_else(|errors| {
        for error in errors {
            let words = Placeholder::ALL.map(Placeholder::word);
            let known = || format!("there are: {}", words.map(|word| format!("`{word}`")).join(", "));
            let help = match &error.kind {
                TemplateErrorKind::Unknown(word) => did_you_mean(word, words).unwrap_or_else(known),
                TemplateErrorKind::Unclosed => "write `{{ \"{{\" }}` for the two braces themselves".to_owned(),
            };
            context.report.add(text.place(error.span), error.kind.to_string()).help(help);
        }
        Template::default()
    });
    (format, template)
}

impl Text<'_> {
    /// The bytes of the file that a piece stands in.
    fn place(&self, inside: Range<usize>) -> Range<usize> {
        let start = self.text.span().start;
        let found = within(&self.literal, self.text, inside);
        start + found.start..start + found.end
    }

    /// The lines, each with the bytes that it has.
    fn lines(&self) -> impl Iterator<Item = (Range<usize>, &str)> {
        let mut next = 0;
        self.text.split('\n').map(move |line| {
            let begin = next;
            next += line.len() + 1;
            (begin..begin + line.len(), line)
        })
    }

    /// Lines end where the scenario shows it: nothing else is a line break to any reader of these formats, one of which
    /// is told by the depth of its lines apart.
    fn is_carried(&self, context: &mut Context<'_>, format: AnswerFormat) {
        if self.text.trim().is_empty() {
            context
                .report
                .add(self.text.span(), format!("this {format} answers nothing"))
                .help("write what the installer is to know, or it will ask");
        }
        let is_strange = |c: char| {
            (c.is_control() && !matches!(c, '\n' | '\t'))
                || matches!(c, '\u{2028}' | '\u{2029}' | '\u{feff}' | '\u{fffe}' | '\u{ffff}')
        };
        if let Some((at, c)) = self.text.char_indices().find(|(_, c)| is_strange(*c)) {
            context
                .report
                .add(
                    self.place(at..at + c.len_utf8()),
                    format!("this {format} has the character U+{:04X}", u32::from(c)),
                )
                .help("an installer may take it for the end of a line; take it out");
        }
    }

    /// Whether the lab has the value that a place is for.
    fn has_value(
        &self,
        context: &mut Context<'_>,
        name: &At<NodeName>,
        node: &scenario::Node,
        span: Range<usize>,
        placeholder: Placeholder,
    ) {
        let (problem, help) = match placeholder {
            Placeholder::Domain if first_network(context, node).is_some_and(|network| network.domain.is_none()) => (
                format!("the first network of node `{name}` has no `domain`"),
                "give the network one: `domain = \"example.lab\"`",
            ),
            Placeholder::Proxy if !is_proxied(context, node) => (
                format!("there is no proxy on the first network of node `{name}`"),
                "add a `[proxy]` that serves the network",
            ),
            _ => return,
        };
        context.report.add(self.place(span), problem).help(help);
    }

    /// A line that a preseed's reader would pass over, without a word to anybody (debconf-set-selections(1)).
    fn is_preseed(&self, context: &mut Context<'_>) {
        let mut goes_on = false;
        for (span, line) in self.lines() {
            let (words, backslash) = line.strip_suffix('\\').map_or((line, false), |line| (line, true));
            let is_first = !std::mem::replace(&mut goes_on, backslash);
            if !is_first || line.trim().is_empty() || line.trim_start().starts_with('#') {
                continue;
            }
            let mut words = words.split_whitespace();
            let (Some(_), Some(question), Some(kind)) = (words.next(), words.next(), words.next()) else {
                // The rest of it may be in the next line.
                if !backslash {
                    context
                        .report
                        .add(self.place(span), "this line is no answer of a preseed")
                        .help("write `OWNER QUESTION TYPE VALUE`, as in `d-i netcfg/get_hostname string {{ name }}`");
                }
                continue;
            };
            if !TYPES.contains(&kind) {
                // A word of the line: both begin in one allocation.
                let at = span.start + (kind.as_ptr().addr() - line.as_ptr().addr());
                let help = did_you_mean(kind, TYPES).unwrap_or_else(|| {
                    format!("`{question}` may be a {}", TYPES.map(|kind| format!("`{kind}`")).join(", "))
                });
                context
                    .report
                    .add(self.place(at..at + kind.len()), format!("`{kind}` is no type of a question"))
                    .help(help);
            }
        }
    }

    /// A section that does not end, for which Anaconda gives up.
    fn is_kickstart(&self, context: &mut Context<'_>) {
        let mut open: Option<(Range<usize>, String)> = None;
        let unclosed = |context: &mut Context<'_>, (span, section): (Range<usize>, String)| {
            context
                .report
                .add(self.place(span), format!("section `{section}` has no `%end`"))
                .help("write `%end` in a line of its own behind it");
        };
        for (span, line) in self.lines().filter(|(_, line)| line.starts_with('%')) {
            let word = line.split_whitespace().next().unwrap_or_default();
            if word == "%end" {
                open = None;
            } else if !NO_SECTIONS.contains(&word) {
                let section = (span.start..span.start + word.len(), word.to_owned());
                if let Some(before) = open.replace(section) {
                    unclosed(context, before);
                }
            }
        }
        if let Some(last) = open {
            unclosed(context, last);
        }
    }

    /// A value that is all of a scalar is read as what it looks like: a MAC as a number to the base of 60, `no` as false
    /// (YAML 1.1).
    fn has_quotes(&self, context: &mut Context<'_>) {
        for (span, placeholder) in Template::places(self.text) {
            let (before, after) = (&self.text[..span.start], &self.text[span.end..]);
            let before = before.rsplit('\n').next().unwrap_or_default().trim_end_matches(['{', ' ']);
            let after = after.trim_start_matches([' ', '}']);
            let is_alone =
                before.ends_with([':', '-', '[', ',']) && (after.is_empty() || after.starts_with(['\n', ',', ']']));
            if is_alone && matches!(placeholder, Placeholder::Name | Placeholder::Mac) {
                let word = placeholder.word();
                context
                    .report
                    .add(self.place(span), format!("YAML may take this `{word}` for something else than a text"))
                    .help(format!("write it in quotes: `\"{{{{ {word} }}}}\"`"));
            }
        }
    }

    /// What stands around an autoinstall is written by labrig; what it has to begin with is not.
    fn is_autoinstall(&self, context: &mut Context<'_>) {
        let mut has_version = false;
        for (span, line) in self.lines() {
            let bare = line.split(" #").next().unwrap_or_default().trim_end();
            has_version |= bare == "version: 1";
            if matches!(bare, "#cloud-config" | "autoinstall:") {
                context
                    .report
                    .add(self.place(span.clone()), format!("`{bare}` stands around an autoinstall"))
                    .help("labrig writes it; begin with `version: 1`, without an indent");
            }
            let indent = line.len() - line.trim_start_matches([' ', '\t']).len();
            if let Some(tab) = line[..indent].find('\t') {
                let at = span.start + tab;
                context
                    .report
                    .add(self.place(at..at + 1), "YAML has no tabs before a line's first word")
                    .help("write spaces");
            }
        }
        if !has_version && !self.text.trim().is_empty() {
            context
                .report
                .add(self.text.span(), "this autoinstall has no `version`")
                .help("begin with the line `version: 1`");
        }
    }
}

/// Whether the proxy serves a node's first network.
fn is_proxied(context: &Context<'_>, node: &scenario::Node) -> bool {
    let Some(proxy) = &context.scenario.proxy else { return context.lost.within(&["proxy"]) };
    let Some(network) = first_network(context, node) else { return true };
    let serves = |name: &NetworkName| match &proxy.networks {
        Some(networks) => networks.iter().any(|served| **served == *name),
        None => network.mode == NetworkMode::Nat,
    };
    match node.nic.first() {
        Some(nic) => serves(&nic.network),
        None => context.scenario.network.keys().next().is_none_or(|name| serves(name)),
    }
}
