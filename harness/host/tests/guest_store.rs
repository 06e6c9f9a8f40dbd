//! The cache of micro guest images: one builder at a time, and damage is noticed.
#![expect(clippy::unwrap_used, reason = "a test ends with a panic")]

use std::{fs, os::unix::fs::MetadataExt, path::Path, thread};

use labrig_host::guest::{self, cache_folder};

#[test]
fn two_that_ask_at_once_get_one_image_and_damage_is_mended() {
    let cache = tempfile::tempdir().unwrap();
    assert_eq!(guest::cached(cache.path()), None);

    let (one, other) = thread::scope(|scope| {
        let ask = || guest::ensure(cache.path()).unwrap();
        let (one, other) = (scope.spawn(ask), scope.spawn(ask));
        (one.join().unwrap(), other.join().unwrap())
    });
    assert_eq!(one, other);
    assert_eq!(guest::cached(cache.path()), Some(one.clone()));
    let mut names: Vec<_> =
        fs::read_dir(cache.path().join("guest")).unwrap().map(|entry| entry.unwrap().file_name()).collect();
    names.sort();
    assert_eq!(names.len(), 3, "an image, the note of the current one, the lock: {names:?}");

    let initramfs = one.dir.join("initramfs");
    let right = fs::read(&initramfs).unwrap();
    let inode = fs::metadata(&initramfs).unwrap().ino();
    let mut wrong = right.clone();
    wrong[right.len() / 2] ^= 1;
    fs::write(&initramfs, &wrong).unwrap();
    assert_eq!(guest::cached(cache.path()), None);
    assert_eq!(guest::ensure(cache.path()).unwrap(), one);
    // Built anew, and to the same bytes.
    assert_ne!(fs::metadata(&initramfs).unwrap().ino(), inode);
    assert!(fs::read(&initramfs).unwrap() == right);
}

#[test]
fn the_cache_folder_is_the_users() {
    let at = |xdg: Option<&str>, home: Option<&str>| cache_folder(xdg.map(AsRef::as_ref), home.map(AsRef::as_ref));
    assert_eq!(at(Some("/var/cache/me"), Some("/home/me")).as_deref(), Some(Path::new("/var/cache/me/labrig")));
    assert_eq!(at(Some("relative"), Some("/home/me")).as_deref(), Some(Path::new("/home/me/.cache/labrig")));
    assert_eq!(at(None, None), None);
}
