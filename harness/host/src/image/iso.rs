//! A file system for a few small files, as ECMA-119 (ISO 9660) has it: one folder, each file in one piece.

/// Bytes of a sector (ECMA-119, 6.1.2).
const SECTOR: usize = 2048;
/// Where the descriptors begin: what is before them belongs to the system (6.2.1).
const DESCRIPTORS: usize = 16;
/// The two path tables, little-endian and big-endian, then the root folder, then the files.
const TABLES: [u32; 2] = [18, 19];
const ROOT: u32 = 20;
const FILES: u32 = 21;
/// Bytes of a path table with the root alone (9.4).
const TABLE_SIZE: u32 = 10;

/// Writes a file system with this label and these files. Names have letters, digits and hyphens; a reader shows them in
/// lower case. All names together fit in one sector, as those of the few files here do.
pub(super) fn write(label: &str, files: &[(&str, &[u8])]) -> Vec<u8> {
    let mut folder = [record(&[0], ROOT, SECTOR, true), record(&[1], ROOT, SECTOR, true)].concat();
    let (mut contents, mut next) = (Vec::new(), FILES);
    for (name, content) in files {
        folder.extend(record(format!("{}.;1", name.to_uppercase()).as_bytes(), next, content.len(), false));
        contents.extend_from_slice(content);
        contents.resize(contents.len().next_multiple_of(SECTOR), 0);
        next = FILES + number(contents.len() / SECTOR);
    }
    let mut out = vec![0; DESCRIPTORS * SECTOR];
    for part in [primary(label, next), terminator(), table(false), table(true), folder] {
        out.extend(part);
        out.resize(out.len().next_multiple_of(SECTOR), 0);
    }
    out.extend(contents);
    out
}

/// The primary volume descriptor (8.4). What it does not have is spaces or zeros.
fn primary(label: &str, sectors: u32) -> Vec<u8> {
    let mut out = b"\x01CD001\x01\0".to_vec();
    out.extend([b' '; 32]);
    out.extend(format!("{label:<32}").as_bytes());
    out.extend([0; 8]);
    out.extend(both_32(sectors));
    out.extend([0; 32]);
    // One volume of one, in sectors of this size.
    out.extend([both_16(1), both_16(1), both_16(2048)].concat());
    out.extend(both_32(TABLE_SIZE));
    out.extend([TABLES[0].to_le_bytes(), [0; 4], TABLES[1].to_be_bytes(), [0; 4]].concat());
    out.extend(record(&[0], ROOT, SECTOR, true));
    // Who made it, with what: four fields of 128 characters, three of 37.
    out.extend([b' '; 4 * 128 + 3 * 37]);
    // Four dates that are not given (8.4.26.1), and the version of the structure.
    out.extend([*b"0000000000000000\0"; 4].concat());
    out.extend([1, 0]);
    out
}

/// The descriptor that ends all descriptors (8.3).
fn terminator() -> Vec<u8> {
    b"\xffCD001\x01".to_vec()
}

/// A path table with the root alone, which is its own parent (9.4).
fn table(big: bool) -> Vec<u8> {
    let (place, parent) = match big {
        true => (ROOT.to_be_bytes(), 1_u16.to_be_bytes()),
        false => (ROOT.to_le_bytes(), 1_u16.to_le_bytes()),
    };
    [&[1, 0][..], &place, &parent, &[0, 0]].concat()
}

/// A directory record (9.1), dated 1970 as nothing here has a date.
fn record(name: &[u8], place: u32, size: usize, is_folder: bool) -> Vec<u8> {
    const YEAR_MONTH_DAY: [u8; 7] = [70, 1, 1, 0, 0, 0, 0];
    let length = (33 + name.len()).next_multiple_of(2);
    let mut out = vec![byte(length), 0];
    out.extend([both_32(place), both_32(number(size))].concat());
    out.extend(YEAR_MONTH_DAY);
    out.extend([if is_folder { 2 } else { 0 }, 0, 0]);
    out.extend(both_16(1));
    out.push(byte(name.len()));
    out.extend(name);
    out.resize(length, 0);
    out
}

/// A number in both orders of bytes (7.2.3, 7.3.3).
fn both_16(number: u16) -> Vec<u8> {
    [number.to_le_bytes(), number.to_be_bytes()].concat()
}

fn both_32(number: u32) -> Vec<u8> {
    [number.to_le_bytes(), number.to_be_bytes()].concat()
}

/// Nothing here comes near to these limits: a seed is a few kilobytes.
fn number(value: usize) -> u32 {
    u32::try_from(value).unwrap_or(u32::MAX)
}

fn byte(value: usize) -> u8 {
    u8::try_from(value).unwrap_or(u8::MAX)
}

#[cfg(test)]
mod tests {
    use super::{SECTOR, write};

    #[test]
    fn every_part_is_where_its_record_says() {
        let long = vec![b'x'; SECTOR + 1];
        let image = write("CIDATA", &[("meta-data", b"one"), ("user-data", &long), ("vendor-data", b"")]);
        assert_eq!(image.len(), (21 + 1 + 2) * SECTOR);
        assert_eq!(&image[16 * SECTOR..][..6], b"\x01CD001");
        assert_eq!(&image[16 * SECTOR + 40..][..8], b"CIDATA  ");
        assert_eq!(image[17 * SECTOR], 0xff);
        let folder = &image[20 * SECTOR..21 * SECTOR];
        let at = folder.windows(12).position(|name| name == b"USER-DATA.;1").expect("its name") - 33;
        let number = |at: usize| u32::from_le_bytes(folder[at..at + 4].try_into().expect("four bytes")) as usize;
        assert_eq!(number(at + 10), long.len());
        assert_eq!(&image[number(at + 2) * SECTOR..][..long.len()], &long);
    }
}
