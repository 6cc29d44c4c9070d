//! Whose key it is.

use crate::idempotency::Scope;
use ::http::request::Parts;

/// Finds out whose request it is: the tenant, the account, the user.
///
/// A function of the head of the request to `Option<bytes>`, or [`Unscoped`]. Whatever authenticates callers stands outside
/// and leaves its word in the extensions; a header that anybody can write is no word. `None`: nobody knows, and a request
/// with a key is refused.
pub trait Principal: Send + Sync + 'static {
    /// Whose it is; `None` where that is not known.
    fn scope(&self, namespace: &str, request: &Parts) -> Option<Scope>;

    /// Whose all requests are, where that is one for all: asked once for a layer, which then asks for no request.
    fn scope_of_all(&self, namespace: &str) -> Option<Scope> {
        let _ = namespace;
        None
    }
}

impl<F, B> Principal for F
where
    F: Fn(&Parts) -> Option<B> + Send + Sync + 'static,
    B: AsRef<[u8]>,
{
    fn scope(&self, namespace: &str, request: &Parts) -> Option<Scope> {
        self(request).map(|principal| Scope::new(namespace, principal))
    }
}

/// Callers are not told apart: whoever knows the key of another gets its answer. For services with one caller.
#[derive(Clone, Copy, Debug)]
pub struct Unscoped;

impl Principal for Unscoped {
    fn scope(&self, namespace: &str, _: &Parts) -> Option<Scope> {
        self.scope_of_all(namespace)
    }

    fn scope_of_all(&self, namespace: &str) -> Option<Scope> {
        Some(Scope::unscoped(namespace))
    }
}
