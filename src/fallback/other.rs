//! Another service.

use super::{FallbackLayer, Source, Why, Within};
use crate::telemetry::FallbackKind;
use pin_project_lite::pin_project;
use std::{
    fmt,
    pin::Pin,
    sync::{Arc, Mutex, PoisonError},
    task::{Context, Poll, ready},
};
use tower_service::Service;

/// Another service; what [`FallbackLayer::service`] makes.
pub struct Other<T, M = Same> {
    /// Cloned where it is needed. A lock, and not only the count: many services can be sent but not shared.
    service: Arc<Mutex<T>>,
    make: M,
}

impl<T> FallbackLayer<Other<T>> {
    /// Asks another service with a clone of the request, which is made for every call.
    ///
    /// The service is asked whether it is ready only when it is needed: a clone of it, in the response future. It may take
    /// the time that is left until the deadline of the call, and is cut then. An answer that the classifier does not call
    /// `Ok` is none.
    ///
    /// ```
    /// use buttress::{Rejected, fallback::FallbackLayer, rejected::Reason};
    /// use tower::{Layer, ServiceExt};
    ///
    /// # #[tokio::main(flavor = "current_thread")] async fn main() {
    /// let open = tower::service_fn(|_: &'static str| async { Err(Rejected::new(Reason::Open, "here", false)) });
    /// let replica = tower::service_fn(|page| async move { Ok::<_, std::io::Error>(format!("{page} from there")) });
    /// let svc = FallbackLayer::service(replica).layer(open);
    /// assert_eq!(svc.oneshot("index").await.unwrap(), "index from there");
    /// # }
    /// ```
    #[must_use]
    pub fn service(service: T) -> Self {
        Self::source(Other { service: Arc::new(Mutex::new(service)), make: Same { _more: () } })
    }
}

impl<T, F> FallbackLayer<Other<T, Made<F>>> {
    /// Asks another service with a request that `make` makes of the one that is sent inside: for requests that cannot be
    /// cloned, such as those with a streaming body, and for services with requests of their own. `make` runs for every
    /// call.
    ///
    /// ```
    /// use buttress::{Rejected, fallback::FallbackLayer, rejected::Reason};
    /// use tower::{Layer, ServiceExt};
    ///
    /// struct Upload { name: &'static str, body: std::pin::Pin<Box<dyn Send>> }
    ///
    /// # #[tokio::main(flavor = "current_thread")] async fn main() {
    /// let full = tower::service_fn(|_: Upload| async { Err(Rejected::new(Reason::Full, "store", false)) });
    /// let notes = tower::service_fn(|name: &'static str| async move { Ok::<_, std::io::Error>(format!("noted {name}")) });
    /// let svc = FallbackLayer::service_with(notes, |upload: &Upload| upload.name).layer(full);
    /// assert_eq!(svc.oneshot(Upload { name: "cat.png", body: Box::pin(()) }).await.unwrap(), "noted cat.png");
    /// # }
    /// ```
    #[must_use]
    pub fn service_with<Req, Made2>(service: T, make: F) -> Self
    where
        F: Fn(&Req) -> Made2,
    {
        Self::source(Other { service: Arc::new(Mutex::new(service)), make: Made(make) })
    }
}

impl<T, M: Clone> Clone for Other<T, M> {
    fn clone(&self) -> Self {
        Self { service: Arc::clone(&self.service), make: self.make.clone() }
    }
}

/// Makes the request of the other service.
pub trait MakeRequest<Req> {
    /// What that service is asked with.
    type Request;

    /// Makes it from the request that is sent inside.
    fn make(&self, request: &Req) -> Self::Request;
}

/// The same request, cloned.
#[derive(Clone, Copy, Debug)]
pub struct Same {
    _more: (),
}

impl<Req: Clone> MakeRequest<Req> for Same {
    type Request = Req;

    #[inline]
    fn make(&self, request: &Req) -> Req {
        request.clone()
    }
}

/// A request made by a function.
#[derive(Clone, Copy, Debug)]
pub struct Made<F>(F);

impl<Req, R, F: Fn(&Req) -> R> MakeRequest<Req> for Made<F> {
    type Request = R;

    #[inline]
    fn make(&self, request: &Req) -> R {
        (self.0)(request)
    }
}

impl<Req, Res, E, T, M> Source<Req, Res, E> for Other<T, M>
where
    M: MakeRequest<Req>,
    T: Service<M::Request, Response = Res> + Clone,
{
    type Response = Res;
    type Kept = M::Request;
    type Future = Within<Ask<T, M::Request>, Res>;
    const KIND: FallbackKind = FallbackKind::Service;
    const WAITS: bool = true;

    #[inline]
    fn keep(&self, request: &Req) -> M::Request {
        self.make.make(request)
    }

    #[inline]
    fn good(&self, _: M::Request, response: Res) -> Res {
        response
    }

    fn pass(response: Res) -> Res {
        response
    }

    fn answer(&self, request: M::Request, _: Result<&Res, &E>, why: &Why) -> Self::Future {
        let service = self.service.lock().unwrap_or_else(PoisonError::into_inner).clone();
        Within::begin(why.deadline(), || Ask { service, request: Some(request), call: None })
    }

    fn to_judge(response: &Res) -> Option<&Res> {
        Some(response)
    }
}

pin_project! {
    /// Readies a service and calls it; no answer where it fails.
    pub struct Ask<T, Req>
    where
        T: Service<Req>,
    {
        service: T,
        // `None` once it is called.
        request: Option<Req>,
        #[pin]
        call: Option<T::Future>,
    }
}

impl<T: Service<Req>, Req> Future for Ask<T, Req> {
    type Output = Option<T::Response>;

    fn poll(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Self::Output> {
        let mut this = self.project();
        loop {
            if let Some(call) = this.call.as_mut().as_pin_mut() {
                return call.poll(cx).map(Result::ok);
            }
            if ready!(this.service.poll_ready(cx)).is_err() {
                return Poll::Ready(None);
            }
            let Some(request) = this.request.take() else { return Poll::Pending };
            this.call.set(Some(this.service.call(request)));
        }
    }
}

impl<T, M> fmt::Debug for Other<T, M> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Other").finish_non_exhaustive()
    }
}

impl<T: Service<Req>, Req> fmt::Debug for Ask<T, Req> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let state = if self.call.is_some() { "Calling" } else { "Readying" };
        f.debug_struct("Ask").field("state", &state).finish_non_exhaustive()
    }
}
