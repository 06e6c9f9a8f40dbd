//! What every renderer has to hold, for every text.

mod support;

use std::collections::{BTreeMap, BTreeSet};

use labrig_plan::{
    artifact::{Artifact, Consumer},
    directive::Directive,
    render,
};
use proptest::prelude::*;
use quick_xml::{
    Reader, XmlVersion,
    escape::resolve_xml_entity,
    events::{BytesStart, Event, attributes::Attribute},
};
use support::lab::{Words, lab};

/// Texts that have broken out of one format or another.
const HOSTILE: &[&str] = &[
    "",
    " ",
    "\"",
    "'",
    "\\",
    "\\\"",
    "a, b # c",
    "]]>",
    "--><!--",
    "</description><devices/>",
    "&lt;&#0;&bogus;",
    "$(reboot)",
    "`reboot`; reboot & reboot",
    "one\ntwo\r\nthree",
    "\ndhcp-script=/bin/true",
    "\nhttp_access allow all",
    "\0\u{1}\u{8}\u{b}\u{1b}[31m\u{7f}\u{85}\u{2028}\u{fffe}\u{ffff}",
    "}\ntable inet labrig { chain guard { } }",
];

fn hostile() -> impl Strategy<Value = String> {
    prop_oneof![
        proptest::sample::select(HOSTILE).prop_map(str::to_owned),
        proptest::collection::vec(proptest::sample::select(HOSTILE), 1..6).prop_map(|parts| parts.concat()),
        "(?s).{0,200}",
        proptest::sample::select(HOSTILE).prop_map(|part| part.repeat(10_240 / part.len().max(1))),
        proptest::char::any().prop_map(|c| c.to_string().repeat(10_240)),
    ]
}

fn artifacts(words: &Words) -> Vec<Artifact> {
    render::artifacts(&lab(words))
}

#[test]
fn names_are_those_of_the_artifacts_and_unique() {
    let lab = lab(&Words::all("harmless"));
    let names: Vec<_> = render::artifacts(&lab).into_iter().map(|artifact| artifact.name).collect();
    assert_eq!(render::names(&lab), names);
    assert_eq!(names.iter().collect::<BTreeSet<_>>().len(), names.len());
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]

    #[test]
    fn xml_has_the_structure_of_the_lab_whatever_its_texts(
        description in hostile(), role in hostile(), txt in hostile(),
    ) {
        let harmless = artifacts(&Words::all("harmless"));
        let words = Words { description, role, txt, ..Words::all("harmless") };
        for (plain, hostile) in harmless.iter().zip(artifacts(&words)) {
            prop_assert_eq!(&plain.name, &hostile.name);
            if !matches!(plain.consumer, Consumer::LibvirtNetwork | Consumer::LibvirtDomain) {
                continue;
            }
            let (plain, hostile) = (parsed(&plain.text), parsed(&hostile.text));
            prop_assert_eq!(plain.len(), hostile.len());
            for (plain, hostile) in plain.iter().zip(&hostile) {
                prop_assert_eq!(&plain.path, &hostile.path);
                prop_assert_eq!(plain.attributes.keys().collect::<Vec<_>>(), hostile.attributes.keys().collect::<Vec<_>>());
                match plain.path.as_str() {
                    "/domain/description" => prop_assert!(shows(&hostile.text, &words.role)),
                    "/domain/metadata/labrig:lab/labrig:description" => prop_assert!(shows(&hostile.text, &words.description)),
                    "/network/dns/txt" => {
                        prop_assert_eq!(&plain.attributes["name"], &hostile.attributes["name"]);
                        prop_assert!(is_one_record("example", &hostile.attributes["value"], &words.txt));
                    }
                    "/network/dnsmasq:options/dnsmasq:option" if plain.attributes["value"].starts_with("txt-record=") => {
                        let value = hostile.attributes["value"].strip_prefix("txt-record=_service._tcp.lab,");
                        prop_assert!(value.is_some_and(|value| is_one_record("_service._tcp.lab", value, &words.txt)));
                    }
                    _ => prop_assert_eq!(plain, hostile),
                }
            }
        }
    }

    #[test]
    fn a_line_of_squid_conf_is_one_line_or_refused(text in hostile(), more in hostile()) {
        let conf = |words: &Words| {
            let conf = artifacts(words).into_iter().find(|artifact| artifact.name == render::SQUID_CONF);
            conf.expect("the lab has a proxy").text
        };
        let (plain, last) = (Words::all("harmless"), "forwarded_for delete");
        let mut directives: Vec<Directive> = [text, more].iter().filter_map(|text| text.parse().ok()).collect();
        directives.push(last.parse().expect("a line of squid.conf"));
        let lines: Vec<_> = directives.iter().map(ToString::to_string).collect();
        let written = conf(&Words { directives, ..plain.clone() });
        let own = written.strip_prefix(&conf(&plain)).expect("they stand at the end").lines().collect::<Vec<_>>();
        prop_assert_eq!(&own[2..], lines);
        prop_assert!(own.iter().all(|line| !line.trim_end().ends_with('\\')));
    }

    #[test]
    fn other_formats_do_not_change_with_free_text(text in hostile()) {
        let harmless = artifacts(&Words::all("harmless"));
        for (plain, hostile) in harmless.into_iter().zip(artifacts(&Words::all(&text))) {
            if !matches!(plain.consumer, Consumer::LibvirtNetwork | Consumer::LibvirtDomain | Consumer::Installer) {
                prop_assert_eq!(plain, hostile);
            }
        }
    }

    #[test]
    fn answers_have_the_lines_of_their_text_and_no_others(text in hostile()) {
        let words = Words { answers: text.clone(), ..Words::all("harmless") };
        let texts: Vec<_> = artifacts(&words).into_iter().filter(|it| it.consumer == Consumer::Installer).collect();
        prop_assert_eq!(texts.len(), 3);
        // Behind a line with a place for each value.
        let whole = format!("values\n{text}");
        let lines = whole.strip_suffix('\n').unwrap_or(&whole).split('\n').count();
        for artifact in texts {
            // All that YAML or any installer may take for the end of a line.
            let ends = ['\r', '\0', '\u{b}', '\u{c}', '\u{85}', '\u{2028}', '\u{2029}'];
            prop_assert!(!artifact.text.contains(ends), "{}", artifact.name);
            let (indent, own) = if artifact.name.contains("boot03") {
                let own = artifact.text.strip_prefix("#cloud-config\nautoinstall:\n");
                ("  ", own.expect("they stand at the beginning"))
            } else {
                ("", artifact.text.as_str())
            };
            prop_assert!(own.ends_with('\n'));
            let own: Vec<_> = own[..own.len() - 1].split('\n').collect();
            prop_assert_eq!(own.len(), lines, "{}", artifact.name);
            prop_assert!(own.iter().all(|line| line.is_empty() || line.starts_with(indent)));
            prop_assert!(own[0].contains("edge.lab 52:54:00:00:02:1c 172.20.0.7 28 255.255.255.240 172.20.0.1 172.20.0.1"));
            prop_assert!(own[0].ends_with("http://172.20.0.1:8080 /dev/sda"));
        }
    }
}

/// An element: its path, its attributes, and the text directly in it.
#[derive(Debug, PartialEq, Eq)]
struct Element {
    path: String,
    attributes: BTreeMap<String, String>,
    text: String,
}

/// The elements of a document in the order in which they begin. Panics where it is not well-formed XML 1.0.
fn parsed(xml: &str) -> Vec<Element> {
    assert!(xml.chars().all(is_xml), "a character that XML 1.0 forbids");
    let mut reader = Reader::from_str(xml);
    let (mut elements, mut open): (Vec<Element>, Vec<usize>) = (Vec::new(), Vec::new());
    loop {
        let event = reader.read_event().expect("well-formed XML");
        let text = match &event {
            Event::Start(start) | Event::Empty(start) => {
                let parent = open.last().map_or("", |&index| &elements[index].path);
                let path = format!("{parent}/{}", start.name().0);
                if let Event::Start(_) = event {
                    open.push(elements.len());
                }
                elements.push(Element { path, attributes: attributes(start), text: String::new() });
                continue;
            }
            Event::End(_) => {
                open.pop();
                continue;
            }
            Event::Text(text) => text.xml10_content().into_owned(),
            Event::GeneralRef(reference) => match reference.resolve_char_ref().expect("a character") {
                Some(character) => character.to_string(),
                None => resolve_xml_entity(&reference.xml10_content()).expect("one of XML's own").to_owned(),
            },
            Event::Eof => break,
            other => panic!("labrig writes no {other:?}"),
        };
        if let Some(&index) = open.last() {
            elements[index].text.push_str(&text);
        }
    }
    assert!(open.is_empty(), "an element that does not end");
    elements
}

fn attributes(start: &BytesStart<'_>) -> BTreeMap<String, String> {
    let pair = |attribute: Attribute<'_>| {
        let value = attribute.normalized_value(XmlVersion::Explicit1_0).expect("a well-formed value");
        (attribute.key.0.to_owned(), value.into_owned())
    };
    start.attributes().map(|attribute| pair(attribute.expect("a well-formed attribute"))).collect()
}

/// `Char` of XML 1.0, section 2.2.
fn is_xml(c: char) -> bool {
    matches!(c, '\t' | '\n' | '\r' | ' '..='\u{d7ff}' | '\u{e000}'..='\u{fffd}' | '\u{10000}'..)
}

/// Whether `shown` is `text` with nothing but some of its control characters replaced by something to look at.
fn shows(shown: &str, text: &str) -> bool {
    let same = |(shown, c): (char, char)| {
        shown == c || ((c.is_control() || !is_xml(c)) && matches!(shown, '\u{2400}'..='\u{2421}' | '\u{fffd}'))
    };
    shown.chars().count() == text.chars().count() && shown.chars().zip(text.chars()).all(same)
}

/// Whether dnsmasq, which gets name and value from libvirt as they are, reads one string that shows `text`.
fn is_one_record(name: &str, value: &str, text: &str) -> bool {
    let line = format!("txt-record={name},{value}\n");
    if line.len() > 1024 || value.chars().any(char::is_control) {
        return false;
    }
    let Some(quoted) = value.strip_prefix('"').and_then(|rest| rest.strip_suffix('"')) else {
        let splits = value.is_empty() || value.contains(['"', '\\', ',']) || value.contains(" #");
        return !splits && value.trim() == value && shows(value, text);
    };
    let (mut read, mut rest) = (String::new(), quoted.chars());
    while let Some(c) = rest.next() {
        match c {
            '"' => return false,
            '\\' => match rest.next() {
                Some(c @ ('"' | '\\')) => read.push(c),
                _ => return false,
            },
            c => read.push(c),
        }
    }
    match read.strip_suffix('…') {
        Some(cut) if !shows(&read, text) => {
            text.len() > 900 && shows(cut, &text.chars().take(cut.chars().count()).collect::<String>())
        }
        _ => shows(&read, text),
    }
}
