//! Rules and commands that no part of a scenario stands for.

use super::{Import, note::Part, proxy::shown};
use crate::{file::Document, iptables::Verb};

/// Commands that only talk, or that only the shell knows.
const IDLE: &[&str] = &[
    "echo", "printf", "set", "cd", "exit", "sleep", "true", "false", "test", "[", "[[", "export", "read", "shift",
    "source", ".", "return", "local", "declare", "trap", "for", "case", "wait", "break", "continue", "unset",
    "readonly", "select", "let", "command", "type", "which",
];

/// Commands of virsh for what labrig does by itself.
const OWN: &[&str] = &["net-define", "net-start", "net-autostart", "net-list", "list", "start", "define", "autostart"];

/// Notes all of them.
pub(super) fn others(import: &mut Import<'_>) {
    let files = import.lab.files;
    for (file, content) in files.iter().enumerate() {
        let text = &content.text;
        match &content.document {
            Document::Script(script, rules, _) => {
                rules_of(import, file, text, rules);
                for command in &script.commands {
                    let Some((program, arguments)) = command.program() else { continue };
                    let virsh = program == "virsh"
                        && arguments.iter().any(|word| word.text().is_some_and(|word| OWN.contains(&word)));
                    let known = matches!(program, "iptables" | "ip6tables" | "virt-install") || IDLE.contains(&program);
                    if !known && !virsh {
                        let what = format!("`{}`", shown(&text[command.span.clone()]));
                        import.left_out(
                            import.part_of(file, command.span.start),
                            (file, command.span.start),
                            &what,
                            "no command is run",
                        );
                    }
                }
            }
            Document::IptablesSave(rules) => rules_of(import, file, text, rules),
            Document::Nftables(ruleset) => {
                for rule in ruleset.chains.iter().flat_map(|chain| &chain.rules) {
                    let span = rule.span();
                    let guards = rule.has("drop") || rule.has("return");
                    if rule.redirect().is_none() && !guards {
                        let what = format!("`{}`", shown(&text[span.clone()]));
                        import.left_out(Part::Proxy, (file, span.start), &what, "labrig's own rules stand instead");
                    }
                }
            }
            _ => {}
        }
    }
}

fn rules_of(import: &mut Import<'_>, file: usize, text: &str, rules: &crate::iptables::Rules) {
    for rule in rules.invocations.iter().filter(|rule| matches!(rule.verb, Verb::Add | Verb::Policy)) {
        let early = matches!(rule.table_name(), "raw" | "mangle");
        let guards = early && rule.target().is_some_and(|target| matches!(target.as_str(), "DROP" | "REJECT"));
        // libvirt translates addresses, too.
        let translates = rule.target().is_some_and(|target| target.as_str() == "MASQUERADE");
        let accepts = rule.verb == Verb::Policy && rule.options.is_empty();
        if !(rule.redirect().is_some() || guards || translates || accepts) {
            let what = format!("`{}`", shown(&text[rule.span.clone()]));
            import.left_out(Part::Proxy, (file, rule.span.start), &what, "labrig's own rules stand instead");
        }
    }
}
