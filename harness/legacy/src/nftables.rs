//! Rules for `nft -f` (nft(8)), as far as labrig has to understand them: tables, chains, and the words of their rules, whether they
//! stand in each other or are added one by one.

use std::{collections::BTreeSet, ops::Range};

use labrig_plan::scenario::At;

use crate::redirect::{Guard, Redirect, ports, subnet};

/// A file as it is written.
#[derive(Debug, Clone, Default)]
pub struct Ruleset {
    /// Its chains in the order of the file.
    pub chains: Vec<Chain>,
    /// Families of its tables.
    pub families: Vec<At<String>>,
    /// Words where nft wants to be told what is made: `table`, `chain`, `rule`.
    pub kinds: Vec<At<String>>,
    /// The variables that are defined.
    pub variables: BTreeSet<String>,
    /// Whether it includes other files.
    pub includes: bool,
    /// The first brace that does not belong to another.
    pub unpaired: Option<At<char>>,
}

/// A chain.
#[derive(Debug, Clone, Default)]
pub struct Chain {
    /// The table that it is in, with its family.
    pub table: String,
    /// Its name.
    pub name: At<String>,
    /// What it is hooked up as, such as `nat`; `None` for one that others jump to.
    pub kind: Option<At<String>>,
    /// Where it is hooked up, such as `prerouting`.
    pub hook: Option<At<String>>,
    /// What stands behind `priority`, and all that there is up to the end of the statement.
    pub priority: Vec<At<String>>,
    /// Its rules.
    pub rules: Vec<Rule>,
}

/// A rule.
#[derive(Debug, Clone, Default)]
pub struct Rule {
    /// Its words; a set in braces is cut into its own.
    pub words: Vec<At<String>>,
}

impl Ruleset {
    /// Reads a file.
    #[must_use]
    pub fn read(text: &str) -> Self {
        let mut reading =
            Reading { ruleset: Self::default(), blocks: Vec::new(), words: Vec::new(), table: String::new() };
        for word in words(text) {
            reading.word(word);
        }
        reading.end();
        let left = reading.blocks.pop().map(|(_, at)| At::new('{', at));
        reading.ruleset.unpaired = reading.ruleset.unpaired.or(left);
        reading.ruleset
    }

    /// The rules that send traffic to a port of the machine.
    pub fn redirects(&self) -> impl Iterator<Item = Redirect> {
        self.chains.iter().flat_map(|chain| &chain.rules).filter_map(Rule::redirect)
    }

    /// The rules that keep clients from ports, before NAT.
    pub fn guards(&self) -> impl Iterator<Item = Guard> {
        let early = self.chains.iter().filter(|chain| chain.kind.as_ref().is_none_or(|kind| kind.as_str() != "nat"));
        early.flat_map(|chain| &chain.rules).filter_map(Rule::guard)
    }
}

impl Rule {
    /// The bytes of the file.
    #[must_use]
    pub fn span(&self) -> Range<usize> {
        let (first, last) = (self.words.first(), self.words.last());
        first.map_or(0, |word| word.span().start)..last.map_or(0, |word| word.span().end)
    }

    /// Its statements of these names, and not values that are called the same: `ct status dnat`, `icmp type redirect`, or what is in a
    /// set or a map.
    pub fn statements<'r>(&'r self, names: &'r [&str]) -> impl Iterator<Item = (usize, &'r At<String>)> {
        let mut depth = 0_u32;
        let mut before = "";
        self.words.iter().enumerate().filter(move |(_, word)| {
            let (word, previous) = (word.as_str(), before);
            before = word;
            match word {
                "{" => depth += 1,
                "}" => depth = depth.saturating_sub(1),
                _ => {}
            }
            let is_value =
                matches!(previous, "status" | "type" | "code" | "&" | "|" | "!" | "==" | "!=" | "," | "comment");
            depth == 0 && !is_value && names.contains(&word)
        })
    }

    /// Whether it has this word.
    #[must_use]
    pub fn has(&self, word: &str) -> bool {
        self.words.iter().any(|own| own.as_str() == word)
    }

    /// The words behind `key`, without braces: one, or a set of them.
    #[must_use]
    pub fn behind(&self, key: &str) -> Vec<&At<String>> {
        let Some(at) = self.words.iter().position(|word| word.as_str() == key) else { return Vec::new() };
        let rest = &self.words[at + 1..];
        match rest.first() {
            Some(brace) if brace.as_str() == "{" => {
                let set = rest[1..].iter().take_while(|word| word.as_str() != "}");
                set.filter(|word| word.as_str() != ",").collect()
            }
            first => first.into_iter().collect(),
        }
    }

    pub(crate) fn redirect(&self) -> Option<Redirect> {
        let (at, _) = self.statements(&["redirect"]).next()?;
        let mut rest = self.words[at + 1..].iter().filter(|word| word.as_str() != "to");
        let to = rest.next()?;
        let digits = to.trim_start_matches(':');
        let to = At::new(digits.parse().ok()?, to.span().end - digits.len()..to.span().end);
        let source = self.behind("saddr").into_iter().find_map(|word| Some(At::new(subnet(word)?, word.span())));
        let meant = self.behind("dport").into_iter().filter_map(|word| Some(At::new(number(word)?, word.span())));
        Some(Redirect { span: self.span(), source, ports: meant.collect(), to })
    }

    fn guard(&self) -> Option<Guard> {
        if !(self.has("drop") || self.has("reject")) {
            return None;
        }
        let words = self.behind("dport").into_iter().chain(self.behind("proto-dst"));
        Some(Guard { ports: words.filter_map(|word| ports(word)).collect() })
    }
}

/// The number of a port, or of a service that everybody has by name.
fn number(word: &str) -> Option<u16> {
    match word {
        "http" => Some(80),
        "https" => Some(443),
        digits => digits.parse().ok(),
    }
}

/// A block that is open.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Block {
    Table,
    Chain,
    /// A set within a rule.
    Set,
    Other,
}

struct Reading {
    ruleset: Ruleset,
    blocks: Vec<(Block, Range<usize>)>,
    words: Vec<At<String>>,
    /// The table whose block was opened last.
    table: String,
}

/// The families that nft knows, of which `ip` is meant where none is named.
const FAMILIES: [&str; 6] = ["ip", "ip6", "inet", "arp", "bridge", "netdev"];
/// What adds something by itself, outside of a block.
const ADDS: [&str; 3] = ["add", "create", "insert"];

impl Reading {
    fn word(&mut self, word: At<String>) {
        let block = self.blocks.last().map(|(block, _)| *block);
        match word.as_str() {
            "{" => {
                let opened = self.opened(block);
                self.blocks.push((opened, word.span()));
                if opened == Block::Set {
                    self.words.push(word);
                }
            }
            "}" if block == Some(Block::Set) => {
                self.blocks.pop();
                self.words.push(word);
            }
            "}" => {
                self.end();
                if self.blocks.pop().is_none() {
                    self.ruleset.unpaired.get_or_insert(At::new('}', word.span()));
                }
            }
            "\n" | ";" if block != Some(Block::Set) => self.end(),
            "\n" => {}
            _ => self.words.push(word),
        }
    }

    /// What a brace behind these words opens.
    fn opened(&mut self, block: Option<Block>) -> Block {
        // `add table` and `add chain` do what `table` and `chain` do.
        let is_command = block.is_none() && self.first().is_some_and(|first| ADDS.contains(&first));
        let words = if is_command { &self.words[1..] } else { &self.words[..] };
        match (block, words.first().map(|word| word.as_str())) {
            (None, Some("table")) => {
                let named = words.len() > 2;
                self.ruleset.families.extend(words.get(1).filter(|_| named).cloned());
                self.table = table(&words[1..]).0;
                self.words.clear();
                Block::Table
            }
            (None, Some("chain")) => {
                let (table, rest) = table(&words[1..]);
                let name = rest.first().cloned().unwrap_or_default();
                self.ruleset.chains.push(Chain { table, name, ..Chain::default() });
                self.words.clear();
                Block::Chain
            }
            (Some(Block::Table), Some("chain")) => {
                let name = words.get(1).cloned().unwrap_or_default();
                self.ruleset.chains.push(Chain { table: self.table.clone(), name, ..Chain::default() });
                self.words.clear();
                Block::Chain
            }
            (None, Some("rule")) | (Some(Block::Chain | Block::Set), Some(_)) => Block::Set,
            _ => {
                let kind = usize::from(is_command);
                // `define ports = { 80, 443 }`.
                match self.first() {
                    Some("define" | "redefine") => {
                        self.ruleset.variables.extend(self.words.get(1).map(|name| name.to_string()));
                    }
                    _ if matches!(block, None | Some(Block::Table)) => {
                        self.ruleset.kinds.extend(self.words.get(kind).cloned());
                    }
                    _ => {}
                }
                self.words.clear();
                Block::Other
            }
        }
    }

    fn first(&self) -> Option<&str> {
        self.words.first().map(|word| word.as_str())
    }

    /// The end of a line, or of a statement.
    fn end(&mut self) {
        if self.blocks.is_empty() {
            self.command();
            return;
        }
        let words = std::mem::take(&mut self.words);
        let in_chain = self.blocks.last().is_some_and(|(block, _)| *block == Block::Chain);
        let Some(chain) = self.ruleset.chains.last_mut().filter(|_| in_chain) else { return };
        let behind = |key: &str| {
            let at = words.iter().position(|word| word.as_str() == key)?;
            words.get(at + 1).cloned()
        };
        match words.first().map(|word| word.as_str()) {
            None | Some("policy" | "comment" | "flags" | "devices") => {}
            Some("type") if behind("hook").is_some() => {
                chain.kind = behind("type");
                chain.hook = behind("hook");
                let priority = words.iter().skip_while(|word| word.as_str() != "priority").skip(1);
                chain.priority = priority.cloned().collect();
            }
            Some(_) => chain.rules.push(Rule { words }),
        }
    }

    /// The end of a command by itself.
    fn command(&mut self) {
        let words = std::mem::take(&mut self.words);
        let mut words = &words[..];
        match words.first().map(|word| word.as_str()) {
            Some("define" | "redefine") => self.ruleset.variables.extend(words.get(1).map(|name| name.to_string())),
            Some("include") => self.ruleset.includes = true,
            Some(first) if ADDS.contains(&first) => self.ruleset.kinds.extend(words.get(1).cloned()),
            _ => {}
        }
        if words.first().is_some_and(|first| ADDS.contains(&first.as_str())) {
            words = &words[1..];
        }
        match words.first().map(|word| word.as_str()) {
            Some("table") if words.len() > 2 => self.ruleset.families.extend(words.get(1).cloned()),
            Some("rule") => {
                let (table, rest) = table(&words[1..]);
                let Some((name, mut rest)) = rest.split_first() else { return };
                // Where it goes.
                if rest.first().is_some_and(|word| matches!(word.as_str(), "handle" | "position" | "index")) {
                    rest = rest.get(2..).unwrap_or_default();
                }
                let chains = &mut self.ruleset.chains;
                let known = chains.iter().rposition(|chain| chain.table == table && *chain.name == **name);
                let at = known.unwrap_or_else(|| {
                    chains.push(Chain { table, name: name.clone(), ..Chain::default() });
                    chains.len() - 1
                });
                chains[at].rules.push(Rule { words: rest.to_vec() });
            }
            _ => {}
        }
    }
}

/// The table that these words name, with its family, and what is behind.
fn table(words: &[At<String>]) -> (String, &[At<String>]) {
    let (family, rest) = match words.split_first() {
        Some((first, rest)) if FAMILIES.contains(&first.as_str()) => (first.as_str(), rest),
        _ => ("ip", words),
    };
    let (name, rest) = rest.split_first().map_or(("", rest), |(name, rest)| (name.as_str(), rest));
    (format!("{family} {name}"), rest)
}

/// Words, braces, commas, semicolons and ends of lines. Comments are passed over, and what is in quotes is one word.
fn words(text: &str) -> Vec<At<String>> {
    let mut words = Vec::new();
    let mut at = 0;
    while let Some(c) = text[at..].chars().next() {
        let rest = &text[at..];
        let length = match c {
            '#' => {
                at += rest.find('\n').unwrap_or(rest.len());
                continue;
            }
            '\\' if rest.starts_with("\\\n") => {
                at += 2;
                continue;
            }
            '\n' | '{' | '}' | ';' | ',' => 1,
            c if c.is_whitespace() => {
                at += c.len_utf8();
                continue;
            }
            '"' => rest[1..].find('"').map_or(rest.len(), |end| end + 2),
            _ => rest
                .find(|c: char| c.is_whitespace() || matches!(c, '{' | '}' | ';' | ',' | '"' | '#'))
                .unwrap_or(rest.len()),
        };
        words.push(At::new(rest[..length].to_owned(), at..at + length));
        at += length;
    }
    words
}
