//! Rules for files that are there as a whole.

use super::{Sha256, Whole, catalogue::Check};
use crate::{scenario::At, url::Url};

impl Check<'_> {
    /// The file that these keys of `what` tell of; a finding where they do not.
    pub(super) fn whole(
        &mut self,
        what: &str,
        file: Option<&At<String>>,
        url: Option<&At<Url>>,
        sha256: Option<&At<String>>,
    ) -> Option<Whole> {
        let digest = sha256.and_then(|sha256| self.sha256(sha256));
        if let Some(file) = file {
            return Some(Whole::File { path: self.path(file), sha256: digest });
        }
        let url = url?;
        if sha256.is_none() {
            self.report
                .add(url.span(), format!("what has to come from the `url` of {what} is not said"))
                .help("add its digest, as whoever offers it tells: `sha256 = \"...\"`");
        }
        Some(Whole::Url { url: (**url).clone(), sha256: digest? })
    }

    pub(super) fn sha256(&mut self, text: &At<String>) -> Option<Sha256> {
        let sha256 = Sha256::new(text);
        if sha256.is_none() {
            self.report
                .add(text.span(), "this is no SHA-256")
                .help("it has 64 hexadecimal digits, as `sha256sum` prints");
        }
        sha256
    }

    fn path(&mut self, file: &At<String>) -> String {
        if file.is_empty() || file.chars().any(char::is_control) {
            self.report.add(file.span(), "this is no path").help("write the path of a file on this machine");
        }
        if file.starts_with('/') || self.folder.is_empty() {
            return (**file).clone();
        }
        format!("{}/{}", self.folder, **file)
    }
}
