//! The catalogue of causes: data, in `harness/diagnose/catalogue`.

use std::{collections::BTreeSet, sync::LazyLock};

use aho_corasick::{AhoCorasick, AhoCorasickKind};
use serde::Deserialize;

use crate::{
    cause::{Cause, Sign},
    message::{Message, MessageError, Pattern, Phrases},
};

/// The files of the shipped catalogue. One for each program or part of a lab that tells of causes.
const FILES: [(&str, &str); 9] = [
    ("kvm.toml", include_str!("../catalogue/kvm.toml")),
    ("qemu.toml", include_str!("../catalogue/qemu.toml")),
    ("libvirt.toml", include_str!("../catalogue/libvirt.toml")),
    ("storage.toml", include_str!("../catalogue/storage.toml")),
    ("network.toml", include_str!("../catalogue/network.toml")),
    ("name.toml", include_str!("../catalogue/name.toml")),
    ("squid.toml", include_str!("../catalogue/squid.toml")),
    ("guest.toml", include_str!("../catalogue/guest.toml")),
    ("ssh.toml", include_str!("../catalogue/ssh.toml")),
];

/// Lines that tell of no cause.
const NOISE: &str = include_str!("../catalogue/noise.toml");
/// The same phrases and messages in other languages.
const TRANSLATIONS: &str = include_str!("../catalogue/translations.toml");

/// The begin of a line that tells of a denial.
const DENIALS: [&str; 2] = ["apparmor=\"DENIED\"", "apparmor=\"KILLED\""];

/// Causes, ready to be looked for.
#[derive(Debug)]
pub struct Catalogue {
    pub(crate) causes: Vec<Cause>,
    pub(crate) signs: Vec<Place>,
    pub(crate) patterns: Vec<(usize, Pattern)>,
    noise: Vec<Pattern>,
    /// What to do where one of the texts is found that are looked for, in their order.
    pub(crate) hits: Vec<Hit>,
    pub(crate) automaton: AhoCorasick,
}

/// Which sign a sign is.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Place {
    pub(crate) cause: usize,
    pub(crate) variant: Option<usize>,
    sign: usize,
}

/// What a text stands for that is looked for.
#[derive(Debug)]
pub(crate) enum Hit {
    /// Messages that have it in them, by their index.
    Patterns(Vec<usize>),
    /// A denial.
    Denial,
}

/// What is wrong with a catalogue.
#[derive(Debug, thiserror::Error)]
pub enum CatalogueError {
    /// A file is no TOML, or has something that no cause has.
    #[error("failed to read {0}: {1}")]
    Format(String, String),
    /// A message cannot be looked for.
    #[error("failed to look for a message of {0}: {1}")]
    Message(String, MessageError),
    /// Two causes of one name.
    #[error("there are two causes `{0}`")]
    Twice(String),
    /// A cause names one that is not there.
    #[error("cause `{0}` names `{1}`, which is none")]
    Unknown(String, String),
    /// Too much is looked for.
    #[error("failed to look for all of it at once: {0}")]
    Size(#[from] Box<aho_corasick::BuildError>),
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct File {
    cause: Vec<Cause>,
}

/// Lines that tell of no cause, and why that is so.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct Noise {
    says: Vec<Message>,
    #[expect(dead_code, reason = "it is for those who read the catalogue")]
    because: String,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct NoiseFile {
    noise: Vec<Noise>,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct Translations {
    phrases: Phrases,
    message: Vec<Translated>,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct Translated {
    says: Message,
    or: Vec<Message>,
}

impl Catalogue {
    /// The catalogue that labrig has.
    ///
    /// # Panics
    ///
    /// Never: it is part of the program, and a test makes it.
    #[expect(clippy::expect_used, reason = "the texts are part of the program, and a test reads them")]
    pub fn shipped() -> &'static Self {
        static SHIPPED: LazyLock<Catalogue> =
            LazyLock::new(|| Catalogue::new(&FILES, NOISE, TRANSLATIONS).expect("the shipped catalogue is one"));
        &SHIPPED
    }

    /// Reads a catalogue: files by their names, the file of lines that tell of no cause, and that of translations.
    ///
    /// # Errors
    ///
    /// Whatever is wrong with it.
    pub fn new(files: &[(&str, &str)], noise: &str, translations: &str) -> Result<Self, CatalogueError> {
        let format = |file: &str, why: toml::de::Error| CatalogueError::Format(file.to_owned(), why.to_string());
        let translations: Translations =
            toml::from_str(translations).map_err(|why| format("translations.toml", why))?;
        let noise: NoiseFile = toml::from_str(noise).map_err(|why| format("noise.toml", why))?;
        let mut causes: Vec<Cause> = Vec::new();
        for (name, text) in files {
            let file: File = toml::from_str(text).map_err(|why| format(name, why))?;
            causes.extend(file.cause);
        }
        check_names(&causes)?;
        let mut signs = Vec::new();
        let mut patterns = Vec::new();
        for (index, cause) in causes.iter().enumerate() {
            let own = (0..cause.signs.len()).map(|sign| Place { cause: index, variant: None, sign });
            let narrower = cause.variants.iter().enumerate().flat_map(|(variant, narrower)| {
                (0..narrower.signs.len()).map(move |sign| Place { cause: index, variant: Some(variant), sign })
            });
            for place in own.chain(narrower) {
                for message in messages(place.of(&causes), &translations.message) {
                    let all = Pattern::all(message, &translations.phrases)
                        .map_err(|why| CatalogueError::Message(cause.id.clone(), why))?;
                    patterns.extend(all.into_iter().map(|pattern| (signs.len(), pattern)));
                }
                signs.push(place);
            }
        }
        let mut harmless = Vec::new();
        for message in noise.noise.iter().flat_map(|noise| &noise.says) {
            let all = Pattern::all(&message.0, &translations.phrases);
            harmless.extend(all.map_err(|why| CatalogueError::Message("noise.toml".to_owned(), why))?);
        }
        let (hits, automaton) = look_for(&patterns)?;
        Ok(Self { causes, signs, patterns, noise: harmless, hits, automaton })
    }

    /// Its causes.
    #[must_use]
    pub fn causes(&self) -> &[Cause] {
        &self.causes
    }

    /// The cause of this name.
    #[must_use]
    pub fn cause(&self, id: &str) -> Option<&Cause> {
        self.causes.iter().find(|cause| cause.id == id)
    }

    /// Whether a line tells of no cause, whatever it says.
    pub(crate) fn is_noise(&self, line: &str) -> bool {
        self.noise.iter().any(|pattern| pattern.regex().is_some_and(|regex| regex.is_match(line)))
    }

    /// A sign by its index.
    pub(crate) fn sign(&self, index: usize) -> &Sign {
        self.signs[index].of(&self.causes)
    }
}

impl Place {
    fn of(self, causes: &[Cause]) -> &Sign {
        let cause = &causes[self.cause];
        match self.variant {
            Some(variant) => &cause.variants[variant].signs[self.sign],
            None => &cause.signs[self.sign],
        }
    }
}

/// The messages of a sign, in all languages.
fn messages<'m>(sign: &'m Sign, translations: &'m [Translated]) -> impl Iterator<Item = &'m str> {
    sign.says.iter().flat_map(|message| {
        let others = translations.iter().filter(move |translated| translated.says == *message);
        std::iter::once(message).chain(others.flat_map(|translated| &translated.or)).map(|message| message.0.as_str())
    })
}

/// Every cause has a name of its own, and names only others that there are.
fn check_names(causes: &[Cause]) -> Result<(), CatalogueError> {
    let mut names = BTreeSet::new();
    for cause in causes {
        if !names.insert(&cause.id) {
            return Err(CatalogueError::Twice(cause.id.clone()));
        }
    }
    for cause in causes {
        let named = cause.explains.iter().chain(cause.not.iter().map(|other| &other.id));
        if let Some(unknown) = named.into_iter().find(|id| !names.contains(id)) {
            return Err(CatalogueError::Unknown(cause.id.clone(), unknown.clone()));
        }
    }
    Ok(())
}

/// Looks for all messages at once, by the longest text in each.
fn look_for(patterns: &[(usize, Pattern)]) -> Result<(Vec<Hit>, AhoCorasick), CatalogueError> {
    let mut texts: Vec<String> = Vec::new();
    let mut hits = Vec::new();
    for (index, (_, pattern)) in patterns.iter().enumerate() {
        let text = pattern.literal.to_ascii_lowercase();
        match texts.iter().position(|other| *other == text) {
            Some(at) => match &mut hits[at] {
                Hit::Patterns(patterns) => patterns.push(index),
                Hit::Denial => {}
            },
            None => {
                texts.push(text);
                hits.push(Hit::Patterns(vec![index]));
            }
        }
    }
    for denial in DENIALS {
        texts.push(denial.to_owned());
        hits.push(Hit::Denial);
    }
    let automaton = AhoCorasick::builder()
        .ascii_case_insensitive(true)
        .kind(Some(AhoCorasickKind::DFA))
        .build(&texts)
        .map_err(Box::new)?;
    Ok((hits, automaton))
}
