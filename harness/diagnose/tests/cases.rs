//! Real outputs of lab bring-ups, each labelled with its cause: where the folder with them is beside the project.

use std::{fs, path::Path};

use labrig_diagnose::{Catalogue, Examination, Log};

/// Outputs with a header of three lines and an empty one, the first `# label: LABEL[/SUBLABEL]`.
const CASES: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/../../../shared/diagnosis-cases");

#[test]
#[expect(clippy::disallowed_methods, reason = "the cases are files")]
#[expect(clippy::print_stderr, reason = "where the cases are not there, it says so")]
fn every_case_gets_its_label() -> std::io::Result<()> {
    if !Path::new(CASES).is_dir() {
        eprintln!("there are no cases beside this project: nothing was compared");
        return Ok(());
    }
    let mut wrong = Vec::new();
    let mut count = 0;
    for entry in fs::read_dir(CASES)? {
        let path = entry?.path();
        if path.extension().is_none_or(|extension| extension != "log") {
            continue;
        }
        count += 1;
        let case = fs::read_to_string(&path)?;
        let (label, text) = parts(&case);
        let mut examination = Examination::new(Catalogue::shipped());
        examination.text(Log::Unknown, "case", text);
        let named: Vec<String> = examination.conclude().iter().map(labrig_diagnose::Diagnosis::name).collect();
        let first = named.first().map_or("healthy", String::as_str);
        if first.split('/').next() != label.split('/').next() {
            wrong.push(format!("{}: {label}, got {named:?}", path.display()));
        } else if std::env::var_os("VERBOSE").is_some() && (first != label || named.len() > 1) {
            eprintln!("{}: {label}, got {named:?}", path.display());
        }
    }
    wrong.sort();
    assert!(wrong.is_empty(), "{} of {count} cases:\n{}", wrong.len(), wrong.join("\n"));
    assert!(count > 0, "the folder of cases is empty");
    Ok(())
}

/// The label of a case, and its text.
fn parts(case: &str) -> (&str, &str) {
    let label = case.lines().next().and_then(|line| line.strip_prefix("# label: ")).unwrap_or_default();
    (label, case.splitn(5, '\n').nth(4).unwrap_or_default())
}
