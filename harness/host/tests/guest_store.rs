//! The cache of micro guest images: one builder at a time, and damage and a full disk are noticed.
#![expect(clippy::disallowed_methods, clippy::unwrap_used, reason = "a test ends with a panic")]

use std::{env, fs, os::unix::fs::MetadataExt, path::Path, process::Command, thread};

use labrig_host::{
    apt::AptErrorKind,
    guest::{self, GuestErrorKind, cache_folder},
};
use nix::{
    mount::{MsFlags, mount},
    unistd::geteuid,
};

const INSIDE: &str = "LABRIG_TEST_INSIDE";

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
fn a_full_disk_is_told_and_the_next_try_works() {
    if env::var_os(INSIDE).is_none() {
        let mut command = Command::new("unshare");
        if !geteuid().is_root() {
            command.args(["--user", "--map-root-user"]);
        }
        command.args(["--mount", "--"]).arg(env::current_exe().unwrap());
        command.args(["--exact", "a_full_disk_is_told_and_the_next_try_works", "--nocapture"]).env(INSIDE, "1");
        assert!(command.status().unwrap().success(), "the test failed in its namespace");
        return;
    }
    let cache = tempfile::tempdir().unwrap();
    let size = |options: &str, flags| mount(Some("small"), cache.path(), Some("tmpfs"), flags, Some(options)).unwrap();
    // Enough for the packages, but not for what is in them.
    size("size=60m", MsFlags::empty());
    let error = guest::ensure(cache.path()).unwrap_err();
    assert!(error.doing.starts_with("unpack "), "{error}");
    assert!(matches!(error.kind, GuestErrorKind::Apt(AptErrorKind::DiskFull)), "{error}");
    assert!(error.kind.hint().is_some(), "{error}");
    let kept: Vec<_> = fs::read_dir(cache.path().join("guest")).unwrap().flatten().collect();
    assert!(kept.len() == 1 && kept[0].file_name() == "lock", "{kept:?}");
    size("size=400m", MsFlags::MS_REMOUNT);
    let image = guest::ensure(cache.path()).unwrap();
    assert_eq!(guest::cached(cache.path()), Some(image));
}

#[test]
fn the_cache_folder_is_the_users() {
    let at = |xdg: Option<&str>, home: Option<&str>| cache_folder(xdg.map(AsRef::as_ref), home.map(AsRef::as_ref));
    assert_eq!(at(Some("/var/cache/me"), Some("/home/me")).as_deref(), Some(Path::new("/var/cache/me/labrig")));
    assert_eq!(at(Some("relative"), Some("/home/me")).as_deref(), Some(Path::new("/home/me/.cache/labrig")));
    assert_eq!(at(None, None), None);
}
