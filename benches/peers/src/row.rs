//! A question and those who answer it.

use crate::Batch;

/// One line of questions in the table: the same work, done by each contender.
pub struct Row {
    pub name: &'static str,
    pub contenders: Vec<Contender>,
    /// What buttress has promised itself.
    pub bar: Option<Bar>,
}

/// One who does the work.
pub struct Contender {
    pub name: &'static str,
    pub role: Role,
    /// Whether its instructions are counted, under callgrind, which is fifty times slower than the machine.
    pub counted: bool,
    make: Box<dyn Fn() -> Batch>,
}

/// What a contender is compared as.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Role {
    /// The work without any layer: what is included in every other number of the row.
    Floor,
    /// Another library.
    Peer,
    /// Buttress.
    Ours,
}

/// The most that a call of ours may cost, floor included.
#[derive(Clone, Copy, Debug, Default)]
pub struct Bar {
    pub nanoseconds: Option<f64>,
    /// Times the best peer of the row, in the same run.
    pub ratio: Option<f64>,
    pub instructions: Option<f64>,
    /// More than the first contender of the row.
    pub more_instructions: Option<f64>,
    pub allocations: Option<f64>,
}

impl Row {
    #[must_use]
    pub const fn new(name: &'static str) -> Self {
        Self { name, contenders: Vec::new(), bar: None }
    }

    #[must_use]
    pub fn floor(self, name: &'static str, make: impl Fn() -> Batch + 'static) -> Self {
        self.with(name, Role::Floor, make)
    }

    #[must_use]
    pub fn peer(self, name: &'static str, make: impl Fn() -> Batch + 'static) -> Self {
        self.with(name, Role::Peer, make)
    }

    #[must_use]
    pub fn ours(self, name: &'static str, make: impl Fn() -> Batch + 'static) -> Self {
        self.with(name, Role::Ours, make)
    }

    /// The last contender has too much to prepare for callgrind: its time and allocations are measured, nothing else.
    #[must_use]
    pub fn not_counted(mut self) -> Self {
        if let Some(last) = self.contenders.last_mut() {
            last.counted = false;
        }
        self
    }

    #[must_use]
    pub const fn bar(mut self, bar: Bar) -> Self {
        self.bar = Some(bar);
        self
    }

    fn with(mut self, name: &'static str, role: Role, make: impl Fn() -> Batch + 'static) -> Self {
        self.contenders.push(Contender { name, role, counted: true, make: Box::new(make) });
        self
    }
}

impl Contender {
    /// Whether this is tower itself, the peer that everybody has.
    #[must_use]
    pub fn is_tower(&self) -> bool {
        self.name.split([' ', ',']).next() == Some("tower")
    }

    /// A fresh batch, with state of its own. Must be called inside the runtime.
    #[must_use]
    pub fn make(&self) -> Batch {
        (self.make)()
    }
}
