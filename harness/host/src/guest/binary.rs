//! What is read from ELF files: which libraries a program needs, which modules a module needs.

use object::{
    Endianness, Object, ObjectSection,
    elf::{DT_NEEDED, FileHeader64},
    read::{
        Result,
        elf::{Dyn, ElfFile64, FileHeader, ProgramHeader},
    },
};

/// The dynamic loader that a program asks for (`PT_INTERP`); `None` for libraries and static programs.
pub(super) fn interpreter(bytes: &[u8]) -> Result<Option<String>> {
    let header = FileHeader64::<Endianness>::parse(bytes)?;
    let endian = header.endian()?;
    for segment in header.program_headers(endian, bytes)? {
        if let Some(path) = segment.interpreter(endian, bytes)? {
            return Ok(Some(String::from_utf8_lossy(path).into_owned()));
        }
    }
    Ok(None)
}

/// The names of the libraries that a program or a library needs (`DT_NEEDED`).
pub(super) fn libraries(bytes: &[u8]) -> Result<Vec<String>> {
    let file = ElfFile64::<Endianness>::parse(bytes)?;
    let (endian, sections) = (file.endian(), file.elf_section_table());
    let Some((entries, strings)) = sections.dynamic(endian, bytes)? else { return Ok(Vec::new()) };
    let strings = sections.strings(endian, bytes, strings)?;
    (entries.iter())
        .filter(|entry| entry.tag32(endian) == Some(DT_NEEDED))
        .map(|entry| Ok(String::from_utf8_lossy(entry.string(endian, strings)?).into_owned()))
        .collect()
}

/// The names of the modules that a kernel module needs: the `depends=` of its `.modinfo`, which is a list of
/// NUL-terminated `key=value` strings (the kernel's include/linux/moduleparam.h). depmod reads the same.
pub(super) fn modules(bytes: &[u8]) -> Result<Vec<String>> {
    let file = ElfFile64::<Endianness>::parse(bytes)?;
    let Some(section) = file.section_by_name(".modinfo") else { return Ok(Vec::new()) };
    let names = (section.data()?.split(|byte| *byte == 0))
        .filter_map(|entry| entry.strip_prefix(b"depends="))
        .flat_map(|names| names.split(|byte| *byte == b','))
        .filter(|name| !name.is_empty());
    Ok(names.map(|name| String::from_utf8_lossy(name).into_owned()).collect())
}
