//! How the key of a request is found.

use std::{borrow::Cow, fmt, hash::Hash, marker::PhantomData};

/// Finds the key of a request: its host, its route, whatever there shall be one of these for.
///
/// The key is lent, not given: most stand in the request already, and one that has to be put together can be put on the
/// stack.
///
/// ```
/// use buttress::keyed::KeyOf;
///
/// struct Shard;
/// impl KeyOf<u64> for Shard {
///     type Key = u8;
///     fn with_key<T>(&self, user: &u64, then: impl FnOnce(Option<&u8>) -> T) -> T {
///         then(Some(&((user % 16) as u8)))
///     }
/// }
/// assert_eq!(Shard.with_key(&35, |shard| shard.copied()), Some(3));
/// ```
pub trait KeyOf<Req> {
    /// The key in its borrowed form: `str` for `String`.
    type Key: Hash + Eq + ToOwned + ?Sized;

    /// Lends the key of `request` to `then`; `None` for a request that has none.
    fn with_key<T>(&self, request: &Req, then: impl FnOnce(Option<&Self::Key>) -> T) -> T;
}

/// Finds the key by a function.
///
/// ```
/// use buttress::keyed::{By, KeyOf};
/// use std::borrow::Cow;
///
/// let table = By::new(|query: &String| query.split(' ').nth(3).map(Cow::Borrowed));
/// let key = table.with_key(&"select id from orders".into(), |key: Option<&str>| key.map(str::to_owned));
/// assert_eq!(key.as_deref(), Some("orders"));
/// ```
pub struct By<F, Q: ?Sized> {
    function: F,
    key: PhantomData<fn(&Q)>,
}

impl<F, Q: ?Sized> By<F, Q> {
    /// By this function.
    pub const fn new<Req>(function: F) -> Self
    where
        F: for<'r> Fn(&'r Req) -> Option<Cow<'r, Q>>,
        Q: ToOwned,
    {
        Self { function, key: PhantomData }
    }
}

impl<Req, F, Q> KeyOf<Req> for By<F, Q>
where
    F: for<'r> Fn(&'r Req) -> Option<Cow<'r, Q>>,
    Q: Hash + Eq + ToOwned + ?Sized,
{
    type Key = Q;

    #[inline]
    fn with_key<T>(&self, request: &Req, then: impl FnOnce(Option<&Q>) -> T) -> T {
        then((self.function)(request).as_deref())
    }
}

impl<F: Clone, Q: ?Sized> Clone for By<F, Q> {
    fn clone(&self) -> Self {
        Self { function: self.function.clone(), key: PhantomData }
    }
}

impl<F: Copy, Q: ?Sized> Copy for By<F, Q> {}

impl<F, Q: ?Sized> fmt::Debug for By<F, Q> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("By").finish_non_exhaustive()
    }
}
