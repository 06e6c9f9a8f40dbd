//! Texts as they come: broken by terminals and mails, coloured, in other encodings, or no texts at all.

use std::io::Read;

use labrig_diagnose::{Catalogue, Diagnosis, Examination, Log};
use proptest::prelude::*;

const LINE: &str = "error: internal error: Network is already in use by interface virbr0";

fn examine(bytes: &[u8]) -> Vec<Diagnosis> {
    let mut examination = Examination::new(Catalogue::shipped());
    assert!(examination.log(Log::Unknown, "log", bytes).is_ok(), "memory can be read");
    examination.conclude()
}

fn found_at(bytes: &[u8]) -> Option<(String, u64)> {
    let first = examine(bytes).into_iter().next()?;
    let line = first.evidence.first()?.line;
    Some((first.id, line))
}

#[test]
fn a_text_is_found_however_it_is_written() {
    let expected = |line| Some(("subnet-in-use".to_owned(), line));
    assert_eq!(found_at(LINE.as_bytes()), expected(1));
    assert_eq!(found_at(format!("\r\n\r\n{LINE}\r\n").as_bytes()), expected(3));
    assert_eq!(found_at(format!("> > {}\n", LINE.replace(' ', "   ")).as_bytes()), expected(1));
    assert_eq!(
        found_at(b"\n\x1b[31merror:\x1b[0m Network is already in \x1b[1muse by interface\x1b[0m eno1\n"),
        expected(2)
    );
    assert_eq!(found_at(b" 10%\r 20%\r 30%\rNetwork is already in use by interface eno1"), expected(1));
    assert_eq!(found_at(b"Network is already in\n        use by\n   interface eno1\n"), expected(1));
    assert_eq!(found_at("错误：内部错误：接口 virbr0 已在使用网络".as_bytes()), expected(1));
    let utf16: Vec<u8> = format!("\u{feff}first\r\n{LINE}").encode_utf16().flat_map(u16::to_le_bytes).collect();
    assert_eq!(found_at(&utf16), expected(2));
    let without_mark: Vec<u8> = LINE.encode_utf16().flat_map(u16::to_be_bytes).collect();
    assert_eq!(found_at(&without_mark), expected(1));
}

/// Wherever in a log the message is, also where two pages of it meet.
#[test]
fn a_text_is_found_wherever_it_is() {
    for before in [0_usize, 16_000, 16_380, 16_384, 16_390, 40_000] {
        let filler = "Nov 23 06:00:00 host systemd[1]: Started something that works as it should.\n";
        let text = format!("{}{LINE}\n{}", filler.repeat(before), filler.repeat(20));
        assert_eq!(found_at(text.as_bytes()), Some(("subnet-in-use".to_owned(), before as u64 + 1)), "{before}");
    }
    let long = format!("{}{LINE}{}", "x ".repeat(200_000), " y".repeat(200_000));
    assert_eq!(found_at(long.as_bytes()), Some(("subnet-in-use".to_owned(), 1)));
}

/// A message that repeats without end takes no more room than one.
#[test]
fn a_log_of_one_message_is_one_diagnosis() {
    let text = format!("{LINE}\n").repeat(50_000);
    let all = examine(text.as_bytes());
    assert_eq!(all.len(), 1);
    assert!(all.iter().all(|one| one.evidence.len() <= 5));
}

#[test]
fn what_was_read_before_an_error_counts() {
    struct Broken;
    impl Read for Broken {
        fn read(&mut self, _: &mut [u8]) -> std::io::Result<usize> {
            Err(std::io::Error::other("the disk is gone"))
        }
    }
    let mut examination = Examination::new(Catalogue::shipped());
    let filled = format!("{LINE}\n{}", "\n".repeat(1000));
    assert!(examination.log(Log::Unknown, "log", filled.as_bytes().chain(Broken)).is_err());
    assert_eq!(examination.conclude().len(), 1);
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(200))]

    #[test]
    fn bytes_never_make_it_panic(bytes in prop::collection::vec(any::<u8>(), 0..4096)) {
        examine(&bytes);
    }

    #[test]
    fn a_text_among_bytes_never_makes_it_panic(before in prop::collection::vec(any::<u8>(), 0..64), behind in "\\PC{0,64}") {
        let mut bytes = before;
        bytes.extend_from_slice(LINE.as_bytes());
        bytes.extend_from_slice(behind.as_bytes());
        bytes.extend_from_slice(b" apparmor=\"DENIED\" operation=\"");
        examine(&bytes);
    }
}
