//! What a registry answers.

/// What [`Registry::get_or_make`](super::Registry::get_or_make) has found.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Found<V> {
    /// The value of this key.
    Known(V),
    /// A new value for this key.
    Made(V),
    /// There was no place, and none may leave: the value that all share who find none.
    Overflow {
        /// That value.
        value: V,
        /// The newcomer before this one still found a place: say so once, and not for each that follows.
        first: bool,
    },
}

impl<V> Found<V> {
    /// The value, wherever it comes from.
    ///
    /// ```
    /// use buttress::keyed::Found;
    ///
    /// assert_eq!(Found::Overflow { value: 7, first: true }.into_value(), 7);
    /// ```
    #[must_use]
    pub fn into_value(self) -> V {
        match self {
            Self::Known(value) | Self::Made(value) | Self::Overflow { value, .. } => value,
        }
    }
}
