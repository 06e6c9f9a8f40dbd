//! Reading the logs of a lab.

use std::{
    borrow::Cow,
    collections::{BTreeMap, BTreeSet},
    io::{self, Read},
};

use labrig_observe::apparmor::{Denial, is_domain_profile};

use crate::{
    catalogue::{Catalogue, Hit},
    diagnosis::Diagnosis,
    encoding::{Encoding, TELLING},
    evidence::Evidence,
    log::Log,
    page::Page,
    question::Question,
    weighing,
};

/// How long a page is, in bytes: so much of a log is in memory at a time.
const PAGE: usize = 1 << 20;
/// How much of a page is on the next one as well, so that a message across the two is found.
const OVERLAP: usize = 4 << 10;
/// How much around the text that is looked for may belong to its message, in bytes.
const BEFORE: usize = 700;
const BEHIND: usize = 1200;
/// How many lines are kept for each sign.
const KEPT: usize = 16;
/// How often a message is looked at closely where its text is found. One that is found so often and is no message is
/// a word of the log's own.
const LOOKS: u32 = 5_000;
/// How many denials are read.
const DENIALS: usize = 2048;
/// How much of a line is shown, in characters.
const SHOWN: usize = 240;

/// What the logs of a lab tell, while they are being read.
#[derive(Debug)]
pub struct Examination<'c> {
    catalogue: &'c Catalogue,
    /// For each sign of the catalogue, the lines that are one.
    pub(crate) found: Vec<Vec<Evidence>>,
    pub(crate) denials: Vec<(Denial, Evidence)>,
    looks: Vec<u32>,
    /// How many bytes were read.
    read: u64,
}

/// A log while it is being read.
struct Reading<'l> {
    log: Log,
    name: &'l str,
    page: Page,
    /// Where the page begins in the whole, in bytes.
    begin: u64,
    /// For each message, where the last one ended on this page.
    last: BTreeMap<usize, usize>,
}

impl<'c> Examination<'c> {
    /// Begins with no logs.
    #[must_use]
    pub fn new(catalogue: &'c Catalogue) -> Self {
        let found = vec![Vec::new(); catalogue.signs.len()];
        Self { catalogue, found, denials: Vec::new(), looks: vec![0; catalogue.patterns.len()], read: 0 }
    }

    /// Reads a text.
    pub fn text(&mut self, log: Log, name: &str, text: &str) {
        // Reading from memory does not fail.
        drop(self.log(log, name, text.as_bytes()));
    }

    /// Reads a log to its end, whatever is in it: UTF-8 or UTF-16, with colours, progress bars, or no text at all.
    ///
    /// # Errors
    ///
    /// If it cannot be read. What was read before that counts.
    pub fn log(&mut self, log: Log, name: &str, mut from: impl Read) -> io::Result<()> {
        let mut reading = Reading { log, name, page: Page::default(), begin: self.read, last: BTreeMap::new() };
        let mut raw = Vec::new();
        from.by_ref().take(TELLING as u64).read_to_end(&mut raw)?;
        let encoding = Encoding::of(&raw);
        let mut bytes = vec![0; 64 << 10];
        let end = loop {
            match encoding {
                Encoding::Utf8 => {
                    reading.page.feed(&raw);
                    raw.clear();
                }
                Encoding::Utf16Le | Encoding::Utf16Be => reading.page.feed(encoding.decode(&mut raw).as_bytes()),
            }
            if reading.page.text.len() >= PAGE {
                self.examine(&mut reading);
                let before = reading.page.text.len();
                reading.page.turn(OVERLAP);
                reading.begin += (before - reading.page.text.len()) as u64;
                reading.last.clear();
            }
            match from.read(&mut bytes) {
                Ok(0) => break Ok(()),
                Ok(count) => raw.extend_from_slice(&bytes[..count]),
                Err(why) if why.kind() == io::ErrorKind::Interrupted => {}
                Err(why) => break Err(why),
            }
        };
        reading.page.finish();
        self.examine(&mut reading);
        self.read = reading.begin + reading.page.text.len() as u64;
        end
    }

    /// Weighs all that was found.
    #[must_use]
    pub fn conclude(&self) -> Vec<Diagnosis> {
        weighing::weigh(self.catalogue, self)
    }

    /// What was read does not decide, and a look at the machine that it is of would: answers are examined as another log,
    /// [`Log::Probe`], before [`Self::conclude`].
    #[must_use]
    pub fn questions(&self) -> BTreeSet<Question> {
        weighing::questions(self.catalogue, self)
    }

    /// Looks for messages and denials on a page.
    fn examine(&mut self, reading: &mut Reading<'_>) {
        let catalogue = self.catalogue;
        let text = std::mem::take(&mut reading.page.text);
        let hits = catalogue.automaton.find_overlapping_iter(&text);
        let hits: Vec<_> = hits.filter(|hit| hit.end() > reading.page.seen.saturating_sub(BEHIND)).collect();
        reading.page.text = text;
        for hit in hits {
            match &catalogue.hits[hit.pattern().as_usize()] {
                Hit::Denial => self.denial(reading, hit.start()),
                Hit::Patterns(patterns) => {
                    for pattern in patterns {
                        self.message(reading, *pattern, hit.start());
                    }
                }
            }
        }
    }

    /// Looks closely at a place where a message may be.
    fn message(&mut self, reading: &mut Reading<'_>, pattern: usize, at: usize) {
        let (sign, message) = &self.catalogue.patterns[pattern];
        let full = self.found[*sign].len() >= KEPT || self.looks[pattern] >= LOOKS;
        if full || !reading.log.is_of(&self.catalogue.sign(*sign).logs) {
            return;
        }
        self.looks[pattern] += 1;
        let Some(regex) = message.regex() else { return };
        let (begin, around) = reading.page.around(at, BEFORE, BEHIND);
        let last = reading.last.get(&pattern).copied().unwrap_or(0);
        for captures in regex.captures_iter(around) {
            let Some(whole) = captures.get(0) else { continue };
            let (start, end) = (begin + whole.start(), begin + whole.end());
            // What lies on the page before as a whole was found there.
            if start < last || end <= reading.page.seen {
                continue;
            }
            let names = regex.capture_names().flatten();
            let told: BTreeMap<String, String> = names
                .filter_map(|name| Some((name.to_owned(), captures.name(name)?.as_str().trim().to_owned())))
                .collect();
            reading.last.insert(pattern, end);
            if self.catalogue.is_noise(&reading.lines(start, end)) {
                continue;
            }
            let evidence = reading.evidence(start, end, told);
            let known = &mut self.found[*sign];
            let is_known =
                |other: &Evidence| other.told == evidence.told && (known.len() >= 4 || other.line == evidence.line);
            if known.len() < KEPT && !known.iter().any(is_known) {
                known.push(evidence);
            }
        }
    }

    /// Reads a denial.
    fn denial(&mut self, reading: &Reading<'_>, at: usize) {
        if self.denials.len() >= DENIALS || !reading.log.is_of(&[Log::Kernel, Log::Libvirt, Log::Labrig, Log::Probe]) {
            return;
        }
        let line = reading.page.line_around(at);
        if line.end <= reading.page.seen {
            return;
        }
        let text = String::from_utf8_lossy(&reading.page.text[line.clone()]);
        let Some(denial) = Denial::parse(&text) else { return };
        let evidence = reading.evidence(at, line.end, told_by(&denial));
        let known: BTreeSet<_> = self.denials.iter().map(|(_, known)| &known.told).collect();
        if !known.contains(&evidence.told) {
            self.denials.push((denial, evidence));
        }
    }
}

impl Reading<'_> {
    /// The line, or the lines, of what is from `start` to `end`.
    fn lines(&self, start: usize, end: usize) -> Cow<'_, str> {
        let first = self.page.line_around(start);
        let last = self.page.line_around(end.saturating_sub(1).max(start));
        String::from_utf8_lossy(&self.page.text[first.start..last.end.max(first.end)])
    }

    fn evidence(&self, start: usize, end: usize, told: BTreeMap<String, String>) -> Evidence {
        let before = &self.page.text[self.page.line_around(start).start..start];
        let text = shown(self.lines(start, end).trim(), String::from_utf8_lossy(before).chars().count());
        Evidence {
            log: self.name.to_owned(),
            line: self.page.line_at(start),
            text,
            told,
            order: self.begin + start as u64,
        }
    }
}

/// As much of a line as is shown: its begin, or what is from a little before the character `at` on.
fn shown(line: &str, at: usize) -> String {
    let length = line.chars().count();
    if length <= SHOWN {
        return line.to_owned();
    }
    let begin = at.saturating_sub(SHOWN / 4).min(length - SHOWN);
    let text: String = line.chars().skip(begin).take(SHOWN).collect();
    let (before, behind) = (if begin > 0 { "…" } else { "" }, if begin + SHOWN < length { "…" } else { "" });
    format!("{before}{text}{behind}")
}

/// What a denial tells.
fn told_by(denial: &Denial) -> BTreeMap<String, String> {
    // Where Debian and Ubuntu keep a site's own rules.
    let file = match denial.profile() {
        profile if is_domain_profile(profile) => "abstractions/libvirt-qemu".to_owned(),
        profile if profile.contains("virt-aa-helper") => "usr.lib.libvirt.virt-aa-helper".to_owned(),
        "libvirtd" => "usr.sbin.libvirtd".to_owned(),
        profile => profile.split("//").next().unwrap_or(profile).trim_start_matches('/').replace('/', "."),
    };
    let told = [
        ("profile", Some(denial.profile().to_owned())),
        ("path", denial.object()),
        ("mask", denial.mask()),
        ("rule", denial.rule().map(str::to_owned)),
        ("file", Some(format!("/etc/apparmor.d/local/{file}"))),
    ];
    told.into_iter().filter_map(|(key, value)| Some((key.to_owned(), value?))).collect()
}
