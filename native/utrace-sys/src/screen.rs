//! Screens: what argument registers must pass for a call to be of interest (`utrace.kernel.screens`).
//!
//! Rule of this file: a step jumps forward only, or decides; `Screen::new` sees to it.

/// Where a step goes to when it decides.
const PASS: i32 = -1;
const FAIL: i32 = -2;

/// One comparison of `(register & mask) ^ flip` with a value, and where to go on.
#[allow(missing_docs, reason = "fields of utrace.kernel.screens.Step")]
#[derive(Clone, Copy, Debug)]
pub struct Step {
    pub register: usize,
    pub mask: u64,
    pub flip: u64,
    pub below: bool,
    pub value: u64,
    pub then: i32,
    pub otherwise: i32,
}

/// Some steps; without any, everything passes.
#[derive(Clone, Debug, Default)]
pub struct Screen(Vec<Step>);

impl Screen {
    /// `None`: a step leads nowhere, or back.
    #[must_use]
    pub fn new(steps: Vec<Step>) -> Option<Self> {
        let count = steps.len() as i32;
        let is_ahead = |at: i32, to: i32| matches!(to, PASS | FAIL) || (to > at && to < count);
        let is_sound = (0..).zip(&steps).all(|(at, step)| {
            step.register < 8 && is_ahead(at, step.then) && is_ahead(at, step.otherwise)
        });
        is_sound.then_some(Self(steps))
    }

    /// Whether argument registers pass, with a result and a duration: 0 at an entry.
    pub(crate) fn passes(&self, args: &[u64; 6], result: u64, duration_ns: u64) -> bool {
        let mut at = if self.0.is_empty() { PASS } else { 0 };
        while let Some(step) = usize::try_from(at).ok().and_then(|at| self.0.get(at)) {
            let register = match step.register {
                6 => result,
                7 => duration_ns,
                argument => args[argument],
            };
            let number = (register & step.mask) ^ step.flip;
            let holds = if step.below {
                number < step.value
            } else {
                number == step.value
            };
            at = if holds { step.then } else { step.otherwise };
        }
        at == PASS
    }
}
