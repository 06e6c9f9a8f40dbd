//! iptables: its commands in a script, and what `iptables-save` prints.

use std::{collections::BTreeSet, ops::Range, sync::LazyLock};

use labrig_plan::scenario::At;

use crate::shell::{Command, Script, Word};

mod save;
mod traffic;

/// The rules of a file, in its order.
#[derive(Debug, Clone, Default)]
pub struct Rules {
    /// Each call of iptables, or line of a dump.
    pub invocations: Vec<Invocation>,
    /// The chains that are made; none where any may be.
    made: Option<BTreeSet<String>>,
}

/// One call of iptables.
#[derive(Debug, Clone)]
pub struct Invocation {
    /// Whether it is ip6tables.
    pub v6: bool,
    /// The table that is named, if any is; otherwise it is `filter`.
    pub table: Option<At<String>>,
    /// What is done.
    pub verb: Verb,
    /// The chain that it is done to, where it is known.
    pub chain: Option<At<String>>,
    /// What a policy is set to.
    pub policy: Option<At<String>>,
    /// Matches and target, in order.
    pub options: Vec<Opt>,
    /// Whether there may be more to it than can be known from the file.
    pub open: bool,
    /// The bytes of the file.
    pub span: Range<usize>,
}

/// What is done to a chain.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Verb {
    /// A rule is added, at either end.
    Add,
    /// A rule is looked for, or taken away.
    Look,
    /// The chain is made.
    New,
    /// What becomes of what no rule takes.
    Policy,
    /// Anything else.
    Other,
}

/// An option with what belongs to it.
#[derive(Debug, Clone)]
pub struct Opt {
    /// As it is written, with its hyphens.
    pub name: At<String>,
    /// Whether it is turned round by a `!`.
    pub negated: bool,
    /// The words behind it.
    pub values: Vec<Word>,
}

/// Options of one letter that say what is done, and those that take a value; the long names of all of them.
const SHORT: &[(&str, &str)] = &[
    ("-A", "--append"),
    ("-I", "--insert"),
    ("-D", "--delete"),
    ("-R", "--replace"),
    ("-C", "--check"),
    ("-N", "--new-chain"),
    ("-P", "--policy"),
    ("-t", "--table"),
    ("-p", "--protocol"),
    ("-s", "--source"),
    ("-d", "--destination"),
    ("-i", "--in-interface"),
    ("-o", "--out-interface"),
    ("-j", "--jump"),
    ("-g", "--goto"),
    ("-m", "--match"),
];

/// Other names of the same options.
const ALIASES: &[(&str, &str)] = &[
    ("--new", "--new-chain"),
    ("--proto", "--protocol"),
    ("--src", "--source"),
    ("--dst", "--destination"),
    ("--dport", "--destination-port"),
    ("--sport", "--source-port"),
    ("--dports", "--destination-ports"),
    ("--sports", "--source-ports"),
    // iptables takes any beginning of an option that is of no other.
    ("--to-port", "--to-ports"),
];

/// All long options that iptables and its extensions have (iptables(8) and iptables-extensions(8) of 1.8.9).
static KNOWN: LazyLock<Vec<&str>> = LazyLock::new(|| include_str!("iptables/options.txt").split_whitespace().collect());

/// Options whose value may look like another option.
const FREE_TEXT: &[&str] = &["--comment", "--log-prefix", "--string", "--hex-string", "--nflog-prefix"];

impl Rules {
    /// The calls of iptables in a script.
    #[must_use]
    pub fn of_script(script: &Script) -> Self {
        Self::of(script.commands.iter().filter_map(Invocation::of_command).collect())
    }

    /// What `iptables-save` prints.
    #[must_use]
    pub fn read(text: &str) -> Self {
        Self::of(save::invocations(text))
    }

    fn of(invocations: Vec<Invocation>) -> Self {
        let made = invocations.iter().filter(|invocation| invocation.verb == Verb::New);
        let made = made.map(|invocation| invocation.chain.as_ref().map(|chain| chain.to_string())).collect();
        Self { invocations, made }
    }

    /// Whether a chain of that name is made here.
    #[must_use]
    pub fn makes(&self, chain: &str) -> bool {
        self.made.as_ref().is_none_or(|made| made.contains(chain))
    }
}

impl Invocation {
    fn of_command(command: &Command) -> Option<Self> {
        let (program, arguments) = command.program()?;
        let v6 = match program {
            "iptables" | "iptables-nft" | "iptables-legacy" => false,
            "ip6tables" | "ip6tables-nft" | "ip6tables-legacy" => true,
            _ => return None,
        };
        Some(Self::of_words(v6, arguments, command.span.clone()))
    }

    fn of_words(v6: bool, words: &[Word], span: Range<usize>) -> Self {
        let open = words.iter().any(|word| word.may_be_several());
        let mut this =
            Self { v6, table: None, verb: Verb::Other, chain: None, policy: None, options: Vec::new(), open, span };
        for option in options(words) {
            let first = option.values.first().and_then(Word::at);
            match option.long() {
                "--table" => this.table = first,
                "--append" | "--insert" => this.does(Verb::Add, first),
                "--delete" | "--replace" | "--check" => this.does(Verb::Look, first),
                "--new-chain" => this.does(Verb::New, first),
                "--policy" => {
                    this.policy = option.values.get(1).and_then(Word::at);
                    this.does(Verb::Policy, first);
                }
                _ => this.options.push(option),
            }
        }
        this
    }

    fn does(&mut self, verb: Verb, chain: Option<At<String>>) {
        self.verb = verb;
        self.chain = chain;
    }

    /// The name of its table, `filter` where it names none.
    #[must_use]
    pub fn table_name(&self) -> &str {
        self.table.as_ref().map_or("filter", |table| table.as_str())
    }

    /// The option with that long name.
    #[must_use]
    pub fn option(&self, long: &str) -> Option<&Opt> {
        self.options.iter().find(|option| option.long() == long)
    }

    /// The first value of it, where that is known.
    #[must_use]
    pub fn value(&self, long: &str) -> Option<At<String>> {
        self.option(long)?.values.first()?.at()
    }

    /// Where a packet goes that it matches.
    #[must_use]
    pub fn target(&self) -> Option<At<String>> {
        self.value("--jump")
    }
}

/// The names of all long options.
#[must_use]
pub fn known_options() -> &'static [&'static str] {
    &KNOWN
}

impl Opt {
    /// Its long name, as it is written where it is no known one.
    #[must_use]
    pub fn long(&self) -> &str {
        let known = SHORT.iter().chain(ALIASES).find(|(name, _)| *name == self.name.as_str());
        known.map_or(self.name.as_str(), |(_, long)| long)
    }
}

/// Options with their values: all words up to the next option are.
fn options(words: &[Word]) -> Vec<Opt> {
    let mut options: Vec<Opt> = Vec::new();
    let mut negated = false;
    for word in words {
        let text = word.beginning();
        let wants_anything =
            options.last().is_some_and(|option| option.values.is_empty() && FREE_TEXT.contains(&option.name.as_str()));
        if text == "!" {
            negated = true;
        } else if text.starts_with('-') && text.len() > 1 && !wants_anything {
            let (name, value) = cut(word);
            let name = At::new(name.beginning().to_owned(), name.span());
            options.push(Opt { name, negated: std::mem::take(&mut negated), values: value.into_iter().collect() });
        } else if let Some(option) = options.last_mut() {
            // The old way to turn an option round: `-s ! 10.0.0.1`.
            option.negated |= std::mem::take(&mut negated);
            option.values.push(word.clone());
        }
    }
    options
}

/// Cuts `--dport=80` and `-ptcp` in two.
fn cut(word: &Word) -> (Word, Option<Word>) {
    let text = word.beginning();
    let at = match text.strip_prefix("--") {
        Some(long) => long.find('=').map(|at| (at + 2, at + 3)),
        None => (text.is_char_boundary(2) && text.len() > 2 && SHORT.iter().any(|(short, _)| *short == &text[..2]))
            .then_some((2, 2)),
    };
    match at {
        Some((name, value)) => {
            let span = word.span();
            (Word::literal(&text[..name], span.start..(span.start + name).min(span.end)), Some(word.tail(value)))
        }
        None => (Word::literal(text, word.span()), None),
    }
}
