//! The yardstick: a reverse proxy of hyper and nothing else. HTTP/1.1 in and out, keep-alive on both sides, bodies
//! streamed through untouched, no Nagle. What the gateway takes more than this is what the gateway adds.

use std::net::SocketAddr;

use http::header::{self, HeaderName};
use http::uri::{Authority, PathAndQuery, Scheme};
use http::{Request, Response, Uri};
use hyper::body::Incoming;
use hyper::server::conn::http1;
use hyper::service::service_fn;
use hyper_util::client::legacy::connect::HttpConnector;
use hyper_util::client::legacy::{Builder, Client};
use hyper_util::rt::{TokioExecutor, TokioIo, TokioTimer};
use tokio::net::TcpListener;

use crate::{Result, child};

type Pool = Client<HttpConnector, Incoming>;

/// What belongs to one connection and not to the message: RFC 9110, section 7.6.1.
const HOP_BY_HOP: [HeaderName; 6] = [
    header::CONNECTION,
    header::PROXY_AUTHENTICATE,
    header::PROXY_AUTHORIZATION,
    header::TE,
    header::TRAILER,
    header::UPGRADE,
];

/// Serve until the process is ended.
pub(crate) fn run(upstream: SocketAddr) -> Result<()> {
    let runtime = child::runtime()?;
    runtime.block_on(async move {
        let listener = TcpListener::bind("127.0.0.1:0").await.map_err(|error| format!("listening: {error}"))?;
        child::listens(&listener)?;
        // As in the gateway, connections are served by the worker and not by the thread that waits here.
        let serving = tokio::spawn(serve(listener, upstream));
        serving.await.map_err(|error| format!("serving: {error}"))?
    })
}

async fn serve(listener: TcpListener, upstream: SocketAddr) -> Result<()> {
    let authority: Authority = upstream.to_string().parse().map_err(|error| format!("{upstream}: {error}"))?;
    let mut connector = HttpConnector::new();
    connector.set_nodelay(true);
    let client: Pool = Builder::new(TokioExecutor::new()).pool_timer(TokioTimer::new()).build(connector);
    loop {
        let (stream, _) = listener.accept().await.map_err(|error| format!("accepting: {error}"))?;
        stream.set_nodelay(true).map_err(|error| format!("setting TCP_NODELAY: {error}"))?;
        let (client, authority) = (client.clone(), authority.clone());
        let service = service_fn(move |request| forward(client.clone(), authority.clone(), request));
        tokio::spawn(async move {
            // An error here is the caller's leaving.
            let _ = http1::Builder::new().serve_connection(TokioIo::new(stream), service).await;
        });
    }
}

async fn forward(
    client: Pool,
    authority: Authority,
    mut request: Request<Incoming>,
) -> Result<Response<Incoming>, hyper_util::client::legacy::Error> {
    let mut parts = std::mem::take(request.uri_mut()).into_parts();
    parts.scheme = Some(Scheme::HTTP);
    parts.authority = Some(authority);
    parts.path_and_query.get_or_insert(PathAndQuery::from_static("/"));
    // All three parts are there, so this does not fail.
    *request.uri_mut() = Uri::from_parts(parts).unwrap_or_default();
    for name in HOP_BY_HOP.iter().chain([&header::HOST]) {
        request.headers_mut().remove(name);
    }
    let mut response = client.request(request).await?;
    for name in &HOP_BY_HOP {
        response.headers_mut().remove(name);
    }
    Ok(response)
}
