//! Images that come as a whole, as a vendor offers them: with partitions and a boot loader, which the firmware starts.
//! One comes from a web server and boots. One is in a file, and its cloud-init fails: the run ends with its words.
//!
//! Both are the shipped Debian, with GRUB before it.
#![expect(clippy::expect_used, clippy::panic, reason = "a test fails by panicking")]

mod support;

use std::{
    fs,
    io::{self, Read, Write},
    net::TcpListener,
    os::unix::fs::symlink,
    path::{Path, PathBuf},
    process::Command,
    thread,
};

use labrig_bringup::{catalogue, places::Places};
use labrig_host::{apt, guest, image::Shelf};
use support::{
    command::{Said, assert_code, assert_says, labrig, say},
    lab::LABS,
};
use tempfile::TempDir;

/// Where the partition begins, in bytes: where partitions have begun since disks have sectors of 4 KiB.
const PARTITION: usize = 1 << 20;

/// What GRUB is told: to start the kernel that the image has.
const GRUB: &str = "set root=(hd0,msdos1)\n\
    linux /vmlinuz root=/dev/vda1 rw console=ttyS0 panic=1 mitigations=off cryptomgr.notests tsc=reliable no_timer_check\n\
    initrd /initrd.img\nboot\n";

/// What makes cloud-init fail.
const BROKEN: &str = "runcmd:\n - [sh, -c, 'exit 3']\n";

fn run(command: &mut Command) {
    let said = say(command);
    assert_eq!(said.code, Some(0), "{command:?}: {said}");
}

/// The disk of the shipped Debian: a file system without partitions.
fn debian() -> PathBuf {
    let catalogue = catalogue::read(&support::root().join("scenarios/images.toml")).expect("the catalogue");
    let image = catalogue.images().first().expect("an image");
    Shelf::within(&Places::from_environment().cache).build(image).expect("the image").disk()
}

/// GRUB, out of the repository that nodes are installed from, as what stands before the partition: its boot sector, and
/// GRUB itself in the gap behind it.
fn grub(folder: &Path) -> Vec<u8> {
    let path = support::root().join(LABS).join("install.toml");
    let bytes = fs::read(&path).expect("a scenario");
    let lab = labrig_plan::load("install.toml", &bytes).unwrap_or_else(|findings| panic!("{findings}"));
    let wanted = lab.upstream.origins[0].repository.as_ref().expect("a repository");
    let repository = apt::repository(&Places::from_environment().cache, &wanted.packages).expect("the repository");
    let root = folder.join("grub");
    let wanted = ["grub-common_", "grub-pc-bin_", "libdevmapper"];
    let pool = fs::read_dir(repository.folder.join("pool")).expect("a pool").flatten().map(|entry| entry.path());
    for deb in pool.filter(|deb| wanted.iter().any(|name| deb.display().to_string().contains(&format!("/{name}")))) {
        run(Command::new("dpkg-deb").arg("-x").arg(deb).arg(&root));
    }
    let (config, core) = (folder.join("grub.cfg"), folder.join("core.img"));
    fs::write(&config, GRUB).expect("a file");
    let modules = root.join("usr/lib/grub/i386-pc");
    let mut mkimage = Command::new(root.join("usr/bin/grub-mkimage"));
    mkimage.args(["-O", "i386-pc", "-p", "/boot/grub", "-d"]).arg(&modules).arg("-c").arg(config).arg("-o").arg(&core);
    mkimage.args(["biosdisk", "part_msdos", "ext2", "linux", "normal"]);
    run(mkimage.env("LD_LIBRARY_PATH", root.join("lib/x86_64-linux-gnu")));

    let (boot, core) = (fs::read(modules.join("boot.img")).expect("GRUB"), fs::read(core).expect("GRUB"));
    let mut head = vec![0; PARTITION];
    // The boot sector loads the sector behind it, as it comes, and that one all others.
    head[..440].copy_from_slice(&boot[..440]);
    head[512..512 + core.len()].copy_from_slice(&core);
    head
}

/// Enters one partition of so many bytes, bootable, of Linux's type, and signs the table.
fn partition(head: &mut [u8], size: u64) {
    let sectors = |bytes: u64| u32::try_from(bytes / 512).expect("a small disk").to_le_bytes();
    head[446..462].copy_from_slice(&[0x80, 0xfe, 0xff, 0xff, 0x83, 0xfe, 0xff, 0xff, 0, 0, 0, 0, 0, 0, 0, 0]);
    head[454..458].copy_from_slice(&sectors(PARTITION as u64));
    head[458..462].copy_from_slice(&sectors(size));
    head[510..512].copy_from_slice(&[0x55, 0xaa]);
}

/// A web server with this file, and its address.
fn serve(file: PathBuf) -> String {
    let listener = TcpListener::bind("127.0.0.1:0").expect("a port");
    let url = format!("http://{}/disk.qcow2", listener.local_addr().expect("an address"));
    thread::spawn(move || {
        for mut stream in listener.incoming().flatten() {
            let _ = stream.read(&mut [0; 4096]);
            let mut file = fs::File::open(&file).expect("the file");
            let length = file.metadata().expect("the file").len();
            let _ = write!(stream, "HTTP/1.1 200 OK\r\ncontent-length: {length}\r\nconnection: close\r\n\r\n")
                .and_then(|()| io::copy(&mut file, &mut stream));
        }
    });
    url
}

/// Brings up a lab of one node with this image.
fn brought_up(folder: &Path, image: &str) -> Said {
    let scenario = folder.join(format!("{image}.toml"));
    let text = format!(
        "description = \"A node with a vendor's image\"\n[network.lab]\nsubnet = \"192.168.97.0/24\"\n\
         [node.one]\nmemory = \"512MiB\"\ninstall = {{ image = \"{image}\" }}\n\
         [[check]]\nssh = {{ node = \"one\", run = \"findmnt -no SOURCE /\", stdout = \"/dev/vda1\" }}\n"
    );
    fs::write(&scenario, text).expect("a file");
    say(labrig(&folder.join("runs")).env("LABRIG_CACHE", folder.join("cache")).arg("run").arg(scenario))
}

#[test]
fn the_firmware_boots_them() {
    let folder = TempDir::new_in(env!("CARGO_TARGET_TMPDIR")).expect("a folder");
    let folder = folder.path();
    // The micro guest of every day will do; the images are of no use to anyone else.
    let cache = Places::from_environment().cache;
    guest::ensure(&cache).expect("a micro guest");
    fs::create_dir(folder.join("cache")).expect("a folder");
    symlink(cache.join("guest"), folder.join("cache/guest")).expect("a link");

    let debian = debian();
    let (head, whole, raw) = (folder.join("head"), folder.join("whole.qcow2"), folder.join("raw"));
    let mut bytes = grub(folder);
    partition(&mut bytes, fs::metadata(&debian).expect("the image").len());
    fs::write(&head, bytes).expect("a file");
    for (format, disk) in [("qcow2", &whole), ("raw", &raw)] {
        run(Command::new("qemu-img").args(["convert", "-f", "raw", "-O", format]).args([&head, &debian, disk]));
    }
    let (config, commands) = (folder.join("broken.cfg"), folder.join("commands"));
    fs::write(&config, BROKEN).expect("a file");
    fs::write(&commands, format!("cd /etc/cloud/cloud.cfg.d\nwrite {} 95-broken.cfg\n", config.display()))
        .expect("a file");
    let place = format!("{}?offset={PARTITION}", raw.display());
    run(Command::new("debugfs").args(["-w", "-f"]).arg(&commands).arg(place));
    let broken = folder.join("broken.qcow2");
    run(Command::new("qemu-img").args(["convert", "-f", "raw", "-O", "qcow2"]).args([&raw, &broken]));

    let sum = say(Command::new("sha256sum").arg(&whole)).stdout;
    let sha256 = sum.split(' ').next().unwrap_or_default();
    let catalogue = folder.join("images.toml");
    let url = serve(whole);
    let text =
        format!("[image.whole]\nurl = \"{url}\"\nsha256 = \"{sha256}\"\n[image.broken]\nfile = \"broken.qcow2\"\n");
    fs::write(&catalogue, text).expect("a file");
    let mut build = labrig(&folder.join("runs"));
    build.env("LABRIG_CACHE", folder.join("cache")).args(["images", "build", "--catalogue"]).arg(&catalogue);
    run(&mut build);

    let (whole, broken) = thread::scope(|scope| {
        let broken = scope.spawn(|| brought_up(folder, "broken"));
        (brought_up(folder, "whole"), broken.join().expect("it ends"))
    });
    assert_code(&whole, 0);
    assert_code(&broken, 1);
    assert_says(&broken.stderr, &["failed in stage reach", "node one: cloud-init failed: ", "error", "runcmd"]);
}
