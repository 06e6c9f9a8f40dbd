//! What was found in all logs, weighed together.

use std::collections::{BTreeMap, BTreeSet};

use labrig_observe::apparmor::Denial;

use crate::{
    catalogue::Catalogue,
    cause::{Cause, Denied, Sign, Variant},
    diagnosis::{Certainty, Diagnosis, Possibility},
    evidence::Evidence,
    examination::Examination,
    question::Question,
    remedy,
};

/// From how much on a cause is named.
const NAMED: i32 = 60;
/// From how much on it is certain.
const CERTAIN: i32 = 90;
/// How many lines a diagnosis shows.
const SHOWN: usize = 5;
/// The variant of a cause that may be any of its variants.
const UNKNOWN: &str = "unknown";

/// The causes that were found: those that no other one explains first, and of them the most certain, of the earliest stage.
pub(crate) fn weigh(catalogue: &Catalogue, examination: &Examination<'_>) -> Vec<Diagnosis> {
    let weighed = weighed(catalogue, examination);
    let mut named: Vec<_> = explained(&weighed).collect();
    named.sort_by_key(|(one, from)| (from.is_some(), std::cmp::Reverse(one.certainty()), one.cause.stage, one.order()));
    named.into_iter().map(|(one, from)| one.diagnosis(from)).collect()
}

/// What those that no other one explains leave open.
pub(crate) fn questions(catalogue: &Catalogue, examination: &Examination<'_>) -> BTreeSet<Question> {
    let weighed = weighed(catalogue, examination);
    explained(&weighed).filter(|(_, from)| from.is_none()).flat_map(|(one, _)| one.questions()).collect()
}

fn weighed<'e>(catalogue: &'e Catalogue, examination: &'e Examination<'_>) -> Vec<Weighed<'e>> {
    (0..catalogue.causes.len()).filter_map(|index| Weighed::new(catalogue, examination, index)).collect()
}

/// Each with the one that it follows from, if it does.
fn explained<'w, 'e>(weighed: &'w [Weighed<'e>]) -> impl Iterator<Item = (&'w Weighed<'e>, Option<&'w Weighed<'e>>)> {
    weighed.iter().map(|one| {
        let explains = |other: &&Weighed<'_>| other.cause.explains.contains(&one.cause.id);
        (one, weighed.iter().find(explains))
    })
}

/// A cause that shows.
struct Weighed<'e> {
    cause: &'e Cause,
    weight: i32,
    /// The lines that tell of it, with how much each tells.
    evidence: Vec<(i32, &'e Evidence)>,
    variant: Option<(&'e Variant, Vec<&'e Evidence>)>,
    /// The variants that something tells against, with the lines that do.
    ruled_out: BTreeMap<usize, Vec<&'e Evidence>>,
}

impl<'e> Weighed<'e> {
    /// Weighs one; `None` where too little tells of it.
    fn new(catalogue: &'e Catalogue, examination: &'e Examination<'_>, index: usize) -> Option<Self> {
        let cause = &catalogue.causes[index];
        let mut weight = 0;
        let mut evidence = Vec::new();
        let mut narrower: BTreeMap<usize, Vec<(&Sign, Vec<&Evidence>)>> = BTreeMap::new();
        for (at, place) in catalogue.signs.iter().enumerate().filter(|(_, place)| place.cause == index) {
            let sign = catalogue.sign(at);
            let found = lines(sign, &examination.found[at], &examination.denials);
            if found.is_empty() {
                continue;
            }
            match place.variant {
                Some(variant) => narrower.entry(variant).or_default().push((sign, found)),
                None => {
                    weight += sign.weight;
                    if sign.weight > 0 {
                        evidence.extend(found.into_iter().map(|line| (sign.weight, line)));
                    }
                }
            }
        }
        if weight < NAMED {
            return None;
        }
        evidence.sort_by_key(|(weight, line)| (std::cmp::Reverse(*weight), line.order));
        let narrower: Vec<_> = narrower
            .into_iter()
            .map(|(variant, signs)| {
                let fitting: Vec<_> = signs
                    .iter()
                    .filter_map(|(sign, found)| Some((sign.weight, fit(sign, found, &evidence)?)))
                    .collect();
                let weight: i32 = fitting.iter().map(|(weight, _)| weight).sum();
                (weight, variant, fitting.into_iter().flat_map(|(_, lines)| lines).collect::<Vec<_>>())
            })
            .collect();
        let against = narrower.iter().filter(|(weight, ..)| *weight < 0);
        let ruled_out = against.map(|(_, variant, lines)| (*variant, lines.clone())).collect();
        let shown = narrower.into_iter().filter(|(weight, ..)| *weight >= NAMED);
        let variant = shown.min_by_key(|(weight, variant, _)| (std::cmp::Reverse(*weight), *variant));
        let variant = variant.map(|(_, variant, lines)| (&cause.variants[variant], lines));
        Some(Self { cause, weight, evidence, variant, ruled_out })
    }

    /// What the machine would have to be asked.
    fn questions(&self) -> Vec<Question> {
        let told = self.told();
        let asks = self.variant.as_ref().map_or(&self.cause.ask, |(variant, _)| &variant.ask);
        asks.iter().filter_map(|ask| ask.of(|key| told.get(key).cloned())).collect()
    }

    fn certainty(&self) -> Certainty {
        if self.weight >= CERTAIN { Certainty::Certain } else { Certainty::Likely }
    }

    /// Where it shows first.
    fn order(&self) -> u64 {
        self.evidence.iter().map(|(_, line)| line.order).min().unwrap_or(u64::MAX)
    }

    /// What all its lines tell, the narrowest and most telling first.
    fn told(&self) -> BTreeMap<String, String> {
        let narrower = self.variant.iter().flat_map(|(_, lines)| lines.iter().copied());
        let mut told = BTreeMap::new();
        for line in narrower.chain(self.evidence.iter().map(|(_, line)| *line)) {
            for (key, value) in &line.told {
                told.entry(key.clone()).or_insert_with(|| value.clone());
            }
        }
        told
    }

    /// A few lines, each kind of message once before any twice.
    fn lines(&self) -> Vec<Evidence> {
        let narrower: Vec<_> = match &self.variant {
            Some((_, lines)) => lines.clone(),
            // What it is not tells something as well.
            None => self.ruled_out.values().flatten().copied().collect(),
        };
        let (mut shown, mut seen) = (Vec::new(), BTreeSet::new());
        for line in self
            .evidence
            .iter()
            .map(|(_, line)| *line)
            .take(1)
            .chain(narrower)
            .chain(self.evidence.iter().map(|(_, line)| *line))
        {
            if shown.len() < SHOWN && seen.insert((&line.log, line.line)) {
                shown.push(line.clone());
            }
        }
        shown
    }

    fn diagnosis(&self, from: Option<&Self>) -> Diagnosis {
        let cause = self.cause;
        let told = self.told();
        let commands = |texts: &[String]| texts.iter().map(|text| remedy::command(text, &told)).collect::<Vec<_>>();
        let variant = self.variant.as_ref().map(|(variant, _)| *variant);
        let own = variant.filter(|variant| !variant.fix.is_empty()).map_or(&cause.fix, |variant| &variant.fix);
        let possible = match variant {
            Some(_) => Vec::new(),
            None => cause
                .variants
                .iter()
                .enumerate()
                .filter(|(index, variant)| !variant.refines && !self.ruled_out.contains_key(index))
                .map(|(_, variant)| Possibility {
                    variant: variant.id.clone(),
                    cause: remedy::prose(&variant.cause, &told),
                    look: commands(&variant.look),
                    fix: commands(&variant.fix),
                })
                .collect(),
        };
        let unknown = cause.variants.iter().any(|variant| !variant.refines).then(|| UNKNOWN.to_owned());
        let sources = cause.sources.iter().chain(variant.iter().flat_map(|variant| &variant.sources));
        Diagnosis {
            id: cause.id.clone(),
            variant: variant.map(|variant| variant.id.clone()).or(unknown),
            stage: cause.stage,
            certainty: self.certainty(),
            summary: remedy::prose(&cause.summary, &told),
            cause: remedy::prose(variant.map_or(&cause.cause, |variant| &variant.cause), &told),
            evidence: self.lines(),
            fix: commands(own),
            look: commands(&cause.look),
            possible,
            not: cause.not.clone(),
            sources: sources.cloned().collect(),
            follows_from: from.map(|from| from.cause.id.clone()),
        }
    }
}

/// The lines that are a sign.
fn lines<'e>(sign: &Sign, found: &'e [Evidence], denials: &'e [(Denial, Evidence)]) -> Vec<&'e Evidence> {
    let denied = denials.iter().filter(|(denial, _)| sign.denied.as_ref().is_some_and(|denied| is_of(denial, denied)));
    let all: Vec<_> = found.iter().chain(denied.map(|(_, line)| line)).collect();
    if all.len() < sign.times { Vec::new() } else { all }
}

/// Whether a denial is one of those that a sign asks for.
fn is_of(denial: &Denial, denied: &Denied) -> bool {
    let path = denial.object().unwrap_or_default();
    let has = |parts: &[String]| parts.iter().any(|part| path.contains(part.as_str()));
    let profile =
        denied.profile.is_empty() || denied.profile.iter().any(|begin| denial.profile().starts_with(begin.as_str()));
    let operation = denied.operation.is_empty() || denied.operation.contains(&denial.operation());
    let outside = denied.path_without.iter().any(|begin| path.starts_with(begin.as_str()));
    profile && operation && (denied.path.is_empty() || has(&denied.path)) && !outside
}

/// The lines of a variant's sign that fit the cause's own, where they have to have something in common.
fn fit<'e>(sign: &Sign, found: &[&'e Evidence], own: &[(i32, &Evidence)]) -> Option<Vec<&'e Evidence>> {
    let Some(key) = &sign.same else { return Some(found.to_vec()) };
    let told: BTreeSet<&str> = own.iter().filter_map(|(_, line)| line.told.get(key)).map(String::as_str).collect();
    if told.is_empty() {
        return Some(found.to_vec());
    }
    let fitting: Vec<_> = found
        .iter()
        .filter(|line| line.told.get(key).is_some_and(|value| told.contains(value.as_str())))
        .copied()
        .collect();
    (!fitting.is_empty()).then_some(fitting)
}
