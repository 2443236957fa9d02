//! Return addresses of a stopped thread, by the unwind tables of the files it has mapped.

use std::collections::HashMap;
use std::fs;
use std::sync::Arc;

use framehop::{
    CacheNative, ExplicitModuleSectionInfo, FrameAddress, MayAllocateDuringUnwind, Module,
    UnwindRegsNative, Unwinder, UnwinderNative,
};
use object::{Object, ObjectSection, ObjectSegment};
use utrace_sys::{Tid, memory};

use crate::maps::{Mapping, executable};

type Data = Arc<[u8]>;

const PAGE: u64 = 4096;

/// One frame: where in which file.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Frame {
    /// The file, "" if the address is in none.
    pub path: Arc<str>,
    /// The address as in the file, or, without one, in memory.
    pub address: u64,
    /// Whether it is a return address: what called stands before it.
    pub is_caller: bool,
}

/// What a file has to unwind by.
struct Image {
    sections: Sections,
    /// Segments: where in the file, how long, where in its own addresses.
    segments: Vec<(u64, u64, u64)>,
}

#[derive(Clone, Default)]
struct Sections {
    text: Option<(u64, u64)>,
    got: Option<(u64, u64)>,
    eh_frame: Option<(u64, u64, Data)>,
    eh_frame_hdr: Option<(u64, u64, Data)>,
    debug_frame: Option<Data>,
}

/// One mapping, and what to subtract from its addresses to have those of the file.
struct Placed {
    mapping: Mapping,
    path: Arc<str>,
    bias: u64,
}

/// The code of one process, as long as its mappings stay what they are.
struct AddressSpace {
    maps: String,
    placed: Vec<Placed>,
    unwinder: UnwinderNative<Data, MayAllocateDuringUnwind>,
}

/// Unwinds threads of any process, and keeps what it has read of files and processes.
#[derive(Default)]
pub struct Unwinding {
    images: HashMap<String, Option<Arc<Image>>>,
    spaces: HashMap<Tid, AddressSpace>,
    cache: CacheNative<MayAllocateDuringUnwind>,
}

impl Unwinding {
    /// Give the frames of a stopped thread, the innermost first.
    ///
    /// `frame_pointer` is rbp or x29, `link` is x30, of no meaning on x86-64.
    pub fn frames(
        &mut self,
        tid: Tid,
        process: Tid,
        registers: (u64, u64, u64, u64),
        frames_max: usize,
    ) -> Vec<Frame> {
        let (ip, sp, frame_pointer, link) = registers;
        let Ok(maps) = fs::read_to_string(format!("/proc/{tid}/maps")) else {
            return Vec::new();
        };
        if self
            .spaces
            .get(&process)
            .is_none_or(|space| space.maps != maps)
        {
            let space = self.read_space(maps);
            self.spaces.insert(process, space);
        }
        let Some(space) = self.spaces.get(&process) else {
            return Vec::new();
        };
        let mut pages = Pages::new(tid);
        let mut read = |address| pages.word(address).ok_or(());
        let mut found = Vec::new();
        let mut frames = space.unwinder.iter_frames(
            ip,
            native_registers(ip, sp, frame_pointer, link),
            &mut self.cache,
            &mut read,
        );
        // What cannot be unwound ends the stack: what was found until then is true.
        while found.len() < frames_max
            && let Ok(Some(frame)) = frames.next()
        {
            let is_caller = matches!(frame, FrameAddress::ReturnAddress(_));
            found.push(space.frame(frame.address(), is_caller));
        }
        found
    }

    /// Forget a process that is gone.
    pub fn forget(&mut self, process: Tid) {
        self.spaces.remove(&process);
    }

    fn read_space(&mut self, maps: String) -> AddressSpace {
        let mut unwinder = UnwinderNative::new();
        let mut placed = Vec::new();
        for mapping in executable(&maps) {
            let image = self
                .images
                .entry(mapping.path.clone())
                .or_insert_with(|| Image::read(&mapping.path).map(Arc::new));
            let bias = image.as_ref().and_then(|image| image.bias(&mapping));
            if let (Some(image), Some(bias)) = (image.as_ref(), bias) {
                unwinder.add_module(Module::new(
                    mapping.path.clone(),
                    mapping.start..mapping.end,
                    bias,
                    image.sections.info(),
                ));
            }
            placed.push(Placed {
                path: mapping.path.as_str().into(),
                bias: bias.unwrap_or(mapping.start.wrapping_sub(mapping.offset)),
                mapping,
            });
        }
        AddressSpace {
            maps,
            placed,
            unwinder,
        }
    }
}

#[cfg(target_arch = "x86_64")]
fn native_registers(ip: u64, sp: u64, frame_pointer: u64, _link: u64) -> UnwindRegsNative {
    UnwindRegsNative::new(ip, sp, frame_pointer)
}

#[cfg(target_arch = "aarch64")]
fn native_registers(_ip: u64, sp: u64, frame_pointer: u64, link: u64) -> UnwindRegsNative {
    UnwindRegsNative::new(link, sp, frame_pointer)
}

impl AddressSpace {
    fn frame(&self, address: u64, is_caller: bool) -> Frame {
        let looked_up = address - u64::from(is_caller);
        let after = self
            .placed
            .partition_point(|placed| placed.mapping.start <= looked_up);
        let placed = after.checked_sub(1).map(|index| &self.placed[index]);
        match placed.filter(|placed| looked_up < placed.mapping.end) {
            Some(placed) => Frame {
                path: placed.path.clone(),
                address: address.wrapping_sub(placed.bias),
                is_caller,
            },
            None => Frame {
                path: "".into(),
                address,
                is_caller,
            },
        }
    }
}

impl Image {
    fn read(path: &str) -> Option<Self> {
        let bytes = fs::read(path).ok()?;
        let file = object::File::parse(&*bytes).ok()?;
        let range = |name| {
            let section = file.section_by_name(name)?;
            Some((section.address(), section.address() + section.size()))
        };
        let data = |name| -> Option<Data> {
            let section = file.section_by_name(name)?;
            Some(section.uncompressed_data().ok()?.as_ref().into())
        };
        let placed = |name| {
            let (start, end) = range(name)?;
            Some((start, end, data(name)?))
        };
        Some(Self {
            sections: Sections {
                text: range(".text"),
                got: range(".got"),
                eh_frame: placed(".eh_frame"),
                eh_frame_hdr: placed(".eh_frame_hdr"),
                debug_frame: data(".debug_frame"),
            },
            segments: file
                .segments()
                .map(|segment| {
                    let (offset, size) = segment.file_range();
                    (offset, size, segment.address())
                })
                .collect(),
        })
    }

    /// What to subtract from the addresses of a mapping to have those of the file.
    fn bias(&self, mapping: &Mapping) -> Option<u64> {
        // A segment need not begin at a page's beginning; its mapping does.
        let last = mapping.offset + (mapping.end - mapping.start);
        let (offset, _, address) = self
            .segments
            .iter()
            .find(|(offset, size, _)| *offset < last && mapping.offset < offset + size)?;
        let in_memory = mapping
            .start
            .wrapping_sub(mapping.offset)
            .wrapping_add(*offset);
        Some(in_memory.wrapping_sub(*address))
    }
}

impl Sections {
    fn info(&self) -> ExplicitModuleSectionInfo<Data> {
        let whole = |section: &Option<(u64, u64, Data)>| section.clone().map(|(.., data)| data);
        let range = |section: &Option<(u64, u64, Data)>| {
            section.as_ref().map(|(start, end, _)| *start..*end)
        };
        ExplicitModuleSectionInfo {
            base_svma: 0,
            text_svma: self.text.map(|(start, end)| start..end),
            got_svma: self.got.map(|(start, end)| start..end),
            eh_frame_svma: range(&self.eh_frame),
            eh_frame: whole(&self.eh_frame),
            eh_frame_hdr_svma: range(&self.eh_frame_hdr),
            eh_frame_hdr: whole(&self.eh_frame_hdr),
            debug_frame: self.debug_frame.clone(),
            ..ExplicitModuleSectionInfo::default()
        }
    }
}

/// Pages of a stack, each read once for one unwinding.
struct Pages {
    tid: Tid,
    read: HashMap<u64, Vec<u8>>,
}

impl Pages {
    fn new(tid: Tid) -> Self {
        Self {
            tid,
            read: HashMap::new(),
        }
    }

    fn word(&mut self, address: u64) -> Option<u64> {
        let (page, at) = (address & !(PAGE - 1), (address & (PAGE - 1)) as usize);
        if at + 8 > PAGE as usize {
            return memory::read(self.tid, address, 8)
                .ok()?
                .try_into()
                .ok()
                .map(u64::from_le_bytes);
        }
        let tid = self.tid;
        let bytes = self
            .read
            .entry(page)
            .or_insert_with(|| memory::read(tid, page, PAGE as usize).unwrap_or_default());
        let word = bytes.get(at..at + 8)?;
        Some(u64::from_le_bytes(word.try_into().ok()?))
    }
}
