//! Which rule a budget follows: plain data, from which budgets are made.

use super::{Bucket, Quota, Share, Throttle, Window};

/// What a [`Budget`](super::Budget) is made of: one of the rules of this module, each of which becomes one by `into`.
///
/// ```
/// use buttress::budget::{Bucket, Budget, Rule, Throttle};
///
/// let of_config = |throttling: Option<(u32, f64)>| match throttling {
///     Some((max_tokens, token_ratio)) => Rule::from(Throttle::new(max_tokens, token_ratio)),
///     None => Rule::default(),
/// };
/// assert_eq!(of_config(None), Bucket::new().into());
/// assert_eq!(Budget::of(of_config(Some((100, 0.1)))).tokens(), Some(100.0));
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Rule(pub(super) Kind);

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Kind {
    Bucket(Bucket),
    Quota(Quota),
    Throttle(Throttle),
    Window(Window),
    Share(Share),
    Unlimited,
}

impl Rule {
    /// No rule: every extra attempt is granted. Then nothing holds back a storm of retries but what holds back the calls.
    #[must_use]
    pub const fn unlimited() -> Self {
        Self(Kind::Unlimited)
    }
}

/// The [`Bucket`] of 10 tokens.
impl Default for Rule {
    fn default() -> Self {
        Bucket::new().into()
    }
}

macro_rules! rules {
    ($($rule:ident),+) => {
        $(impl From<$rule> for Rule {
            fn from(rule: $rule) -> Self {
                Self(Kind::$rule(rule))
            }
        })+
    };
}
rules!(Bucket, Quota, Throttle, Window, Share);
