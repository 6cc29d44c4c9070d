//! The verdicts over one layer, to read and to assert.

use super::{Law, Verdict};
use std::fmt;

/// What every law says of one layer. `Display` prints it as a table.
///
/// ```
/// use buttress::testing::{Law, Subject, Verdict};
/// use tower::load_shed::LoadShedLayer;
///
/// let report = Subject::new(LoadShedLayer::new).judge();
/// assert_eq!(report.verdict(Law::OneCall), &Verdict::Kept);
/// assert!(report.broken().is_empty());
/// // nothing was told of a state in which it refuses: that is said, not passed over
/// assert!(report.not_run().contains(&Law::AdmittedFirst));
/// println!("{report}");
/// ```
#[derive(Clone, Debug)]
#[must_use = "a report that nobody reads lets every law be broken"]
pub struct Report {
    name: String,
    verdicts: Vec<(Law, Verdict)>,
}

impl Report {
    pub(super) fn new(name: String, verdicts: Vec<(Law, Verdict)>) -> Self {
        Self { name, verdicts }
    }

    /// The name of the layer that was judged.
    #[must_use]
    pub fn name(&self) -> &str {
        &self.name
    }

    /// What that law says.
    #[must_use]
    pub fn verdict(&self, law: Law) -> &Verdict {
        // The report holds every law, in the order of the enum.
        &self.verdicts[law as usize].1
    }

    /// All verdicts, in the order of the laws.
    pub fn iter(&self) -> impl Iterator<Item = (Law, &Verdict)> {
        self.verdicts.iter().map(|(law, verdict)| (*law, verdict))
    }

    /// The laws that hold.
    #[must_use]
    pub fn kept(&self) -> Vec<Law> {
        self.those(|verdict| matches!(verdict, Verdict::Kept))
    }

    /// The laws that do not.
    #[must_use]
    pub fn broken(&self) -> Vec<Law> {
        self.those(|verdict| matches!(verdict, Verdict::Broken(_)))
    }

    /// The laws that were not run.
    #[must_use]
    pub fn not_run(&self) -> Vec<Law> {
        self.those(|verdict| matches!(verdict, Verdict::NotRun(_)))
    }

    fn those(&self, which: impl Fn(&Verdict) -> bool) -> Vec<Law> {
        self.iter().filter(|(_, verdict)| which(verdict)).map(|(law, _)| law).collect()
    }

    /// Asserts that no law is broken.
    ///
    /// # Panics
    /// When one is, or when none was run; with the whole table.
    #[track_caller]
    pub fn assert(&self) {
        self.assert_breaks(&[]);
    }

    /// Asserts that it breaks these laws, and no other: for a layer whose deviations are known and meant.
    ///
    /// # Panics
    /// When it breaks others, or does not break one of these, or when none was run; with the whole table.
    #[track_caller]
    pub fn assert_breaks(&self, expected: &[Law]) {
        assert!(self.not_run().len() < self.verdicts.len(), "no law was run over `{}`\n\n{self}", self.name);
        let broken = self.broken();
        let unexpected: Vec<_> = broken.iter().filter(|law| !expected.contains(law)).collect();
        let missing: Vec<_> = expected.iter().filter(|law| !broken.contains(law)).collect();
        assert!(
            unexpected.is_empty() && missing.is_empty(),
            "`{}`: breaks {unexpected:?}; was expected to break, and does not: {missing:?}\n\n{self}",
            self.name
        );
    }
}

impl fmt::Display for Report {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (kept, broken, not_run) = (self.kept().len(), self.broken().len(), self.not_run().len());
        writeln!(f, "{}: {kept} laws kept, {broken} broken, {not_run} not run", self.name)?;
        for (law, verdict) in self.iter() {
            writeln!(f, "  {:<4}{:<64}{verdict}", law.code(), law.title())?;
        }
        write!(
            f,
            "  Not judged from outside: configuration (9), bounded memory (10), the words open and closed (12)."
        )
    }
}
