//! From the files of a lab to a scenario.
//!
//! What the files say is carried over as far as a scenario can say it; what was found wrong is read as it was meant.
//! For everything else there is a comment: where it stands, what it is, and what stands instead.

use labrig_plan::finding::Findings;

use crate::{
    file::{Document as Content, File},
    lab::Lab,
    lint::reports,
};

mod check;
mod document;
mod name;
mod network;
mod node;
mod note;
mod proxy;
mod script;

use document::{Document, Value};
use network::Network;
use node::Node;
use note::{Notes, Part};
use proxy::Proxy;

/// A scenario that was made of files.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Imported {
    /// Its text.
    pub text: String,
    /// What is wrong with it, where what the files say is nothing that a lab can be.
    pub wrong: Option<Findings>,
}

/// What a reader of the comments has to know.
const INTRODUCTION: &str = "Comments name the line that they are about. What is wrong there is read as it was meant; what \
                            is not carried over is told with what stands instead.";

/// What is being made.
struct Import<'f> {
    lab: Lab<'f>,
    notes: Notes,
}

/// The scenario that `files` describe, which are those of one lab. Findings of it name the file `file_name`.
#[must_use]
pub fn import(file_name: &str, files: &[File]) -> Imported {
    let mut import = Import { lab: Lab { files }, notes: Notes::default() };
    let mut networks = network::networks(&mut import);
    let mut nodes = node::nodes(&mut import, &mut networks);
    if networks.is_empty() {
        networks.push(network::made_up(&mut import));
    }
    nodes.iter_mut().for_each(|node| node.plug_in(&networks));
    network::make_room(&mut import, &mut networks, &nodes);
    let proxy = proxy::proxy(&mut import, &networks);
    script::others(&mut import);
    import.found();
    import.preseeds();
    let text = import.write(&networks, proxy.as_ref(), &nodes);
    let wrong = labrig_plan::load(file_name, text.as_bytes()).err();
    Imported { text, wrong }
}

impl Import<'_> {
    /// Notes that something is not carried over: what, and what stands instead, or why nothing does.
    fn left_out(&mut self, part: Part, place: (usize, usize), what: &str, instead: &str) {
        let (file, at) = place;
        let text = format!("{}: {what}: {instead}", self.lab.place(file, at));
        self.notes.add(part, place, text);
    }

    /// Notes what is wrong with the files: it is read as it was meant.
    fn found(&mut self) {
        for (file, report) in reports(self.lab.files).into_iter().enumerate() {
            if report.is_empty() {
                continue;
            }
            for finding in &report.into_findings() {
                let at = finding.place.span.start;
                let help = finding.help.as_ref().map(|help| format!("; {help}")).unwrap_or_default();
                let text = format!("{}: {}{help}", self.lab.place(file, at), finding.message);
                self.notes.add(self.part_of(file, at), (file, at), text);
            }
        }
    }

    /// The part that something in a file is about.
    fn part_of(&self, file: usize, at: usize) -> Part {
        match &self.lab.files[file].document {
            Content::Network(_) => Part::Network(file),
            Content::Domain(domain) => Part::Node(file, domain.root().map_or(0, |root| root.span.start)),
            Content::Squid(_) | Content::IptablesSave(_) | Content::Nftables(_) => Part::Proxy,
            Content::Script(_, _, installs) => {
                let before = installs.partition_point(|install| install.span.start <= at);
                let install =
                    before.checked_sub(1).map(|last| &installs[last]).filter(|install| at <= install.span.end);
                install.map_or(Part::Proxy, |install| Part::Node(file, install.span.start))
            }
            Content::Preseed(_) => Part::Scenario,
        }
    }

    fn preseeds(&mut self) {
        for file in 0..self.lab.files.len() {
            if matches!(self.lab.files[file].document, Content::Preseed(_)) {
                let instead = "micro nodes install nothing; `install.netboot` with `answers.preseed` takes it, with an installer of \
                               `images.toml`";
                self.left_out(Part::Scenario, (file, 0), "these answers are for debian-installer", instead);
            }
        }
    }

    fn write(mut self, networks: &[Network], proxy: Option<&Proxy>, nodes: &[Node]) -> String {
        self.notes.gather(|part| match part {
            Part::Scenario | Part::Checks => true,
            Part::Network(file) => networks.iter().any(|network| network.file == Some(*file)),
            Part::Proxy => proxy.is_some(),
            Part::Node(file, at) => nodes.iter().any(|node| node.place == Some((*file, *at))),
        });
        let mut document = Document::default();
        let mut names: Vec<_> = self.lab.files.iter().map(|file| base(&file.name)).collect();
        // One file may have several documents.
        names.dedup();
        let last = names.pop().unwrap_or("nothing");
        let first = if names.is_empty() { String::new() } else { format!("{} and ", names.join(", ")) };
        if !self.notes.is_empty() {
            document.comment(INTRODUCTION);
        }
        self.notes.write(&Part::Scenario, &mut document);
        document.entry("description", &Value::Text(format!("A lab that was made by hand: {first}{last}")));
        for network in networks {
            document.blank();
            if let Some(file) = network.file {
                self.notes.write(&Part::Network(file), &mut document);
            }
            network.write(&mut document);
        }
        if let Some(proxy) = proxy {
            document.blank();
            self.notes.write(&Part::Proxy, &mut document);
            proxy.write(&mut document);
        }
        let world = check::World { networks, proxy, nodes, origin: check::origin(self.lab) };
        world.write_origin(&mut document);
        for node in nodes {
            document.blank();
            if let Some((file, at)) = node.place {
                self.notes.write(&Part::Node(file, at), &mut document);
            }
            node.write(networks.len() == 1, &mut document);
        }
        self.notes.write(&Part::Checks, &mut document);
        world.write(&mut document);
        document.into_text()
    }
}

/// A file's name without its folder.
fn base(name: &str) -> &str {
    name.rsplit('/').next().unwrap_or(name)
}
