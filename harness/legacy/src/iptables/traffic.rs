//! What rules of iptables do to web traffic.

use labrig_plan::scenario::At;

use super::{Invocation, Rules, Verb};
use crate::{
    redirect::{Guard, Redirect, ports, subnet},
    shell::Word,
};

impl Rules {
    /// The rules that send traffic to a port of the machine.
    pub fn redirects(&self) -> impl Iterator<Item = Redirect> {
        self.invocations.iter().filter_map(Invocation::redirect)
    }

    /// The rules that keep clients from ports.
    pub fn guards(&self) -> impl Iterator<Item = Guard> {
        self.invocations.iter().filter_map(Invocation::guard)
    }
}

impl Invocation {
    pub(crate) fn redirect(&self) -> Option<Redirect> {
        // What the machine sends itself is no client's.
        let is_own = self.chain.as_ref().is_some_and(|chain| chain.as_str() == "OUTPUT");
        if self.verb != Verb::Add || self.v6 || is_own || self.target()?.as_str() != "REDIRECT" {
            return None;
        }
        let to = self.value("--to-ports")?;
        let to = At::new(to.parse().ok()?, to.span());
        let source = self.option("--source").filter(|source| !source.negated);
        let source = source.and_then(|source| {
            let word = source.values.first()?.at()?;
            Some(At::new(subnet(&word)?, word.span()))
        });
        Some(Redirect { span: self.span.clone(), source, ports: self.meant_for(), to })
    }

    /// A rule that drops before NAT, while a packet still has the port that its sender meant; or, behind it, one that
    /// looks at what the packet was before.
    fn guard(&self) -> Option<Guard> {
        let drops = matches!(self.target()?.as_str(), "DROP" | "REJECT");
        let early = matches!(self.table_name(), "raw" | "mangle");
        let looks_back = self.options.iter().any(|option| matches!(option.long(), "--ctstate" | "--ctorigdstport"));
        if self.verb != Verb::Add || !drops || !(early || looks_back) {
            return None;
        }
        let texts = ["--destination-port", "--destination-ports", "--ctorigdstport"];
        let words = texts.iter().filter_map(|name| self.option(name)?.values.first()).flat_map(Word::split_commas);
        // What is not known may be any port.
        let read = |word: Word| word.text().map_or(Some(0..=u16::MAX), ports);
        Some(Guard { ports: words.filter_map(read).collect() })
    }

    fn meant_for(&self) -> Vec<At<u16>> {
        let options = ["--destination-port", "--destination-ports"];
        let words = options.iter().filter_map(|name| self.option(name).filter(|it| !it.negated)?.values.first());
        let pieces = words.flat_map(Word::split_commas);
        pieces.filter_map(|word| Some(At::new(word.text()?.parse().ok()?, word.span()))).collect()
    }
}
