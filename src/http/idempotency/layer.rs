//! The layer: a store, whose keys they are, and what the handlers do.

use super::{
    Idempotency, Principal, Seal,
    answer::Answers,
    config::Config,
    judge::{ByStatusCode, Dialect},
    refusal::Problems,
};
use crate::{
    idempotency::{Effects, Keeper, Quota},
    key::{Key, Rules, Secret},
    rejected::Name,
    telemetry::Observer,
};
use ::http::{HeaderName, HeaderValue, Method, StatusCode, request::Parts};
use bytes::Bytes;
use std::{fmt, sync::Arc, time::Duration};
use tower_layer::Layer;

/// Runs an operation once for each key, and gives its answer to all who ask again. See the [module](super).
///
/// A clone is over the same records and has the same bounds, with settings of its own: so each route can say what it needs.
pub struct IdempotencyLayer<S> {
    keeper: Keeper<S>,
    config: Arc<Config>,
}

const MIB: usize = 1 << 20;

impl<S> IdempotencyLayer<S> {
    /// Over the records of `store`; for callers that `principal` tells apart; around handlers with these effects. None of the
    /// three can be guessed.
    #[must_use]
    pub fn new(store: S, principal: impl Principal, effects: Effects) -> Self {
        const NAMESPACE: &str = "buttress";
        let keeper = Keeper::new(store, effects);
        let config = Config {
            namespace: NAMESPACE.into(),
            scope_of_all: principal.scope_of_all(NAMESPACE),
            principal: Arc::new(principal),
            dialect: Arc::new(ByStatusCode),
            header: HeaderName::from_static("idempotency-key"),
            rules: Rules::default(),
            check: None,
            methods: vec![Method::POST, Method::PATCH],
            required: false,
            per_operation: false,
            fingerprinted: Vec::new(),
            canonical: None,
            max_request: MIB,
            fail_open: false,
            fail_unstored: false,
            cancel_with_client: false,
            answers: Answers {
                max: MIB,
                marker: HeaderName::from_static("idempotency-replayed"),
                echo_key: None,
                dropped: Vec::new(),
                kept: Vec::new(),
                seal: None,
            },
            problems: Problems {
                base: None,
                described_by: None,
                reused: StatusCode::UNPROCESSABLE_ENTITY,
                max_wait: Duration::from_secs(10),
                ttl: keeper.time_to_live(),
            },
        };
        Self { keeper, config: Arc::new(config) }
    }

    fn set(mut self, set: impl FnOnce(&mut Config)) -> Self {
        set(Arc::make_mut(&mut self.config));
        self
    }

    fn keep(mut self, keep: impl FnOnce(Keeper<S>) -> Keeper<S>) -> Self {
        self.keeper = keep(self.keeper);
        self
    }

    /// Of which service the records are, where several keep theirs in one store; by default `buttress`. Part of every record:
    /// another namespace knows none of the old keys.
    #[must_use]
    pub fn namespace(self, namespace: impl Into<Arc<str>>) -> Self {
        self.set(|config| {
            config.namespace = namespace.into();
            config.scope_of_all = config.principal.scope_of_all(&config.namespace);
        })
    }

    /// Other effects, for the handlers of one route.
    #[must_use]
    pub fn effects(self, effects: Effects) -> Self {
        self.keep(|keeper| keeper.effects(effects))
    }

    /// A request without a key is refused with 400. Without this it runs, unprotected.
    #[must_use]
    pub fn required(self) -> Self {
        self.set(|config| config.required = true)
    }

    /// The methods that know keys; `POST` and `PATCH` by default. On others the header means nothing.
    #[must_use]
    pub fn methods(self, methods: impl IntoIterator<Item = Method>) -> Self {
        self.set(|config| config.methods = methods.into_iter().collect())
    }

    /// Another header than `Idempotency-Key`.
    #[must_use]
    pub fn header(self, name: HeaderName) -> Self {
        self.set(|config| config.header = name)
    }

    /// How keys are read: a [`Syntax`](crate::key::Syntax), or one with a least length.
    #[must_use]
    pub fn syntax(self, rules: impl Into<Rules>) -> Self {
        self.set(|config| config.rules = rules.into())
    }

    /// A check of your own: a key for which it says no is refused with 400.
    #[must_use]
    pub fn check(self, check: impl Fn(&Key) -> bool + Send + Sync + 'static) -> Self {
        self.set(|config| config.check = Some(Arc::new(check)))
    }

    /// A key belongs to one method and path; sent to another it is another operation. Without this it is a mistake, and
    /// refused with 422.
    #[must_use]
    pub fn per_operation(self) -> Self {
        self.set(|config| config.per_operation = true)
    }

    /// Headers that tell one request from another, beside method, path, query, content type and body: the version of an API,
    /// say. Not those that change from attempt to attempt.
    #[must_use]
    pub fn fingerprint_headers(self, names: impl IntoIterator<Item = HeaderName>) -> Self {
        self.set(|config| config.fingerprinted = names.into_iter().collect())
    }

    /// What of a body tells one request from another, where that is not its bytes: JSON in a canonical form, a form without
    /// its nonce.
    #[must_use]
    pub fn canonical(self, canonical: impl Fn(&Parts, &Bytes) -> Vec<u8> + Send + Sync + 'static) -> Self {
        self.set(|config| config.canonical = Some(Arc::new(canonical)))
    }

    /// The longest body of a request with a key, 1 MiB by default. A longer one is refused with 413, never run unprotected. The
    /// handler gets the body in one piece, without trailers.
    #[must_use]
    pub fn max_request(self, bytes: usize) -> Self {
        self.set(|config| config.max_request = bytes)
    }

    /// The longest body that is kept of an answer, 1 MiB by default. Of a longer one it is kept that it was given: who asks
    /// again is told 409, and nothing runs again. So it is with events (`text/event-stream`), however few: they are passed on as
    /// they come.
    #[must_use]
    pub fn max_response(self, bytes: usize) -> Self {
        self.set(|config| config.answers.max = bytes)
    }

    /// Where the store cannot be reached or does not answer in time, requests run unprotected. Without this they are refused with
    /// 503, as they are in any case by a store that is full, or whose record cannot be read here.
    #[must_use]
    pub fn fail_open(self) -> Self {
        self.set(|config| config.fail_open = true)
    }

    /// Where an answer cannot be stored, 500 instead of the answer. Without this the answer is given, with
    /// `Idempotency-Stored: false`: what is done is done.
    #[must_use]
    pub fn fail_unstored(self) -> Self {
        self.set(|config| config.fail_unstored = true)
    }

    /// A handler is stopped when its caller leaves, and the key is released. Only for handlers that have no effects until
    /// their last step: without this each runs to its end.
    #[must_use]
    pub fn cancel_with_client(self) -> Self {
        self.set(|config| config.cancel_with_client = true)
    }

    /// How an answer from a record is marked: this header, `true`. `Idempotency-Replayed` by default; some clients look for
    /// `Idempotent-Replayed`.
    #[must_use]
    pub fn marker(self, name: HeaderName) -> Self {
        self.set(|config| config.answers.marker = name)
    }

    /// Says the key back in the answer, in the header that it came in. Mind what logs show of answers.
    #[must_use]
    pub fn echo_key(self) -> Self {
        self.set(|config| config.answers.echo_key = Some(config.header.clone()))
    }

    /// Headers of answers that are not kept, beside those that never are: `Date`, `Set-Cookie`, ids of one request, what
    /// belongs to one connection.
    #[must_use]
    pub fn drop_headers(self, names: impl IntoIterator<Item = HeaderName>) -> Self {
        self.set(|config| config.answers.dropped = names.into_iter().collect())
    }

    /// Headers of answers that are kept although they are usually not.
    #[must_use]
    pub fn keep_headers(self, names: impl IntoIterator<Item = HeaderName>) -> Self {
        self.set(|config| config.answers.kept = names.into_iter().collect())
    }

    /// Seals what is stored.
    #[must_use]
    pub fn seal(self, seal: impl Seal) -> Self {
        self.set(|config| config.answers.seal = Some(Arc::new(seal)))
    }

    /// What the types of problem documents begin with; without this they are `about:blank`. What would not stand in JSON and
    /// in a URI is left out.
    #[must_use]
    pub fn problem_base(self, base: &str) -> Self {
        let base = base.chars().filter(|char| char.is_ascii_graphic() && !matches!(char, '"' | '\\'));
        self.set(|config| config.problems.base = Some(base.collect::<String>().into()))
    }

    /// A page that says how keys are used here: linked where one is missing or wrong. Left out where it is no header value.
    #[must_use]
    pub fn described_by(self, uri: &str) -> Self {
        let link = HeaderValue::try_from(format!("<{uri}>; rel=\"describedby\""));
        self.set(|config| config.problems.described_by = link.ok())
    }

    /// The status for a key that was used for another request: 422 by default; 400 and 409 are in use too. Another is taken as
    /// 422.
    #[must_use]
    pub fn reused_status(self, status: StatusCode) -> Self {
        let is_one = [StatusCode::BAD_REQUEST, StatusCode::CONFLICT].contains(&status);
        let status = if is_one { status } else { StatusCode::UNPROCESSABLE_ENTITY };
        self.set(|config| config.problems.reused = status)
    }

    /// Another protocol over HTTP.
    #[must_use]
    pub fn dialect(self, dialect: impl Dialect) -> Self {
        self.set(|config| config.dialect = Arc::new(dialect))
    }

    /// See [`Keeper::name`].
    #[must_use]
    pub fn name(self, name: impl Into<Name>) -> Self {
        self.keep(|keeper| keeper.name(name))
    }

    /// See [`Keeper::observe`].
    #[must_use]
    pub fn observe(self, observer: impl Observer) -> Self {
        self.keep(|keeper| keeper.observe(observer))
    }

    /// See [`Keeper::lease`].
    #[must_use]
    pub fn lease(self, lease: Duration) -> Self {
        self.keep(|keeper| keeper.lease(lease))
    }

    /// See [`Keeper::ttl`]. Who sends no key where one is required, or one that was used, is told in the problem document.
    #[must_use]
    pub fn ttl(self, ttl: Duration) -> Self {
        self.set(|config| config.problems.ttl = ttl).keep(|keeper| keeper.ttl(ttl))
    }

    /// See [`Keeper::parked_ttl`].
    #[must_use]
    pub fn parked_ttl(self, ttl: Duration) -> Self {
        self.keep(|keeper| keeper.parked_ttl(ttl))
    }

    /// See [`Keeper::claim_within`].
    #[must_use]
    pub fn claim_within(self, time: Duration) -> Self {
        self.keep(|keeper| keeper.claim_within(time))
    }

    /// See [`Keeper::finish_within`].
    #[must_use]
    pub fn finish_within(self, time: Duration) -> Self {
        self.keep(|keeper| keeper.finish_within(time))
    }

    /// See [`Keeper::wait`].
    #[must_use]
    pub fn wait(self, max: Duration) -> Self {
        self.keep(|keeper| keeper.wait(max))
    }

    /// See [`Keeper::max_waiting`].
    #[must_use]
    pub fn max_waiting(self, all: usize, each: usize) -> Self {
        self.keep(|keeper| keeper.max_waiting(all, each))
    }

    /// See [`Keeper::max_running`].
    #[must_use]
    pub fn max_running(self, max: usize) -> Self {
        self.keep(|keeper| keeper.max_running(max))
    }

    /// See [`Keeper::quota`].
    #[must_use]
    pub fn quota(self, quota: Quota) -> Self {
        self.keep(|keeper| keeper.quota(quota))
    }

    /// See [`Keeper::secret`].
    #[must_use]
    pub fn secret(self, secret: Secret) -> Self {
        self.keep(|keeper| keeper.secret(secret))
    }

    /// What it keeps its records by: for draining at a shutdown, purging, listing and resolving what is parked.
    #[must_use]
    pub const fn keeper(&self) -> &Keeper<S> {
        &self.keeper
    }
}

impl<S> Clone for IdempotencyLayer<S> {
    fn clone(&self) -> Self {
        Self { keeper: self.keeper.clone(), config: Arc::clone(&self.config) }
    }
}

impl<I, S> Layer<I> for IdempotencyLayer<S> {
    type Service = Idempotency<I, S>;

    fn layer(&self, inner: I) -> Idempotency<I, S> {
        Idempotency::new(inner, self.keeper.clone(), Arc::clone(&self.config))
    }
}

impl<S> fmt::Debug for IdempotencyLayer<S> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("IdempotencyLayer")
            .field("keeper", &self.keeper)
            .field("config", &self.config)
            .finish()
    }
}
