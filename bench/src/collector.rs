//! A collector of spans that throws them away: what it costs to make and to send them is measured, not what becomes of them.

use std::convert::Infallible;

use http::{Request, Response};
use http_body_util::{BodyExt, Empty};
use hyper::body::{Bytes, Incoming};
use hyper::server::conn::http1;
use hyper::service::service_fn;
use hyper_util::rt::TokioIo;
use tokio::net::TcpListener;

use crate::{Result, child};

/// Serve until the process is ended.
pub(crate) fn run() -> Result<()> {
    child::runtime()?.block_on(async {
        let listener = TcpListener::bind("127.0.0.1:0").await.map_err(|error| format!("listening: {error}"))?;
        child::listens(&listener)?;
        loop {
            let (stream, _) = listener.accept().await.map_err(|error| format!("accepting: {error}"))?;
            tokio::spawn(async move {
                // An error here is the gateway's leaving.
                let _ = http1::Builder::new().serve_connection(TokioIo::new(stream), service_fn(take)).await;
            });
        }
    })
}

/// All is well: an answer without a word says so.
async fn take(request: Request<Incoming>) -> std::result::Result<Response<Empty<Bytes>>, Infallible> {
    // What breaks off is nobody's loss.
    let _ = request.into_body().collect().await;
    Ok(Response::new(Empty::new()))
}
