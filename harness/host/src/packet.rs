//! Ethernet frames as an interface sees them (packet(7)).

use std::{fs::File, io, mem, os::fd::AsRawFd};

use nix::{
    errno::Errno,
    libc,
    net::if_::if_nametoindex,
    sys::socket::{AddressFamily, SockFlag, SockType, socket},
};

/// A place in a frame, in bytes from its beginning, and what stands there for UDP over IPv4 (RFC 894, RFC 791).
const ETHERTYPE: (u32, u32) = (12, 0x0800);
const PROTOCOL: (u32, u32) = (23, 17);
/// Where flags and fragment offset stand, and the bits of the offset: what is no first fragment has no ports.
const FRAGMENT: (u32, u32) = (20, 0x1fff);
/// Where the IP header begins.
const IP: u32 = 14;

/// Opens an interface: what is read from the file are the frames that come and go there, one a time, and what is written
/// goes out. With `ports`, only UDP datagrams over IPv4 to one of these two are read.
///
/// # Errors
/// Where there is no such interface, or frames are not for the caller (`CAP_NET_RAW`).
pub(crate) fn open(interface: &str, ports: Option<[u16; 2]>) -> io::Result<File> {
    let index = if_nametoindex(interface)?;
    // Of no protocol at first, so that nothing is heard that was there before the filter.
    let socket = socket(AddressFamily::Packet, SockType::Raw, SockFlag::SOCK_CLOEXEC, None)?;
    if let Some(ports) = ports {
        let mut filter = udp_to(ports);
        let program = libc::sock_fprog { len: filter.len() as u16, filter: filter.as_mut_ptr() };
        // SAFETY: the program and its instructions are valid for the length of the call, which copies both.
        let result = unsafe {
            libc::setsockopt(
                socket.as_raw_fd(),
                libc::SOL_SOCKET,
                libc::SO_ATTACH_FILTER,
                (&raw const program).cast(),
                size_of_val(&program) as libc::socklen_t,
            )
        };
        Errno::result(result)?;
    }
    // SAFETY: all bytes zero are a `sockaddr_ll`.
    let mut address: libc::sockaddr_ll = unsafe { mem::zeroed() };
    address.sll_family = libc::AF_PACKET as u16;
    // Only who hears all protocols hears what goes out.
    address.sll_protocol = (libc::ETH_P_ALL as u16).to_be();
    address.sll_ifindex = index as i32;
    // SAFETY: `address` is a `sockaddr_ll` of the size given, which the call only reads.
    let result = unsafe {
        libc::bind(socket.as_raw_fd(), (&raw const address).cast(), size_of_val(&address) as libc::socklen_t)
    };
    Errno::result(result)?;
    Ok(File::from(socket))
}

/// The kernel's program (its Documentation/networking/filter.rst) that lets through UDP datagrams to these ports. Its jumps
/// count instructions from the next one: where nothing is said otherwise, they lead to the one before the last.
fn udp_to(ports: [u16; 2]) -> [libc::sock_filter; 12] {
    let load = |size: u32, mode: u32, at: u32| instruction(libc::BPF_LD | size | mode, at, 0, 0);
    let jump = |test: u32, value: u32, then: u8, or: u8| instruction(libc::BPF_JMP | test, value, then, or);
    [
        load(libc::BPF_H, libc::BPF_ABS, ETHERTYPE.0),
        jump(libc::BPF_JEQ, ETHERTYPE.1, 0, 8),
        load(libc::BPF_B, libc::BPF_ABS, PROTOCOL.0),
        jump(libc::BPF_JEQ, PROTOCOL.1, 0, 6),
        load(libc::BPF_H, libc::BPF_ABS, FRAGMENT.0),
        jump(libc::BPF_JSET, FRAGMENT.1, 4, 0),
        // The length of the IP header, which has options or not; behind it and the source stands the destination.
        instruction(libc::BPF_LDX | libc::BPF_B | libc::BPF_MSH, IP, 0, 0),
        load(libc::BPF_H, libc::BPF_IND, IP + 2),
        // These two lead to the last one.
        jump(libc::BPF_JEQ, ports[0].into(), 2, 0),
        jump(libc::BPF_JEQ, ports[1].into(), 1, 0),
        instruction(libc::BPF_RET, 0, 0, 0),
        instruction(libc::BPF_RET, u16::MAX.into(), 0, 0),
    ]
}

/// No code is larger than a byte (linux/bpf_common.h).
const fn instruction(code: u32, k: u32, jt: u8, jf: u8) -> libc::sock_filter {
    libc::sock_filter { code: code as u16, jt, jf, k }
}
