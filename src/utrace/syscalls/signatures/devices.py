"""ioctl by command: what few programs ask of terminals, interfaces, files and devices."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from utrace.syscalls import argtypes as t
from utrace.syscalls import layouts as s
from utrace.syscalls import layouts_devices as d
from utrace.syscalls.layouts_devices import by_name
from utrace.syscalls.layouts_options import INTERFACE
from utrace.syscalls.layouts_tasks import SECCOMP_NOTIF, SECCOMP_NOTIF_ADDFD, SECCOMP_NOTIF_RESP
from utrace.syscalls.pointers import Array, InOut, Out, Ptr, String
from utrace.syscalls.structs import Chars, Pad, Struct

if TYPE_CHECKING:
    from collections.abc import Mapping

_MODEM: Final = t.Flags("modem_lines", "TIOCM_???")
_FSXATTR: Final = Struct(
    fsx_xflags=t.Flags("fs_xflags", "FS_XFLAG_???"),
    fsx_extsize=t.UINT,
    fsx_nextents=t.UINT,
    fsx_projid=t.UINT,
    fsx_cowextsize=t.UINT,
    _pad=Pad(8),
)
_FS_FLAGS: Final = t.Flags("fs_flags", "FS_???_FL")
_CLONE_RANGE: Final = Struct(src_fd=d.WIDE_FD, src_offset=t.U64, src_length=t.U64, dest_offset=t.U64)
_RANGE: Final = Array(t.U64, 2)
_PERF_FLAGS: Final = t.Flags("perf_ioctl", "PERF_IOC_FLAG_???", "ulong")

_TERMINALS: Final[Mapping[str, t.ArgType]] = {
    "TCGETS2": Out(s.TERMIOS2),
    "TCSETS2 TCSETSW2 TCSETSF2": Ptr(s.TERMIOS2),
    "TIOCGLCKTRMIOS": Out(s.TERMIOS),
    "TIOCSLCKTRMIOS": Ptr(s.TERMIOS),
    "TCGETA": Out(s.TERMIO),
    "TCSETA TCSETAW TCSETAF": Ptr(s.TERMIO),
    "TIOCMGET": Out(_MODEM),
    "TIOCMSET TIOCMBIS TIOCMBIC": Ptr(_MODEM),
    "TIOCGSOFTCAR TIOCGEXCL TIOCGPKT": Out(t.INT),
    "TIOCSSOFTCAR TIOCPKT": Ptr(t.INT),
    "TIOCSTI": Ptr(d.ONE_CHARACTER),
    "TIOCCONS TIOCVHANGUP": t.MISSING,
    "TIOCGICOUNT": Out(d.SERIAL_COUNTS),
    "TIOCGDEV": Out(t.DEVICE),
    "TIOCGPTPEER": t.HEX,
    "TIOCMIWAIT": t.HEX,
}
_INTERFACES: Final[Mapping[str, t.ArgType]] = {
    "SIOCGIFFLAGS": by_name("ifr_flags", d.INTERFACE_FLAGS, asks=True),
    "SIOCSIFFLAGS": by_name("ifr_flags", d.INTERFACE_FLAGS, asks=False),
    "SIOCGIFADDR": by_name("ifr_addr", d.SOCKET_ADDRESS, asks=True),
    "SIOCSIFADDR": by_name("ifr_addr", d.SOCKET_ADDRESS, asks=False),
    "SIOCGIFNETMASK": by_name("ifr_netmask", d.SOCKET_ADDRESS, asks=True),
    "SIOCSIFNETMASK": by_name("ifr_netmask", d.SOCKET_ADDRESS, asks=False),
    "SIOCGIFBRDADDR": by_name("ifr_broadaddr", d.SOCKET_ADDRESS, asks=True),
    "SIOCSIFBRDADDR": by_name("ifr_broadaddr", d.SOCKET_ADDRESS, asks=False),
    "SIOCGIFDSTADDR": by_name("ifr_dstaddr", d.SOCKET_ADDRESS, asks=True),
    "SIOCSIFDSTADDR": by_name("ifr_dstaddr", d.SOCKET_ADDRESS, asks=False),
    "SIOCGIFMETRIC": by_name("ifr_metric", t.INT, asks=True),
    "SIOCSIFMETRIC": by_name("ifr_metric", t.INT, asks=False),
    "SIOCGIFMTU": by_name("ifr_mtu", t.INT, asks=True),
    "SIOCSIFMTU": by_name("ifr_mtu", t.INT, asks=False),
    "SIOCGIFTXQLEN": by_name("ifr_qlen", t.INT, asks=True),
    "SIOCSIFTXQLEN": by_name("ifr_qlen", t.INT, asks=False),
    "SIOCGIFINDEX": by_name("ifr_ifindex", t.INT, asks=True),
    "SIOCGIFNAME": d.InterfaceRequest(("ifr_ifindex", t.INT), ("ifr_name", d.INTERFACE_NAME), asks=True),
    "SIOCSIFNAME": by_name("ifr_newname", d.INTERFACE_NAME, asks=False),
    "SIOCGIFSLAVE": by_name("ifr_slave", d.INTERFACE_NAME, asks=True),
    "SIOCSIFSLAVE": by_name("ifr_slave", d.INTERFACE_NAME, asks=False),
    "SIOCGIFHWADDR": by_name("ifr_hwaddr", d.HARDWARE_ADDRESS, asks=True),
    "SIOCSIFHWADDR SIOCADDMULTI SIOCDELMULTI SIOCSIFHWBROADCAST": by_name(
        "ifr_hwaddr", d.HARDWARE_ADDRESS, asks=False
    ),
    "SIOCGIFMAP": by_name("ifr_map", d.INTERFACE_MAP, asks=True),
    "SIOCSIFMAP": by_name("ifr_map", d.INTERFACE_MAP, asks=False),
    "SIOCGIFCONF": d.InterfaceList(),
    "SIOCBRADDBR SIOCBRDELBR": String(),
    "SIOCBRADDIF SIOCBRDELIF": Ptr(Struct(_name=Chars(16), ifr_ifindex=INTERFACE)),
    "SIOCGPGRP FIOGETOWN": Out(t.PID),
    "SIOCSPGRP FIOSETOWN": Ptr(t.PID),
    "SIOCATMARK SIOCOUTQNSD": Out(t.INT),
    "SIOCGSTAMP_OLD": Out(s.TIMEVAL),
    "SIOCGSTAMPNS_OLD": Out(s.TIMESPEC),
    "TUNSETIFF": Ptr(d.TUN_REQUEST),
    "TUNGETIFF": Out(d.TUN_REQUEST),
    "TUNGETFEATURES": Out(d.TUN_FLAGS),
    "TUNSETOFFLOAD": t.Flags("tun_offload", "TUN_F_???"),
    "TUNSETOWNER TUNSETGROUP TUNSETPERSIST TUNSETLINK TUNSETDEBUG TUNSETNOCSUM": t.HEX,
    "TUNSETSNDBUF TUNSETVNETHDRSZ TUNSETVNETLE TUNSETVNETBE TUNSETCARRIER": Ptr(t.INT),
    "TUNGETSNDBUF TUNGETVNETHDRSZ TUNGETVNETLE TUNGETVNETBE": Out(t.INT),
}
_FILES: Final[Mapping[str, t.ArgType]] = {
    "FS_IOC_FIEMAP": d.FIEMAP,
    "FIDEDUPERANGE": d.DEDUPE,
    "FITRIM": InOut(d.TRIM),
    "FIFREEZE FITHAW": t.MISSING,
    "FIBMAP": InOut(t.INT),
    "FS_IOC_GETFSLABEL": Out(String()),
    "FS_IOC_SETFSLABEL": String(),
    "FS_IOC_SETVERSION": Ptr(t.INT),
    "FS_IOC_SETFLAGS": Ptr(_FS_FLAGS),
    "FS_IOC_FSGETXATTR": Out(_FSXATTR),
    "FS_IOC_FSSETXATTR": Ptr(_FSXATTR),
    "FICLONERANGE": Ptr(_CLONE_RANGE),
    "BLKGETSIZE64": Out(t.U64),
    "BLKGETSIZE": Out(t.ULONG),
    "BLKRRPART BLKFLSBUF": t.MISSING,
    "BLKROSET BLKBSZSET": Ptr(t.INT),
    "BLKROGET BLKSSZGET BLKBSZGET BLKALIGNOFF": Out(t.INT),
    "BLKRASET BLKFRASET": t.ULONG,
    "BLKRAGET BLKFRAGET": Out(t.ULONG),
    "BLKIOMIN BLKIOOPT BLKPBSZGET BLKDISCARDZEROES": Out(t.UINT),
    "BLKSECTGET BLKROTATIONAL": Out(t.U16),
    "BLKDISCARD BLKSECDISCARD BLKZEROOUT": _RANGE,
    "LOOP_SET_FD LOOP_CHANGE_FD": t.FD,
    "LOOP_CLR_FD LOOP_SET_CAPACITY LOOP_CTL_GET_FREE": t.MISSING,
    "LOOP_SET_STATUS": Ptr(d.LOOP_INFO),
    "LOOP_GET_STATUS": Out(d.LOOP_INFO),
    "LOOP_SET_STATUS64": Ptr(d.LOOP_INFO64),
    "LOOP_GET_STATUS64": Out(d.LOOP_INFO64),
    "LOOP_CONFIGURE": Ptr(d.LOOP_CONFIG),
    "LOOP_CTL_ADD LOOP_CTL_REMOVE": t.INT,
    "LOOP_SET_DIRECT_IO LOOP_SET_BLOCK_SIZE": t.ULONG,
}
_OTHERS: Final[Mapping[str, t.ArgType]] = {
    "RNDGETENTCNT NS_GET_PID_FROM_PIDNS NS_GET_TGID_FROM_PIDNS": Out(t.INT),
    "NS_GET_OWNER_UID": Out(t.ID),
    "NS_GET_NSTYPE NS_GET_USERNS NS_GET_PARENT": t.MISSING,
    "NS_GET_MNTNS_ID NS_GET_ID": Out(t.HEX64),
    "PERF_EVENT_IOC_ENABLE PERF_EVENT_IOC_DISABLE PERF_EVENT_IOC_RESET": _PERF_FLAGS,
    "PERF_EVENT_IOC_SET_OUTPUT PERF_EVENT_IOC_SET_BPF": t.FD,
    "PERF_EVENT_IOC_PERIOD": Ptr(t.U64),
    "PERF_EVENT_IOC_ID": Out(t.U64),
    "PERF_EVENT_IOC_SET_FILTER": String(),
    "SECCOMP_IOCTL_NOTIF_RECV": Out(SECCOMP_NOTIF),
    "SECCOMP_IOCTL_NOTIF_SEND": Ptr(SECCOMP_NOTIF_RESP),
    "SECCOMP_IOCTL_NOTIF_ID_VALID": Ptr(t.HEX64),
    "SECCOMP_IOCTL_NOTIF_ADDFD": Ptr(SECCOMP_NOTIF_ADDFD),
    "UFFDIO_API": InOut(d.UFFD_API, merged=True),
    "UFFDIO_REGISTER": InOut(d.UFFD_REGISTER, merged=True),
    "UFFDIO_UNREGISTER UFFDIO_WAKE": Ptr(d.UFFD_RANGE),
    "UFFDIO_COPY": InOut(d.UFFD_COPY, merged=True),
    "UFFDIO_ZEROPAGE": InOut(d.UFFD_ZEROPAGE, merged=True),
    "UFFDIO_WRITEPROTECT": Ptr(d.UFFD_WRITEPROTECT),
    "RTC_ALM_SET": Ptr(d.RTC_TIME),
    "RTC_ALM_READ": Out(d.RTC_TIME),
    "RTC_WKALM_SET": Ptr(d.RTC_ALARM),
    "RTC_IRQP_SET RTC_EPOCH_SET": t.ULONG,
    "RTC_IRQP_READ RTC_EPOCH_READ": Out(t.ULONG),
    "RTC_VL_READ": Out(t.Flags("rtc_low", "RTC_VL_???")),
    "RTC_AIE_ON RTC_AIE_OFF RTC_UIE_ON RTC_UIE_OFF RTC_PIE_ON RTC_PIE_OFF RTC_WIE_ON RTC_WIE_OFF": t.MISSING,
    "WDIOC_KEEPALIVE": t.MISSING,
    "WDIOC_SETTIMEOUT WDIOC_SETPRETIMEOUT": InOut(t.INT),
    "WDIOC_GETTIMEOUT WDIOC_GETPRETIMEOUT WDIOC_GETTIMELEFT WDIOC_GETTEMP": Out(t.INT),
    "WDIOC_GETSTATUS WDIOC_GETBOOTSTATUS": Out(t.Flags("watchdog_flags", "WDIOF_???")),
    "WDIOC_SETOPTIONS": Ptr(t.Flags("watchdog_options", "WDIOS_???")),
    "WDIOC_GETSUPPORT": Out(d.WATCHDOG_INFO),
    "KVM_CREATE_VM KVM_CHECK_EXTENSION KVM_CREATE_VCPU": t.HEX,
    "KVM_GET_API_VERSION KVM_GET_VCPU_MMAP_SIZE KVM_RUN": t.MISSING,
}
_NAMED_ELSEWHERE: Final[Mapping[str, t.ArgType]] = {
    "RTC_SET_TIME": Ptr(d.RTC_TIME),
    "RTC_RD_TIME": Out(d.RTC_TIME),
    "RTC_WKALM_RD": Out(d.RTC_ALARM),
    "EVIOCGVERSION": Out(t.HEX32),
    "EVIOCGID": Out(d.INPUT_ID),
    "EVIOCGREP": Out(Array(t.UINT, 2)),
    "EVIOCSREP": Array(t.UINT, 2),
    "EVIOCGRAB EVIOCREVOKE": t.INT,
}

REST: Final = t.Choice(
    "request",
    "ioctl",
    {**_TERMINALS, **_INTERFACES, **_FILES, **_OTHERS},
    t.Choice("request", "ioctl_more", _NAMED_ELSEWHERE, t.ADDRESS),
)
