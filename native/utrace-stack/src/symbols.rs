//! Names, files and lines of addresses, by the symbol tables and debug information of files.

use std::collections::HashMap;

use addr2line::Loader;

/// What is at an address.
#[derive(Debug, Default, PartialEq, Eq)]
pub struct Place {
    /// The function, demangled; `None` where no symbol is.
    pub function: Option<String>,
    /// How far behind the function's beginning.
    pub offset: u64,
    /// Source file and line, if asked for and known.
    pub source: Option<(String, u32)>,
}

/// What files say, each read when it is first asked for, and kept.
#[derive(Default)]
pub struct Symbols {
    loaders: HashMap<String, Option<Loader>>,
}

impl Symbols {
    /// Tell what is at an address of a file.
    ///
    /// Behind a call that never returns the return address may be another function's: what is looked
    /// up for a caller's frame is the byte before.
    pub fn place(&mut self, path: &str, address: u64, is_caller: bool, with_source: bool) -> Place {
        let loader = self
            .loaders
            .entry(path.to_owned())
            .or_insert_with(|| Loader::new(path).ok());
        let Some(loader) = loader else {
            return Place::default();
        };
        let looked_up = address - u64::from(is_caller);
        let mut place = Place::default();
        if let Some(symbol) = loader.find_symbol_info(looked_up) {
            place.function =
                Some(addr2line::demangle_auto(symbol.name().into(), None).into_owned());
            place.offset = address - symbol.address();
        }
        if with_source && let Ok(Some(location)) = loader.find_location(looked_up) {
            place.source = location
                .file
                .map(|file| (file.to_owned(), location.line.unwrap_or(0)));
        }
        place
    }
}
