//! `labrig explain`

use std::{
    io,
    path::{Path, PathBuf},
};

use labrig_bringup::inquiry::Inquiry;
use labrig_diagnose::{Catalogue, Examination, Log};

use crate::{exit::Exit, ui};

#[derive(Debug, clap::Args)]
#[command(after_help = "Exit codes: 0 a cause is named, 1 none is known, 2 the text cannot be read")]
pub(crate) struct Args {
    /// What a program printed, or its log; `-` is standard input. All files together are one failure
    #[arg(default_value = "-")]
    files: Vec<PathBuf>,
    /// Look at this machine where the texts do not decide: they are of it. Changes nothing; root sees most
    #[arg(long)]
    look: bool,
    /// How to tell it
    #[arg(long, value_enum, default_value_t)]
    format: Format,
}

#[derive(Debug, Clone, Copy, Default, clap::ValueEnum)]
enum Format {
    /// For a person
    #[default]
    Text,
    /// For another program: one object
    Json,
}

pub(crate) fn main(args: &Args) -> Exit {
    let mut examination = Examination::new(Catalogue::shipped());
    for file in &args.files {
        if let Err(why) = read(&mut examination, file) {
            ui::error(&why.to_string(), None);
            return Exit::BadInput;
        }
    }
    let mut open = examination.questions();
    if args.look {
        let answers = Inquiry::of_machine().ask(&std::mem::take(&mut open));
        examination.text(Log::Probe, "this machine", &answers.said.join("\n"));
        for unknown in &answers.unknown {
            ui::warning(unknown);
        }
    }
    let diagnoses = examination.conclude();
    match args.format {
        Format::Text => ui::diagnosis::text(&diagnoses, &open),
        Format::Json => ui::diagnosis::json(&diagnoses, &open),
    }
    if diagnoses.is_empty() { Exit::Failed } else { Exit::Passed }
}

fn read(examination: &mut Examination<'_>, file: &Path) -> io::Result<()> {
    if file == Path::new("-") {
        return examination.log(Log::Unknown, "standard input", io::stdin().lock());
    }
    examination.log(Log::Unknown, &file.display().to_string(), fs_err::File::open(file)?)
}
