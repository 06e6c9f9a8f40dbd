//! Everything that a person sees. Nothing else prints.

pub(crate) mod comparison;
pub(crate) mod diagnosis;
mod finding;
pub(crate) mod progress;
mod text;

use std::{
    io::{self, IsTerminal, Write},
    path::Path,
    time::Duration,
};

use annotate_snippets::{Group, Level, Renderer};
use labrig_bringup::{
    catalogue::CatalogueError,
    record::{Record, Verdict},
};
use labrig_host::probe::Probe;
use labrig_plan::finding::Findings;
use text::{clipped, printable};

/// A line on standard output.
pub(crate) fn line(text: &str) {
    raw(&(printable(text) + "\n"));
}

/// A text for people to read, on as many lines as a terminal takes for it, those behind the first further in. Elsewhere it is one
/// line, which other programs find again.
pub(crate) fn prose(text: &str) {
    let text = printable(text);
    let indent = " ".repeat(text.len() - text.trim_start().len() + 2);
    let width = if io::stdout().is_terminal() { textwrap::termwidth() } else { usize::MAX };
    raw(&(textwrap::fill(&text, textwrap::Options::new(width).subsequent_indent(&indent)) + "\n"));
}

/// A text on standard output, as it is. A reader that went away (`labrig render x | head`) is no error.
pub(crate) fn raw(text: &str) {
    drop(io::stdout().lock().write_all(text.as_bytes()));
}

/// A text on standard error, and the end of its line. Nobody may be there to read it.
fn note(text: &str) {
    drop(writeln!(io::stderr().lock(), "{text}"));
}

/// An error on standard error, with what helps.
pub(crate) fn error(text: &str, help: Option<&str>) {
    let help = help.map(|help| Level::HELP.message(clipped(help)));
    let group = Group::with_title(Level::ERROR.primary_title(clipped(text))).elements(help);
    note(&renderer().render(&[group]));
}

/// Something on standard error that a person should know, and that ends nothing.
pub(crate) fn warning(text: &str) {
    note(&renderer().render(&[Group::with_title(Level::WARNING.primary_title(clipped(text)))]));
}

/// A file that cannot be read; `absent` helps whoever names one that is not there.
pub(crate) fn unreadable(path: &Path, why: &io::Error, absent: Option<&str>) {
    let help = match why.kind() {
        io::ErrorKind::IsADirectory => Some("name the files in it, as in `FOLDER/*`"),
        io::ErrorKind::NotFound => absent,
        _ => None,
    };
    error(&format!("failed to read {}: {why}", path.display()), help);
}

/// Everything that is wrong with a scenario, each at its place in the source.
pub(crate) fn findings(findings: &Findings) {
    let source = text::in_place(findings.source());
    for finding in findings {
        note(&(renderer().render(&[finding::report(finding, &source)]) + "\n"));
    }
    if findings.more() > 0 {
        note(&format!("and {} more", findings.more()));
    }
}

/// A catalogue of images that is of no use.
pub(crate) fn catalogue(why: &CatalogueError) {
    match why {
        CatalogueError::Wrong(wrong) => findings(wrong),
        CatalogueError::Unreadable(..) => error(&why.to_string(), None),
    }
}

/// How a run ended.
pub(crate) fn verdict(record: &Record, report: &str) {
    let seconds = Duration::from_millis(record.took).as_secs_f32();
    match record.verdict {
        Verdict::Passed => line(&format!("{} passed in {seconds:.1} s", record.scenario)),
        _ => note(&printable(report)),
    }
}

/// What the probes showed.
pub(crate) fn probes(probes: &[Probe]) {
    for probe in probes {
        line(&format!("{:7}  {:<22}  {}", probe.status, probe.name, probe.detail));
        if let Some(fix) = &probe.fix {
            line(&format!("{:7}  {:<22}  fix: {fix}", "", ""));
        }
    }
}

/// Rows under a header, in columns as wide as they need.
pub(crate) fn table<const N: usize>(header: [&str; N], rows: &[[String; N]]) {
    let width =
        |column: usize| rows.iter().map(|row| row[column].len()).chain([header[column].len()]).max().unwrap_or(0);
    let print = |row: [&str; N]| {
        let cells: Vec<_> =
            row.iter().enumerate().map(|(column, cell)| format!("{cell:<w$}", w = width(column))).collect();
        line(cells.join("  ").trim_end());
    };
    print(header);
    for row in rows {
        print(row.each_ref().map(String::as_str));
    }
}

fn renderer() -> Renderer {
    if io::stderr().is_terminal() { Renderer::styled() } else { Renderer::plain() }
}
