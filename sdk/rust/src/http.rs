//! Calls to services that the operator named, for plugins whose installation has `[grants.http]`.
//!
//! A plugin says the name of a destination and a path; where that is, and what credential it wants, the host knows.

pub use crate::bindings::imports::sluicegate::plugin::http::{
    HttpError as Error, HttpRequest as Request, HttpResponse as Response,
};

impl Request {
    /// A GET.
    #[must_use]
    pub fn get(destination: impl Into<String>, path: impl Into<String>) -> Self {
        Self::new("GET", destination, path, Vec::new())
    }

    /// A POST with this body.
    #[must_use]
    pub fn post(destination: impl Into<String>, path: impl Into<String>, body: impl Into<Vec<u8>>) -> Self {
        Self::new("POST", destination, path, body)
    }

    /// Any method, with this body.
    #[must_use]
    pub fn new(
        method: impl Into<String>,
        destination: impl Into<String>,
        path: impl Into<String>,
        body: impl Into<Vec<u8>>,
    ) -> Self {
        Self {
            destination: destination.into(),
            method: method.into(),
            path: path.into(),
            headers: Vec::new(),
            body: body.into(),
        }
    }

    /// The same, with a header.
    #[must_use]
    pub fn with_header(mut self, name: impl Into<String>, value: impl Into<String>) -> Self {
        self.headers.push((name.into(), value.into()));
        self
    }

    /// Send it.
    ///
    /// # Errors
    /// When there is no such destination, it does not answer in time, what is sent or comes is too long, or it cannot be
    /// reached. A status like 404 is an answer.
    pub fn send(&self) -> Result<Response, Error> {
        #[cfg(target_arch = "wasm32")]
        return crate::bindings::imports::sluicegate::plugin::http::send(self);
        #[cfg(not(target_arch = "wasm32"))]
        native::send(self)
    }
}

/// For tests, which run natively: what [`Request::send`] answers from now on, on this thread. Before that nobody is there.
#[cfg(not(target_arch = "wasm32"))]
pub fn answer_with(service: impl Fn(&Request) -> Result<Response, Error> + 'static) {
    native::SERVICE.set(Some(Box::new(service)));
}

#[cfg(not(target_arch = "wasm32"))]
mod native {
    use std::cell::RefCell;

    use super::{Error, Request, Response};

    /// What a test has for a service.
    type Service = Box<dyn Fn(&Request) -> Result<Response, Error>>;

    thread_local! {
        pub(super) static SERVICE: RefCell<Option<Service>> = const { RefCell::new(None) };
    }

    pub(super) fn send(request: &Request) -> Result<Response, Error> {
        SERVICE.with_borrow(|service| match service {
            Some(service) => service(request),
            None => Err(Error::Unavailable("nobody is there: say who answers with answer_with".to_owned())),
        })
    }
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;

    #[test]
    fn natively_a_test_says_what_is_answered() {
        let request = Request::post("crm", "/a", "x").with_header("x-b", "c");
        assert!(matches!(request.send(), Err(Error::Unavailable(_))));
        answer_with(|request| {
            Ok(Response { status: 201, headers: request.headers.clone(), body: request.body.clone() })
        });
        let said = request.send().unwrap();
        assert_eq!(
            (said.status, &*said.headers, &*said.body),
            (201, &[("x-b".to_owned(), "c".to_owned())][..], &b"x"[..])
        );
    }
}
