//! Rules that a server can be told to break, so that it is seen that the check finds it.

use std::str::FromStr;

/// What a server does wrong.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Wrong {
    /// An attempt that was taken over commits all the same.
    IgnoresFence,
    /// Each try of a claim has a nonce of its own.
    ForgetsNonce,
    /// The effect comes before the claim.
    ClaimsLate,
    /// A panic releases the key.
    ReleasesOnPanic,
    /// Answers are forgotten at once.
    ForgetsAnswers,
    /// All tenants are one.
    ForgetsScope,
    /// A 500 of a handler that cannot run twice is run again.
    RerunsErrors,
    /// An end is acknowledged before it is written.
    AnswersEarly,
    /// A file is opened so that it outlives the process alone.
    SkipsSync,
}

impl Wrong {
    const NAMES: [(&'static str, Self); 9] = [
        ("ignores-fence", Self::IgnoresFence),
        ("forgets-nonce", Self::ForgetsNonce),
        ("claims-late", Self::ClaimsLate),
        ("releases-on-panic", Self::ReleasesOnPanic),
        ("forgets-answers", Self::ForgetsAnswers),
        ("forgets-scope", Self::ForgetsScope),
        ("reruns-errors", Self::RerunsErrors),
        ("answers-early", Self::AnswersEarly),
        ("skips-sync", Self::SkipsSync),
    ];

    /// As an argument.
    #[must_use]
    pub fn name(self) -> &'static str {
        Self::NAMES.iter().find(|(_, wrong)| *wrong == self).map_or("", |(name, _)| name)
    }
}

impl FromStr for Wrong {
    type Err = String;

    fn from_str(name: &str) -> Result<Self, String> {
        let found = Self::NAMES.iter().find(|(known, _)| *known == name);
        found.map(|(_, wrong)| *wrong).ok_or_else(|| format!("there is no wrong {name}"))
    }
}
