//! Rules for installers.

use super::{FileEntry, InstallerEntry, InstallerSource, Whole, catalogue::Check};
use crate::{name::InstallerName, scenario::At};

impl Check<'_> {
    /// Where an installer comes from. Whatever is wrong with the entry is noted.
    pub(super) fn installer(
        &mut self,
        name: &At<InstallerName>,
        entry: &At<InstallerEntry>,
    ) -> Option<InstallerSource> {
        let files = [("kernel", &entry.kernel), ("initrd", &entry.initrd)];
        if let Some(package) = &entry.package {
            for (key, file) in files {
                if let Some(file) = file {
                    self.report
                        .add(file.span(), format!("installer `{name}` has a `package` already"))
                        .help(format!("its kernel and its initrd come together; leave `{key}` out"))
                        .related(package.span(), "given here");
                }
            }
            return Some(InstallerSource::Package((**package).clone()));
        }
        let [kernel, initrd] = files.map(|(key, file)| match file {
            Some(file) => self.part(name, key, file),
            None => {
                self.report.add(name.span(), format!("installer `{name}` has no `{key}`")).help(
                    "write a `kernel` and an `initrd`, as in `{ file = \"linux\" }`, or the `package` that has both",
                );
                None
            }
        });
        Some(InstallerSource::Files { kernel: kernel?, initrd: initrd? })
    }

    fn part(&mut self, name: &InstallerName, key: &str, entry: &At<FileEntry>) -> Option<Whole> {
        let what = format!("the `{key}` of installer `{name}`");
        match (&entry.file, &entry.url) {
            (None, None) => {
                self.report
                    .add(entry.span(), format!("{what} comes from nowhere"))
                    .help("write a `file`, or a `url` with its `sha256`");
            }
            (Some(file), Some(url)) => {
                self.report
                    .add(url.span(), format!("{what} has a `file` already"))
                    .help("it comes from one place; keep `file` or `url`")
                    .related(file.span(), "given here");
            }
            _ => {}
        }
        self.whole(&what, entry.file.as_ref(), entry.url.as_ref(), entry.sha256.as_ref())
    }
}
