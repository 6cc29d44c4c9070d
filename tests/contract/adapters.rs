//! The numbers of the judge as requests and responses of HTTP.

use http::{Method, Request, Response};

/// Beside a body that has its own use.
#[derive(Clone, Copy)]
struct Number(u64);

pub(crate) fn ask<B>(method: Method, number: u64, body: B) -> Request<B> {
    let request = Request::builder().method(method).uri("http://judged.test/a.A/One");
    request.extension(Number(number)).body(body).expect("a good request")
}

pub(crate) fn asked<B>(request: &Request<B>) -> u64 {
    request.extensions().get::<Number>().expect("as it was asked").0
}

pub(crate) fn answer<B>(number: u64, body: B) -> Response<B> {
    let mut response = Response::new(body);
    response.extensions_mut().insert(Number(number));
    response
}

/// `None` of a response that a layer has made.
pub(crate) fn answered<B>(response: &Response<B>) -> Option<u64> {
    response.extensions().get::<Number>().map(|number| number.0)
}

/// A layer of HTTP between two adapters, so that the judge can call it with a number: beside that, requests and responses have
/// this body.
macro_rules! of_http {
    ($method:expr, $body:expr, $layer:expr) => {
        tower::ServiceBuilder::new()
            .map_request(move |number: u64| crate::adapters::ask($method, number, $body))
            .map_response(|response: ::http::Response<_>| {
                crate::adapters::answered(&response).expect("as it was answered")
            })
            .layer($layer)
            .map_request(|request: ::http::Request<_>| crate::adapters::asked(&request))
            .map_response(move |number: u64| crate::adapters::answer(number, $body))
    };
}

/// The same of a layer that looks into no body: then the number is one.
macro_rules! of_numbers {
    ($layer:expr) => {
        tower::ServiceBuilder::new()
            .map_request(::http::Request::<u64>::new)
            .map_response(|response: ::http::Response<u64>| *response.body())
            .layer($layer)
            .map_request(|request: ::http::Request<u64>| *request.body())
            .map_response(::http::Response::<u64>::new)
    };
}

pub(crate) use {of_http, of_numbers};
