//! Which descriptors are netlink sockets.

use std::ffi::CString;

use crate::{Tid, raw};

/// Whether a descriptor of a task is a netlink socket: the kernel keeps the name of a socket's family in
/// an attribute (`net/socket.c:sockfs_xattr_get()`, Linux 6.1).
pub(crate) fn is_netlink(tid: Tid, fd: i32) -> bool {
    let mut family = [0; 16];
    CString::new(format!("/proc/{tid}/fd/{fd}"))
        .is_ok_and(|path| raw::attribute(&path, c"system.sockprotoname", &mut family).is_ok())
        && family.starts_with(b"NETLINK\0")
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::os::fd::AsRawFd;

    #[test]
    fn files_and_other_sockets_are_none() {
        let own = std::process::id() as Tid;
        let socket = std::net::UdpSocket::bind("127.0.0.1:0");
        let fd = socket.as_ref().map_or(-1, AsRawFd::as_raw_fd);
        for fd in [fd, 0, -1, 1 << 20] {
            assert!(!is_netlink(own, fd));
        }
    }
}
