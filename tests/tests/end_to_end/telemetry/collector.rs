//! Collectors that spans are sent to: one that speaks gRPC, and one that takes the bodies of HTTP.

use std::sync::{Arc, Mutex};
use std::time::Duration;

use opentelemetry_proto::tonic::collector::trace::v1::trace_service_server::{TraceService, TraceServiceServer};
use opentelemetry_proto::tonic::collector::trace::v1::{ExportTraceServiceRequest, ExportTraceServiceResponse};
use opentelemetry_proto::tonic::common::v1::KeyValue;
use opentelemetry_proto::tonic::common::v1::any_value::Value;
use opentelemetry_proto::tonic::trace::v1::Span;
use prost::Message as _;
use sluicegate_tests::{Gateway, Provider, Reply};
use tokio::net::TcpListener;
use tokio::task::JoinHandle;
use tonic::transport::server::{Server, TcpIncoming};

/// Far more than sending takes.
pub(super) const PATIENCE: Duration = Duration::from_secs(20);

/// What takes spans, and keeps them.
pub(super) enum Collector {
    Http(Provider),
    Grpc { address: String, received: Received, serving: JoinHandle<()> },
}

/// The messages that came, with the `authorization` of each.
type Received = Arc<Mutex<Vec<(ExportTraceServiceRequest, Option<String>)>>>;

struct Service(Received);

#[tonic::async_trait]
impl TraceService for Service {
    async fn export(
        &self,
        request: tonic::Request<ExportTraceServiceRequest>,
    ) -> Result<tonic::Response<ExportTraceServiceResponse>, tonic::Status> {
        let authorization = request.metadata().get("authorization").map(|value| value.to_str().unwrap().to_owned());
        self.0.lock().unwrap().push((request.into_inner(), authorization));
        Ok(tonic::Response::new(ExportTraceServiceResponse::default()))
    }
}

impl Collector {
    pub(super) async fn http() -> Self {
        Self::Http(Provider::saying(Reply::whole("application/x-protobuf", "")).await)
    }

    pub(super) async fn grpc() -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap().to_string();
        let received = Received::default();
        let service = TraceServiceServer::new(Service(received.clone()));
        let serving = Server::builder().add_service(service).serve_with_incoming(TcpIncoming::from(listener));
        let serving = tokio::spawn(async move { serving.await.unwrap() });
        Self::Grpc { address, received, serving }
    }

    /// What a gateway has to be told of it.
    pub(super) fn settings(&self) -> String {
        match self {
            Self::Http(provider) => format!("telemetry.endpoint = 'http://{}'", provider.address),
            Self::Grpc { address, .. } => {
                format!("telemetry = {{ endpoint = 'http://{address}', protocol = 'grpc' }}")
            }
        }
    }

    /// The messages that have come, with the `authorization` of each.
    pub(super) fn messages(&self) -> Vec<(ExportTraceServiceRequest, Option<String>)> {
        match self {
            Self::Http(provider) => {
                let messages = provider.received().into_iter().map(|received| {
                    assert!(received.head.starts_with("POST /v1/traces HTTP/1.1\r\n"), "{}", received.head);
                    assert_eq!(received.header("content-type"), Some("application/x-protobuf"));
                    let message = ExportTraceServiceRequest::decode(received.body.clone()).unwrap();
                    (message, received.header("authorization").map(str::to_owned))
                });
                messages.collect()
            }
            Self::Grpc { received, .. } => received.lock().unwrap().clone(),
        }
    }

    /// All spans that have come.
    pub(super) fn spans(&self) -> Vec<Seen> {
        let messages = self.messages().into_iter().flat_map(|(message, _)| message.resource_spans);
        let spans = messages.flat_map(|of_resource| of_resource.scope_spans).flat_map(|of_scope| of_scope.spans);
        spans.map(Seen).collect()
    }

    /// The spans of an exchange, its own first, once they have come.
    pub(super) async fn spans_of(&self, gateway: &Gateway, exchange: Option<&str>) -> Vec<Seen> {
        let exchange = exchange.expect("each response says its exchange");
        let look = async {
            loop {
                assert!(gateway.host.observers.all_told(PATIENCE).await);
                let spans = self.spans();
                let own = spans.iter().find(|span| span.says("sluicegate.exchange").as_deref() == Some(exchange));
                if let Some(own) = own.cloned() {
                    let below = spans.into_iter().filter(|span| span.0.parent_span_id == own.0.span_id);
                    return std::iter::once(own.clone()).chain(below).collect();
                }
                tokio::task::yield_now().await;
            }
        };
        tokio::time::timeout(PATIENCE, look).await.expect("the spans are sent")
    }
}

impl Drop for Collector {
    fn drop(&mut self) {
        if let Self::Grpc { serving, .. } = self {
            serving.abort();
        }
    }
}

/// A span that has come.
#[derive(Clone, Debug)]
pub(super) struct Seen(pub(super) Span);

impl Seen {
    /// What an attribute says, as text.
    pub(super) fn says(&self, key: &str) -> Option<String> {
        said(&self.0.attributes, key)
    }

    /// The attributes' names.
    pub(super) fn names(&self) -> impl Iterator<Item = &str> {
        self.0.attributes.iter().map(|attribute| attribute.key.as_str())
    }

    /// Bytes in hexadecimal digits, as `traceparent` has them.
    pub(super) fn trace(&self) -> String {
        hex(&self.0.trace_id)
    }

    pub(super) fn id(&self) -> String {
        hex(&self.0.span_id)
    }

    pub(super) fn parent(&self) -> String {
        hex(&self.0.parent_span_id)
    }

    pub(super) fn is_failed(&self) -> bool {
        self.0.status.as_ref().is_some_and(|status| status.code == 2)
    }
}

pub(super) fn said(attributes: &[KeyValue], key: &str) -> Option<String> {
    let attribute = attributes.iter().find(|attribute| attribute.key == key)?;
    match attribute.value.as_ref()?.value.as_ref()? {
        Value::StringValue(text) => Some(text.clone()),
        Value::IntValue(number) => Some(number.to_string()),
        Value::DoubleValue(number) => Some(number.to_string()),
        Value::BoolValue(is) => Some(is.to_string()),
        Value::ArrayValue(list) => {
            let texts = list.values.iter().map(|item| match item.value.as_ref() {
                Some(Value::StringValue(text)) => text.as_str(),
                other => panic!("{other:?}"),
            });
            Some(texts.collect::<Vec<_>>().join(","))
        }
        other => panic!("{other:?}"),
    }
}

fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}
