//! The client's side: one key for each operation, made before the retries.

use crate::{
    http::carries_key::{IDEMPOTENCY_KEY, KeyHeader},
    idempotency::Idem,
    key::{Key, Syntax},
};
use ::http::{HeaderName, HeaderValue, Method, Request};
use std::{
    fmt,
    sync::Arc,
    task::{Context, Poll},
};
use tower_layer::Layer;
use tower_service::Service;

/// Gives each `POST` and `PATCH` an idempotency key, the same for all attempts at it.
///
/// It stands **outside** retries, hedges and whatever follows redirects: each of those sends the request again with the
/// headers that it has, and so with the same key. A retry of ours takes the key as the word that the request may be sent
/// again after it was sent.
///
/// The key is, the first that there is:
///
/// 1. what the request has in its header already: the caller's own key is never touched;
/// 2. a [`Key`] in the extensions of the request: one that was written down before the call, so that it is the same after a
///    restart;
/// 3. inside a handler that runs under [`IdempotencyLayer`](super::IdempotencyLayer), a child of the operation's own key: by
///    the [`CallStep`] in the extensions, else by method, host and path, and the number of that call in this attempt;
/// 4. a fresh one.
///
/// The key that was chosen is in the extensions afterwards; none, where what the caller has in the header is no key.
///
/// ```
/// use buttress::{http::IdempotencyKeyLayer, key::Key};
/// # use axum::{body::Body, extract::Request, http::HeaderMap, response::Response};
/// # use std::convert::Infallible;
/// # use tower::{Layer, ServiceExt};
///
/// # #[tokio::main(flavor = "current_thread")] async fn main() {
/// # let client = tower::service_fn(|request: Request| async move {
/// #     let mut answer = Response::new(Body::empty());
/// #     *answer.headers_mut() = request.headers().clone();
/// #     Ok::<_, Infallible>(answer)
/// # });
/// // a client that answers with the headers it was sent
/// let client = IdempotencyKeyLayer::new().layer(client);
/// let pay = Request::post("https://cards.example/charges").body(Body::empty()).unwrap();
/// let sent = client.oneshot(pay).await.unwrap();
/// assert_eq!(sent.headers()["idempotency-key"].len(), 36);
/// # }
/// ```
#[derive(Clone, Debug)]
pub struct IdempotencyKeyLayer {
    form: Arc<Form>,
}

#[derive(Clone, Debug)]
struct Form {
    header: HeaderName,
    methods: Vec<Method>,
    quoted: bool,
}

/// Which call of a running operation a request is: in the extensions of the request, the name of the step.
///
/// Calls that may run in any order need one: without it they are numbered as they come, and must come in the same order in
/// every attempt.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct CallStep(pub &'static str);

impl IdempotencyKeyLayer {
    /// For `POST` and `PATCH`, in the header `Idempotency-Key`, raw, as most services in the field read it.
    #[must_use]
    pub fn new() -> Self {
        Self { form: Arc::default() }
    }

    /// As a string in quotes: for services that insist on the standard.
    #[must_use]
    pub fn quoted(mut self) -> Self {
        Arc::make_mut(&mut self.form).quoted = true;
        self
    }

    /// In another header. Retries and hedges of ours inside of this layer know it for a key there, too.
    #[must_use]
    pub fn header(mut self, name: HeaderName) -> Self {
        Arc::make_mut(&mut self.form).header = name;
        self
    }

    /// For other methods.
    #[must_use]
    pub fn methods(mut self, methods: impl IntoIterator<Item = Method>) -> Self {
        Arc::make_mut(&mut self.form).methods = methods.into_iter().collect();
        self
    }
}

impl Default for IdempotencyKeyLayer {
    fn default() -> Self {
        Self::new()
    }
}

impl<I> Layer<I> for IdempotencyKeyLayer {
    type Service = IdempotencyKey<I>;

    fn layer(&self, inner: I) -> IdempotencyKey<I> {
        IdempotencyKey { inner, form: Arc::clone(&self.form) }
    }
}

/// A client whose operations have keys. See [`IdempotencyKeyLayer`].
#[derive(Clone)]
pub struct IdempotencyKey<I> {
    inner: I,
    form: Arc<Form>,
}

impl<I, B> Service<Request<B>> for IdempotencyKey<I>
where
    I: Service<Request<B>>,
{
    type Response = I::Response;
    type Error = I::Error;
    type Future = I::Future;

    fn poll_ready(&mut self, cx: &mut Context<'_>) -> Poll<Result<(), I::Error>> {
        self.inner.poll_ready(cx)
    }

    fn call(&mut self, mut request: Request<B>) -> I::Future {
        if self.form.methods.contains(request.method()) {
            self.form.see_to(&mut request);
        }
        self.inner.call(request)
    }
}

fn choose<B>(request: &Request<B>) -> Key {
    if let Some(key) = request.extensions().get::<Key>() {
        return key.clone();
    }
    let Some(idem) = Idem::current() else { return Key::random() };
    match request.extensions().get::<CallStep>() {
        Some(CallStep(step)) => idem.child_key(*step),
        None => {
            let (method, uri) = (request.method(), request.uri());
            let host = uri.authority().map_or("", |authority| authority.as_str());
            let step = format!("{method} {host}{}", uri.path());
            idem.child_key((&*step, idem.count(&step)))
        }
    }
}

/// Gives a request that key, in the usual header and form.
pub(super) fn send_with<B>(key: Key, request: &mut Request<B>) {
    let form = Form::default();
    if let Some(value) = form.write(&key) {
        request.headers_mut().insert(form.header, value);
        request.extensions_mut().insert(key);
    }
}

impl Default for Form {
    fn default() -> Self {
        Self { header: IDEMPOTENCY_KEY, methods: vec![Method::POST, Method::PATCH], quoted: false }
    }
}

impl Form {
    /// Has a key in a request, and what is said of it in the extensions agree with that.
    fn see_to<B>(&self, request: &mut Request<B>) {
        if request.headers().contains_key(&self.header) {
            match Key::from_lines(Syntax::Lenient, request.headers().get_all(&self.header)) {
                Ok(Some(own)) => request.extensions_mut().insert(own),
                Ok(None) | Err(_) => request.extensions_mut().remove(),
            };
        } else {
            let key = choose(request);
            let Some(value) = self.write(&key) else { return };
            request.headers_mut().insert(self.header.clone(), value);
            request.extensions_mut().insert(key);
        }
        // Retries and hedges know the usual one.
        if self.header != IDEMPOTENCY_KEY {
            request.extensions_mut().insert(KeyHeader(self.header.clone()));
        }
    }

    /// Every key has a quoted form; one with a space has no other.
    fn write(&self, key: &Key) -> Option<HeaderValue> {
        let written = match key.raw() {
            Some(raw) if !self.quoted => HeaderValue::from_str(raw),
            _ => HeaderValue::try_from(key.quoted()),
        };
        let mut value = written.ok()?;
        value.set_sensitive(true);
        Some(value)
    }
}

impl<I: fmt::Debug> fmt::Debug for IdempotencyKey<I> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("IdempotencyKey").field("inner", &self.inner).finish_non_exhaustive()
    }
}
