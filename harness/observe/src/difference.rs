//! What two hosts say differently.

use std::{
    collections::{BTreeMap, BTreeSet},
    fmt,
};

use serde::Serialize;

use crate::{backend, observation::Observation, statement::Statement, subject::Subject};

/// What differs at one place, for every subject that it differs for in the same way.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Difference {
    /// The subjects: all of one kind.
    pub subjects: Vec<Subject>,
    /// Where.
    pub place: String,
    /// How.
    pub change: Change,
}

/// How something differs.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum Change {
    /// Only the second host says this.
    Added(String),
    /// Only the first host says this.
    Removed(String),
    /// The first host says the one, the second the other.
    Changed(String, String),
    /// Both say the same, in another order.
    Reordered,
}

impl fmt::Display for Change {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Added(value) => write!(f, "+ {value}"),
            Self::Removed(value) => write!(f, "- {value}"),
            Self::Changed(before, after) => write!(f, "{before} -> {after}"),
            Self::Reordered => f.write_str("in another order"),
        }
    }
}

/// What differs between two hosts, in the order of subjects and of what the first one says. The same difference on
/// several nodes or networks is one.
#[must_use]
pub fn differences(before: &[Observation], after: &[Observation]) -> Vec<Difference> {
    let subjects = |observations: &[Observation]| -> BTreeMap<Subject, Vec<Statement>> {
        observations.iter().map(|seen| (seen.subject.clone(), seen.statements.clone())).collect()
    };
    let (before, after) = (subjects(before), subjects(after));
    let mut all: Vec<Difference> = Vec::new();
    let names: BTreeSet<&Subject> = before.keys().chain(after.keys()).collect();
    for subject in names {
        let none = Vec::new();
        let [one, other] = [&before, &after].map(|side| side.get(subject).unwrap_or(&none));
        let found = match subject {
            Subject::Rules => rule_changes(one, other),
            _ => changes(one, other),
        };
        for (place, change) in found {
            let same = all.iter_mut().find(|other| {
                other.place == place && other.change == change && other.subjects[0].kind() == subject.kind()
            });
            match same {
                Some(other) => other.subjects.push(subject.clone()),
                None => all.push(Difference { subjects: vec![subject.clone()], place, change }),
            }
        }
    }
    all
}

/// The changes of the rules. Where libvirt writes its own by another program, that says it all of those.
fn rule_changes(before: &[Statement], after: &[Statement]) -> Vec<(String, Change)> {
    match [before, after].map(backend::of) {
        [Some(one), Some(other)] if one != other => {
            changes(&backend::without_libvirt(before), &backend::without_libvirt(after))
        }
        _ => changes(before, after),
    }
}

/// The changes of one subject, place by place in the order in which they first occur.
fn changes(before: &[Statement], after: &[Statement]) -> Vec<(String, Change)> {
    let mut places: Vec<&str> = Vec::new();
    let mut values: BTreeMap<&str, [Vec<&str>; 2]> = BTreeMap::new();
    for (side, statements) in [before, after].into_iter().enumerate() {
        for statement in statements {
            let sides = values.entry(&statement.place).or_insert_with(|| {
                places.push(&statement.place);
                Default::default()
            });
            sides[side].push(&statement.value);
        }
    }
    let mut changes = Vec::new();
    for place in places {
        let [before, after] = &values[place];
        let (gone, new) = (without(before, after), without(after, before));
        let mut found: Vec<Change> = match (gone.as_slice(), new.as_slice()) {
            ([], []) if before != after => vec![Change::Reordered],
            ([gone], [new]) => vec![Change::Changed((*gone).to_owned(), (*new).to_owned())],
            _ => {
                let gone = gone.iter().map(|value| Change::Removed((*value).to_owned()));
                gone.chain(new.iter().map(|value| Change::Added((*value).to_owned()))).collect()
            }
        };
        changes.extend(found.drain(..).map(|change| (place.to_owned(), change)));
    }
    changes
}

/// What is in `these` and not in `others`, as often as it is there more often.
fn without<'a>(these: &[&'a str], others: &[&str]) -> Vec<&'a str> {
    let mut others = others.to_vec();
    let is_new = |value: &&str| match others.iter().position(|other| other == value) {
        Some(at) => {
            others.swap_remove(at);
            false
        }
        None => true,
    };
    let mut is_new = is_new;
    these.iter().copied().filter(|value| is_new(value)).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn rules(said: &str) -> Observation {
        Observation::read(Subject::Rules, said)
    }

    fn changed(before: &str, after: &str) -> Vec<(String, Change)> {
        let found = differences(&[rules(before)], &[rules(after)]);
        found.into_iter().map(|difference| (difference.place, difference.change)).collect()
    }

    #[test]
    fn each_kind_of_change_is_told() {
        let at = |place: &str, change| vec![(place.to_owned(), change)];
        assert_eq!(changed("a = 1\na = 2\n", "a = 1\na = 2\n"), []);
        assert_eq!(changed("a = 1\na = 2\n", "a = 2\na = 1\n"), at("a", Change::Reordered));
        assert_eq!(changed("a = 1\n", "a = 2\n"), at("a", Change::Changed("1".into(), "2".into())));
        assert_eq!(changed("a = 1\na = 1\n", "a = 1\n"), at("a", Change::Removed("1".into())));
        assert_eq!(changed("", "b = 3\n"), at("b", Change::Added("3".into())));
    }

    #[test]
    fn the_same_difference_on_several_nodes_is_one() {
        let seen = |name: &str, machine: &str| {
            let said = format!("os/type/@machine = {machine}\n");
            name.parse().map(|node| Observation::read(Subject::Domain(node), &said))
        };
        let both = |machine| -> Vec<_> { ["a", "b"].iter().filter_map(|name| seen(name, machine).ok()).collect() };
        let found = differences(&both("pc-q35-7.2"), &both("pc-q35-10.0"));
        assert_eq!(found.len(), 1);
        assert_eq!(found[0].subjects.len(), 2);
    }
}
