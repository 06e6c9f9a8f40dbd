//! Input that is wrong, given to the command: exit code 2, the message, and nothing made.
//!
//! Each `scenarios/invalid/<name>.toml` has to get the message in `<name>.stderr`, to the byte;
//! `UPDATE_EXPECT=1` writes these files anew.

mod support;

use std::{
    env,
    fs::{self, File, Permissions},
    io::Write,
    os::unix::fs::PermissionsExt,
    path::{Path, PathBuf},
    process::ExitCode,
    time::{Duration, Instant},
};

use libtest_mimic::{Arguments, Completion, Failed, Trial};
use support::command::{Said, say};
use tempfile::TempDir;

/// How long two looks at any input may take, on a machine that is busy with labs. What is quadratic takes minutes.
const SOON: Duration = Duration::from_secs(60);

/// More than any scenario needs to say what is wrong with it.
const READABLE: usize = 64 << 10;

fn main() -> ExitCode {
    let arguments = Arguments::from_args();
    let shipped = support::invalid_scenarios();
    assert!(shipped.len() >= 20, "only {} files in scenarios/invalid", shipped.len());
    let shipped = shipped.into_iter().map(|file| Trial::test(support::stem(&file), move || rejected(&file)));
    let trials = shipped.chain(made().into_iter().map(|(name, case)| Trial::ignorable_test(name, case))).collect();
    libtest_mimic::run(&arguments, trials).exit_code()
}

/// Gives an input to `check` and to `run`, and returns what `check` says.
fn refused(input: &Path) -> Result<Said, Failed> {
    let runs = TempDir::new()?;
    let runs = runs.path().join("runs");
    let begin = Instant::now();
    let checked = say(support::labrig(&runs).arg("check").arg(input));
    let ran = say(support::labrig(&runs).arg("run").arg(input));
    for (verb, said) in [("check", &checked), ("run", &ran)] {
        if said.code != Some(2) || !said.stdout.is_empty() {
            return Err(
                format!("`labrig {verb}`: expected exit code 2 and an empty standard output, got {said}").into()
            );
        }
        if let Some(fault) = unreadable(&said.stderr) {
            return Err(format!("`labrig {verb}` {fault}: {said}").into());
        }
    }
    if checked.stderr != ran.stderr {
        return Err(format!("`check` and `run` differ: {checked}\n{ran}").into());
    }
    if runs.exists() {
        return Err("a run folder was made for it".into());
    }
    if begin.elapsed() > SOON {
        return Err(format!("it took {:?}", begin.elapsed()).into());
    }
    Ok(checked)
}

/// What is wrong with a message, whatever it says.
fn unreadable(text: &str) -> Option<String> {
    let acts = |c: char| c.is_control() && c != '\n' || ('\u{202a}'..='\u{202e}').contains(&c);
    if text.contains("panicked") {
        return Some("panicked".to_owned());
    }
    if let Some(c) = text.chars().find(|c| acts(*c)) {
        return Some(format!("lets U+{:04X} through to the terminal", u32::from(c)));
    }
    if let Some(line) = text.lines().find(|line| line.chars().count() > 500) {
        return Some(format!("has a line of {} characters", line.chars().count()));
    }
    (text.len() > READABLE).then(|| format!("says {} bytes", text.len()))
}

/// A file of the repository gets the message that stands beside it.
fn rejected(file: &Path) -> Result<(), Failed> {
    let said = refused(file)?;
    let expected = support::root().join(file).with_extension("stderr");
    if env::var_os("UPDATE_EXPECT").is_some() {
        fs::write(expected, said.stderr)?;
        return Ok(());
    }
    match fs::read_to_string(&expected) {
        Ok(text) if text == said.stderr => Ok(()),
        Ok(text) => Err(format!("expected:\n{text}\ngot:\n{}", said.stderr).into()),
        Err(error) => Err(format!("{}: {error}; UPDATE_EXPECT=1 writes it", expected.display()).into()),
    }
}

type Case = Box<dyn FnOnce() -> Result<Completion, Failed> + Send>;

/// What cannot be a file of the repository.
fn made() -> Vec<(&'static str, Case)> {
    /// An input that `make` makes in an empty folder, and what has to be said of it.
    fn case(
        make: impl FnOnce(&Path) -> std::io::Result<PathBuf> + Send + 'static,
        words: &'static [&'static str],
    ) -> Case {
        Box::new(move || {
            let folder = TempDir::new()?;
            let input = make(folder.path())?;
            let said = refused(&input)?;
            match words.iter().find(|word| !said.stderr.contains(**word)) {
                None => Ok(Completion::Completed),
                Some(word) => Err(format!("expected `{word}` in what it says: {said}").into()),
            }
        })
    }
    vec![
        ("a-directory", case(|folder| Ok(folder.to_owned()), &["directory", "name the files in it"])),
        ("a-missing-file", case(|folder| Ok(folder.join("lab.toml")), &["failed to read", "lab.toml", "No such file"])),
        ("a-missing-name", case(|_| Ok("no-such-lab".into()), &["no-such-lab", "is looked for in `scenarios/`"])),
        ("no-permission", Box::new(no_permission)),
        ("nothing-at-all", case(|_| Ok("/dev/null".into()), &["the file is empty"])),
        ("without-end", case(|_| Ok("/dev/zero".into()), &["larger than"])),
        ("huge", case(|folder| sparse(folder, 1 << 40), &["larger than"])),
        (
            "five-megabytes-of-garbage",
            case(|folder| file(folder, "lab.toml", &garbage(5_000_000)), &["too many for a scenario"]),
        ),
        ("a-megabyte-of-garbage", case(|folder| file(folder, "lab.toml", &garbage(1_000_000)), &["not UTF-8"])),
        (
            "five-megabytes-of-toml",
            case(|folder| file(folder, "lab.toml", nodes(5_000_000).as_bytes()), &["too many for a scenario"]),
        ),
        (
            "a-megabyte-of-toml",
            case(|folder| file(folder, "lab.toml", nodes(1_000_000).as_bytes()), &["no address left"]),
        ),
        (
            "a-megabyte-of-faults",
            case(|folder| file(folder, "lab.toml", "[[[\n".repeat(250_000).as_bytes()), &["more"]),
        ),
        (
            "one-long-line",
            case(|folder| file(folder, "lab.toml", long_line().as_bytes()), &["unknown key", "expected a size"]),
        ),
        (
            "escape-sequences",
            case(
                |folder| file(folder, "a\x1b[31m\r.toml", HOSTILE.as_bytes()),
                &["\u{241b}[31m", "\\u{1b}[2J", "is not one of"],
            ),
        ),
        ("a-name-that-is-not-utf8", case(not_utf8, &["the file's name is the scenario's"])),
    ]
}

/// Text that would clear the screen, set the window's title, go back in the line, and turn the direction of writing.
const HOSTILE: &str = "description = \"\u{9b}2J \u{202e}\"\n\"key\\u001b[2J\" = 1\nrequires = [\"\\u001b]0;title\\u0007\", \"\u{9b}2J\"]\n\
                       [network.lab]\nsubnet = \"\\u001b[2J\\r\"\n[node.a]\nrole = \"\\u001b[2J\"\n";

fn no_permission() -> Result<Completion, Failed> {
    if nix::unistd::geteuid().is_root() {
        return Ok(Completion::ignored_with("root may read every file"));
    }
    let folder = TempDir::new()?;
    let input = file(folder.path(), "lab.toml", b"")?;
    fs::set_permissions(&input, Permissions::from_mode(0o0))?;
    let said = refused(&input)?;
    match said.stderr.contains("Permission denied") {
        true => Ok(Completion::Completed),
        false => Err(said.to_string().into()),
    }
}

fn file(folder: &Path, name: &str, bytes: &[u8]) -> std::io::Result<PathBuf> {
    let path = folder.join(name);
    File::create(&path)?.write_all(bytes)?;
    Ok(path)
}

fn sparse(folder: &Path, size: u64) -> std::io::Result<PathBuf> {
    let path = folder.join("lab.toml");
    File::create(&path)?.set_len(size)?;
    Ok(path)
}

fn not_utf8(folder: &Path) -> std::io::Result<PathBuf> {
    use std::{ffi::OsStr, os::unix::ffi::OsStrExt};
    let path = folder.join(OsStr::from_bytes(b"caf\xe9.toml"));
    File::create(&path)?.write_all(b"description = \"named in Latin-1\"\n")?;
    Ok(path)
}

/// Bytes without any sense, the same each time (xorshift64, Marsaglia 2003).
fn garbage(length: usize) -> Vec<u8> {
    let mut state = 0x9e37_79b9_7f4a_7c15_u64;
    let next = || {
        state ^= state << 13;
        state ^= state >> 7;
        state ^= state << 17;
        state.to_le_bytes()[0]
    };
    std::iter::repeat_with(next).take(length).collect()
}

/// A scenario without a fault in its syntax, with as many nodes as fit, which are far too many for its subnet.
fn nodes(length: usize) -> String {
    let mut text = "description = \"large\"\n[network.lab]\nsubnet = \"192.168.50.0/24\"\n".to_owned();
    let mut count = 0;
    while text.len() < length {
        text += &format!("[node.n{count}]\nrole = \"{}\"\n", "x".repeat(200));
        count += 1;
    }
    text
}

/// A scenario on one line of half a megabyte, with a fault at each end and one that is nearly as long.
fn long_line() -> String {
    let long = "x".repeat(250_000);
    format!(
        "description = \"\"\nnode.a = {{ rloe = \"{long}\", memory = \"{long}\", role = \"\\u0000{long}\", cpus = 0 }}\n\
         [network.lab]\nsubnet = \"192.168.50.0/24\"\n"
    )
}
