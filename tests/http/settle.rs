//! The verdict comes with the end of the body: every way a body can end, for HTTP and for gRPC.

use crate::frames::{Frames, Step};
use buttress::{
    cause::{self, Cause},
    grpc, http as b_http,
    outcome::{AtEnd, Class, Classify, Dropped, Outcome, Ticket, Verdict, finish},
    rejected::BoxError,
};
use bytes::Bytes;
use futures_util::FutureExt;
use http::Response;
use http_body::Body;
use http_body_util::{BodyExt, Empty, Full};
use std::{
    io,
    panic::AssertUnwindSafe,
    sync::{Arc, Mutex},
    time::Duration,
};

/// A ticket that writes down its one verdict.
#[derive(Debug)]
struct Note {
    book: Arc<Mutex<Vec<Class>>>,
    expected: Outcome,
    busy: bool,
    settled: bool,
}

impl Ticket for Note {
    fn expect(&mut self, if_dropped: Outcome) {
        self.expected = if_dropped;
    }
    fn busy(&mut self, now: bool) {
        self.busy = now;
    }
    fn settle(mut self, outcome: Outcome) {
        self.settled = true;
        self.book.lock().expect("not poisoned").push(outcome.class());
    }
}

impl Drop for Note {
    fn drop(&mut self) {
        if !self.settled {
            let dropped = Dropped {
                busy: self.busy,
                cause: cause::current(),
                deadline_passed: false,
                abandoned: false,
                expected: self.expected,
            };
            self.book.lock().expect("not poisoned").push(dropped.outcome().class());
        }
    }
}

type Held<C, B> = <<C as Classify<Response<B>, BoxError>>::AtEnd as AtEnd<Response<B>>>::Response<Note>;

/// A call that was answered with `response`, and the book in which its verdict will stand.
fn answered<C, B>(classify: &C, response: Response<B>) -> (Held<C, B>, Book)
where
    C: Classify<Response<B>, BoxError>,
    B: Body,
{
    let book = Book::default();
    let note = Note { book: book.0.clone(), expected: Outcome::CANCELLED, busy: false, settled: false };
    (finish(classify, Ok(response), note).expect("an answer"), book)
}

#[derive(Debug, Default)]
struct Book(Arc<Mutex<Vec<Class>>>);

impl Book {
    fn verdicts(&self) -> Vec<Class> {
        self.0.lock().expect("not poisoned").clone()
    }
}

fn http() -> b_http::ByStatus {
    b_http::ByStatus
}

fn rpc() -> grpc::ByStatus {
    grpc::ByStatus
}

fn body(steps: impl IntoIterator<Item = Step>) -> Response<Frames> {
    Response::new(Frames::new(steps))
}

#[tokio::test]
async fn an_http_body_read_to_its_end_is_ok_at_its_end_and_not_before() {
    let (mut response, book) = answered(&http(), body([Step::Data("a"), Step::Data("b")]));
    for _ in 0..2 {
        response.frame().await.expect("a frame").expect("data");
        assert_eq!(book.verdicts(), []);
    }
    assert!(response.frame().await.is_none());
    assert_eq!(book.verdicts(), [Class::Ok]);
    drop(response);
    assert_eq!(book.verdicts(), [Class::Ok], "once, and no more");
}

#[tokio::test]
async fn a_body_that_knows_its_end_settles_with_its_last_frame() {
    // A reader that trusts `is_end_stream`, as hyper does, never asks for the None.
    let (mut response, book) = answered(&http(), Response::new(Full::new(Bytes::from_static(b"all"))));
    response.frame().await.expect("a frame").expect("data");
    assert!(response.body().is_end_stream());
    assert_eq!(book.verdicts(), [Class::Ok]);
}

#[tokio::test]
async fn an_http_body_dropped_unread_is_ok() {
    let (response, book) = answered(&http(), body([Step::Hang]));
    assert_eq!(book.verdicts(), []);
    drop(response);
    assert_eq!(book.verdicts(), [Class::Ok], "callers look at the status and drop the rest");
}

/// What the ticket was told that a drop means, after the head and after each frame of data.
#[tokio::test]
async fn an_http_body_says_that_it_has_begun_with_each_frame_of_data() {
    struct Told(Arc<Mutex<Vec<Class>>>);
    impl Ticket for Told {
        fn expect(&mut self, if_dropped: Outcome) {
            self.0.lock().expect("not poisoned").push(if_dropped.class());
        }
        fn busy(&mut self, _: bool) {}
        fn settle(self, _: Outcome) {}
    }
    let told = Arc::<Mutex<Vec<Class>>>::default();
    let expected = |times| assert_eq!(*told.lock().expect("not poisoned"), vec![Class::Ok; times]);
    let response = Ok::<_, BoxError>(body([Step::Data("a"), Step::Data("b")]));
    let mut response = finish(&http(), response, Told(told.clone())).expect("an answer");
    expected(1);
    for times in [2, 3] {
        response.frame().await.expect("a frame").expect("data");
        expected(times);
    }
}

#[tokio::test]
async fn an_http_body_that_is_cut_is_a_timeout_though_its_head_was_good() {
    let (response, book) = answered(&http(), body([Step::Hang]));
    cause::during(Cause::Cut, || drop(response));
    assert_eq!(book.verdicts(), [Class::TimedOut]);
}

#[tokio::test]
async fn a_body_that_loses_a_race_is_nothing() {
    let (response, book) = answered(&http(), body([Step::Hang]));
    cause::during(Cause::Lost, || drop(response));
    assert_eq!(book.verdicts(), [Class::Cancelled]);
}

#[tokio::test]
async fn a_reset_in_mid_body_is_a_failure() {
    for broken in [vec![Step::Data("a"), Step::Reset], vec![Step::Reset]] {
        let (response, book) = answered(&http(), body(broken));
        response.collect().await.expect_err("reset");
        assert_eq!(book.verdicts(), [Class::Failed]);
    }
}

#[tokio::test]
async fn a_bad_status_is_known_at_the_head_whatever_the_body_does() {
    for (status, class) in [
        (500, Class::Failed),
        (502, Class::Failed),
        (503, Class::Failed),
        (504, Class::Failed),
        (429, Class::Throttled),
    ] {
        let mut response = body([Step::Hang]);
        *response.status_mut() = status.try_into().expect("a status");
        let (response, book) = answered(&http(), response);
        assert_eq!(book.verdicts(), [class], "{status}");
        drop(response);
        assert_eq!(book.verdicts(), [class], "{status}");
    }
}

#[tokio::test]
async fn the_callers_own_mistake_is_no_failure_of_the_service() {
    for status in [200, 204, 301, 400, 401, 404, 409, 422, 501] {
        let mut response = Response::new(Empty::<Bytes>::new());
        *response.status_mut() = status.try_into().expect("a status");
        assert_eq!(answered(&http(), response).1.verdicts(), [Class::Ok], "{status}");
    }
}

#[tokio::test]
async fn a_panic_in_the_body_is_a_panic() {
    let (mut response, book) = answered(&http(), body([Step::Data("a"), Step::Panic]));
    response.frame().await.expect("a frame").expect("data");
    AssertUnwindSafe(response.frame()).catch_unwind().await.expect_err("passed on");
    drop(response);
    assert_eq!(book.verdicts(), [Class::Panicked]);
}

#[tokio::test]
async fn a_grpc_call_is_what_its_trailers_say() {
    for (status, class) in [
        ("0", Class::Ok),
        ("5", Class::Ok),
        ("1", Class::Ok),
        ("14", Class::Failed),
        ("13", Class::Failed),
        ("2", Class::Failed),
        ("15", Class::Failed),
        ("4", Class::TimedOut),
        ("8", Class::Throttled),
        ("nonsense", Class::Failed),
    ] {
        let (response, book) =
            answered(&rpc(), body([Step::Data("m"), Step::Trailers("grpc-status", status)]));
        let trailers = response.collect().await.expect("no reset").trailers().cloned().expect("trailers");
        assert_eq!(trailers["grpc-status"], status, "passed on as they were");
        assert_eq!(book.verdicts(), [class], "{status}");
    }
}

#[tokio::test]
async fn a_trailers_only_answer_is_known_at_the_head() {
    for (status, class) in [("14", Class::Failed), ("0", Class::Ok), ("8", Class::Throttled)] {
        let response =
            Response::builder().header("grpc-status", status).body(Frames::new([])).expect("valid");
        assert_eq!(answered(&rpc(), response).1.verdicts(), [class]);
    }
}

#[tokio::test]
async fn a_proxy_that_answers_for_a_grpc_service_is_read_by_its_http_status() {
    for (status, class) in
        [(503, Class::Failed), (502, Class::Failed), (404, Class::Ok), (500, Class::Failed)]
    {
        let response =
            Response::builder().status(status).body(Frames::new([Step::Data("html")])).expect("valid");
        assert_eq!(answered(&rpc(), response).1.verdicts(), [class], "{status}");
    }
}

#[tokio::test]
async fn a_grpc_body_without_trailers_is_a_failure() {
    let (response, book) = answered(&rpc(), body([Step::Data("m")]));
    response.collect().await.expect("no reset");
    assert_eq!(book.verdicts(), [Class::Failed]);
    let (response, book) = answered(&rpc(), Response::new(Frames::new([Step::Data("m")]).knowing_its_end()));
    response.collect().await.expect("no reset");
    assert_eq!(book.verdicts(), [Class::Failed]);
}

#[tokio::test]
async fn a_grpc_body_dropped_before_its_first_message_is_nothing_and_after_it_ok() {
    let stream = || body([Step::Data("m"), Step::Hang]);
    let (response, book) = answered(&rpc(), stream());
    drop(response);
    assert_eq!(book.verdicts(), [Class::Cancelled]);
    let (mut response, book) = answered(&rpc(), stream());
    response.frame().await.expect("a frame").expect("data");
    assert_eq!(book.verdicts(), []);
    drop(response);
    assert_eq!(book.verdicts(), [Class::Ok]);
}

#[tokio::test(start_paused = true)]
async fn a_stream_of_an_hour_is_settled_by_its_end_and_not_before() {
    let hour = (0..3600).flat_map(|_| [Step::Wait(Duration::from_secs(1)), Step::Data("m")]);
    let (mut response, book) = answered(&rpc(), body(hour.chain([Step::Trailers("grpc-status", "14")])));
    for _ in 0..3600 {
        response.frame().await.expect("a frame").expect("data");
    }
    assert_eq!(book.verdicts(), []);
    response.frame().await.expect("a frame").expect("trailers");
    assert_eq!(book.verdicts(), [Class::Failed]);
}

#[test]
fn an_error_is_a_failure_and_comes_back_as_it_was() {
    let lost: BoxError = io::Error::from(io::ErrorKind::ConnectionRefused).into();
    let Verdict::Now(outcome) = Classify::<Response<Frames>, BoxError>::classify(&http(), Err(&lost)) else {
        panic!("an error has no rest")
    };
    assert_eq!(outcome.class(), Class::Failed);
}

#[test]
fn the_body_has_from_bytes_and_default_where_the_inner_one_has() {
    fn inert<B: From<Bytes> + Default>() {}
    inert::<b_http::SettleBody<Full<Bytes>, b_http::Rest, Note>>();
    inert::<b_http::TimeoutBody<Full<Bytes>>>();
}

#[tokio::test]
async fn size_hint_and_end_are_those_of_the_body_inside() {
    let (response, _) = answered(&http(), Response::new(Full::new(Bytes::from_static(b"all"))));
    assert_eq!(response.body().size_hint().exact(), Some(3));
    assert!(!response.body().is_end_stream());
    assert_eq!(response.collect().await.expect("no reset").to_bytes(), "all");
}
