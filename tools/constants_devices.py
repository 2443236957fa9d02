"""Sets of constants that few programs need: what ioctl passes to terminals, interfaces, files and devices."""

from __future__ import annotations

from typing import Final

from constant_kinds import EnumSet, FlagSet, enum, flags

#: The numbers of the requests of a userfaultfd, as bits.
_UFFD_IOCTLS: Final = {
    f"1<<_UFFDIO_{name}": 1 << number
    for number, name in (
        (0, "REGISTER"),
        (1, "UNREGISTER"),
        (2, "WAKE"),
        (3, "COPY"),
        (4, "ZEROPAGE"),
        (5, "MOVE"),
        (6, "WRITEPROTECT"),
        (7, "CONTINUE"),
        (8, "POISON"),
        (0x3F, "API"),
    )
}

SETS: Final[dict[str, FlagSet | EnumSet]] = {
    "ioctl_more": EnumSet(
        (
            "linux/input.h",
            "linux/uinput.h",
            "linux/rtc.h",
            "linux/kvm.h",
            "linux/videodev2.h",
            "linux/cdrom.h",
            "linux/hdreg.h",
            "linux/mtio.h",
            "linux/ppp-ioctl.h",
            "linux/vfio.h",
            "linux/dma-buf.h",
            "linux/fsverity.h",
            "linux/usbdevice_fs.h",
            "linux/userfaultfd.h",
            "linux/hidraw.h",
            "linux/pps.h",
            "linux/ptp_clock.h",
            "linux/nbd.h",
            "linux/watchdog.h",
            "linux/tee.h",
            "linux/udmabuf.h",
            "linux/gpio.h",
            "linux/i2c-dev.h",
        ),
        r"(EVIOC|UI_|RTC_|KVM_|VIDIOC_|CDROM|HDIO_|MTIOC|PPPIOC|VFIO_|DMA_BUF_|FS_IOC_|USBDEVFS_"
        r"|UFFDIO_|HIDIOC|PPS_|PTP_|NBD_|WDIOC_|TEE_IOC|UDMABUF_|GPIO_|I2C_)[A-Z0-9_]+",
        r"(RTC_(AF|PF|UF|IRQF|VL_DATA|VL_BACK|VL_ACC|FEATURE|BSM|PARAM_(?!GET|SET)).*|.*_MAX|KVM_(CAP|EXIT|REG|GUESTDBG"
        r"|MEM_|IRQ|MP_STATE|SYSTEM|PIT|X86|HYPERV|MSR|DIRTY|API).*|VFIO_(REGION|PCI|DEVICE_(FLAGS|STATE)|IRQ|TYPE|SPAPR"
        r"|EEH|DMA_(MAP|UNMAP)_FLAG|API_).*|I2C_M_.*|CDROM_(?!.*(EJECT|SEEK|SELECT|GET|SET|RESET|SEND|MEDIA|DISC"
        r"|DRIVE|LOCK|DEBUG|LAST|NEXT|CLEAR|CHANGER)).*|USBDEVFS_(URB|CAP|DISCONNECT_CLAIM_).*)",
        same_everywhere=False,
    ),
    "input_axis": enum("linux/input-event-codes.h", r"ABS_[A-Z0-9_]+", "ABS_(MAX|CNT|RESERVED)"),
    "modem_lines": flags(
        "asm/termios.h",
        r"TIOCM_[A-Z0-9]+",
        r"TIOCM_(CD|RI|OUT\d|LOOP)",
        TIOCM_OUT1=0x2000,
        TIOCM_OUT2=0x4000,
        TIOCM_LOOP=0x8000,
    ),
    "packet_mode": flags("asm/ioctls.h", r"TIOCPKT_[A-Z]+", "TIOCPKT_DATA"),
    "fiemap_flags": flags("linux/fiemap.h", r"FIEMAP_FLAG_\w+"),
    "fiemap_extent": flags("linux/fiemap.h", r"FIEMAP_EXTENT_\w+"),
    "dedupe_status": enum("linux/fs.h", "FILE_DEDUPE_RANGE_SAME FILE_DEDUPE_RANGE_DIFFERS"),
    "loop_flags": flags("linux/loop.h", r"LO_FLAGS_\w+"),
    "loop_crypt": enum("linux/loop.h", r"LO_CRYPT_\w+"),
    "tun_flags": flags("linux/if_tun.h", r"IFF_\w+", "IFF_NOFILTER|IFF_NAPI(_FRAGS)?|IFF_NO_CARRIER"),
    "tun_offload": flags("linux/if_tun.h", r"TUN_F_\w+"),
    "uffd_features": flags("linux/userfaultfd.h", r"UFFD_FEATURE_\w+"),
    "uffd_ioctls": FlagSet(("linux/fs.h",), "", extra=_UFFD_IOCTLS),
    "uffd_register": flags("linux/userfaultfd.h", r"UFFDIO_REGISTER_MODE_\w+"),
    "uffd_copy": flags("linux/userfaultfd.h", r"UFFDIO_COPY_MODE_\w+"),
    "uffd_zeropage": flags("linux/userfaultfd.h", r"UFFDIO_ZEROPAGE_MODE_\w+"),
    "uffd_writeprotect": flags("linux/userfaultfd.h", r"UFFDIO_WRITEPROTECT_MODE_\w+"),
    "watchdog_options": flags("linux/watchdog.h", r"WDIOS_\w+", "WDIOS_UNKNOWN"),
    "watchdog_flags": flags("linux/watchdog.h", r"WDIOF_\w+", "WDIOF_UNKNOWN"),
    "rtc_low": flags("linux/rtc.h", r"RTC_VL_[A-Z_]+", "RTC_VL_(READ|CLR)"),
    "input_event": enum("linux/input-event-codes.h", r"EV_[A-Z_]+", "EV_(VERSION|MAX|CNT)"),
}
