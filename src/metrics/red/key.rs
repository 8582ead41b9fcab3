//! The label sets: which facts of a hop are labels, and their texts.

use ::metrics::Label;

use super::series::LabelSet;
use crate::names::{Conventions, label};
use crate::record::{
    Code, End, ErrorType, Http, HttpVersion, Interned, Kind, Method, Piece, Query, Route, Rpc, Scheme, Work,
};

pub(super) const SCHEMES: [Scheme; 2] = [Scheme::Http, Scheme::Https];

/// A request served.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(super) struct ServerKey {
    method: Method,
    scheme: Scheme,
    version: HttpVersion,
    route: Option<Route>,
    status: Option<u16>,
    error: ErrorType,
}

/// A request made.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(super) struct ClientKey {
    method: Method,
    server: Option<Server>,
    status: Option<u16>,
    error: ErrorType,
}

/// A call of gRPC.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(super) struct RpcKey {
    rpc: Rpc,
    /// The server that a client called; `None` of a call that is served.
    server: Option<Server>,
    error: ErrorType,
}

/// A job or a message.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(super) struct WorkKey {
    kind: Kind,
    name: Route,
    error: ErrorType,
}

/// A query of a database.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(super) struct QueryKey {
    system: Interned,
    namespace: Option<Interned>,
    summary: Interned,
    operation: Interned,
    collection: Option<Interned>,
    server: Option<(Interned, Option<u16>)>,
    code: Option<Interned>,
    error: ErrorType,
}

/// A wait for a connection of a pool.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(super) struct PoolKey(pub(super) Interned);

/// Who was called. Its name is bounded as a route's is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
struct Server {
    address: Route,
    port: u16,
}

impl Server {
    fn of(http: &Http) -> Option<Self> {
        let host = http.piece(Piece::Host);
        let port = http.port.unwrap_or(http.scheme.default_port());
        (!host.is_empty()).then(|| Self { address: Route::of(host), port })
    }

    fn labels(self) -> [Label; 2] {
        [
            Label::from_static_parts(label::SERVER_ADDRESS, self.address.as_str()),
            Label::new(label::SERVER_PORT, self.port.to_string()),
        ]
    }
}

impl ServerKey {
    pub(super) fn new(http: &Http, route: Option<Route>, end: &End) -> Self {
        Self {
            method: http.method,
            scheme: http.scheme,
            version: http.version,
            route,
            status: end.status,
            error: end.error_type,
        }
    }
}

impl LabelSet for ServerKey {
    fn labels(self) -> Vec<Label> {
        let mut labels = active(self.method, self.scheme);
        labels.push(Label::from_static_parts(label::NETWORK_PROTOCOL_VERSION, self.version.as_str()));
        labels.extend(self.route.map(|route| Label::from_static_parts(label::HTTP_ROUTE, route.as_str())));
        labels.extend(status(self.status));
        labels.extend(error(self.error));
        labels
    }

    fn failed(self) -> Option<Self> {
        Some(Self { status: Some(500), error: ErrorType::Status(500), ..self })
    }
}

impl ClientKey {
    pub(super) fn new(http: &Http, end: &End) -> Self {
        let (server, error) = (Server::of(http), end.error_type);
        Self { method: http.method, server, status: end.status, error }
    }
}

impl LabelSet for ClientKey {
    fn labels(self) -> Vec<Label> {
        let mut labels = vec![method(self.method)];
        labels.extend(self.server.into_iter().flat_map(Server::labels));
        labels.extend(status(self.status));
        labels.extend(error(self.error));
        labels
    }
}

impl RpcKey {
    pub(super) fn new(kind: Kind, http: &Http, rpc: Rpc, end: &End) -> Self {
        let server = (kind == Kind::Client).then(|| Server::of(http)).flatten();
        Self { rpc, server, error: end.error_type }
    }
}

impl LabelSet for RpcKey {
    fn labels(self) -> Vec<Label> {
        let mut labels = vec![
            Label::from_static_parts(label::RPC_SYSTEM_NAME, "grpc"),
            Label::from_static_parts(label::RPC_METHOD, self.rpc.method()),
            Label::from_static_parts(
                Conventions::of_rpc(label::RPC_STATUS_CODE, label::RPC_RESPONSE_STATUS_CODE),
                self.rpc.code.as_str(),
            ),
        ];
        labels.extend(self.server.into_iter().flat_map(Server::labels));
        labels.extend(error(self.error));
        labels
    }

    /// Of a served call, unless its method may not exist.
    fn failed(self) -> Option<Self> {
        if self.server.is_some() || self.rpc.method.is_none() {
            return None;
        }
        let code = Code::INTERNAL;
        Some(Self { rpc: Rpc { code, ..self.rpc }, error: ErrorType::Word(code.as_str()), ..self })
    }
}

impl WorkKey {
    pub(super) fn new(kind: Kind, name: &str, end: &End) -> Self {
        Self { kind, name: Route::of(name), error: end.error_type }
    }
}

impl LabelSet for WorkKey {
    fn labels(self) -> Vec<Label> {
        let kind = match self.kind {
            Kind::Server => "server",
            Kind::Client => "client",
            Kind::Producer => "producer",
            Kind::Consumer => "consumer",
            Kind::Internal => "internal",
        };
        let mut labels = vec![
            Label::from_static_parts(label::WORK_KIND, kind),
            Label::from_static_parts(label::WORK_NAME, self.name.as_str()),
        ];
        labels.extend(error(self.error));
        labels
    }
}

impl QueryKey {
    pub(super) fn new(work: &Work, query: &Query, end: &End) -> Self {
        let statement = query.statement.get();
        Self {
            system: Interned::of(work.system.as_deref().unwrap_or_default()),
            namespace: query.namespace,
            summary: statement.summary,
            operation: statement.operation,
            collection: statement.collection,
            server: query.server,
            code: query.code.get().copied(),
            error: end.error_type,
        }
    }
}

impl LabelSet for QueryKey {
    fn labels(self) -> Vec<Label> {
        let words = [
            (label::DB_SYSTEM_NAME, Some(self.system)),
            (label::DB_NAMESPACE, self.namespace),
            (label::DB_QUERY_SUMMARY, Some(self.summary)),
            (label::DB_OPERATION_NAME, Some(self.operation)),
            (label::DB_COLLECTION_NAME, self.collection),
            (label::SERVER_ADDRESS, self.server.map(|(address, _)| address)),
            (label::DB_RESPONSE_STATUS_CODE, self.code),
        ];
        let words = words.into_iter().filter_map(|(name, word)| Some((name, word?.as_str())));
        let known = words.filter(|(_, word)| !word.is_empty());
        let mut labels: Vec<_> = known.map(|(name, word)| Label::from_static_parts(name, word)).collect();
        let port = self.server.and_then(|(_, port)| port);
        labels.extend(port.map(|port| Label::new(label::SERVER_PORT, port.to_string())));
        labels.extend(error(self.error));
        labels
    }
}

impl LabelSet for PoolKey {
    fn labels(self) -> Vec<Label> {
        vec![Label::from_static_parts(label::DB_CLIENT_CONNECTION_POOL_NAME, self.0.as_str())]
    }
}

/// The labels of the in-flight gauge: what is known when a request begins.
pub(super) fn active(of: Method, scheme: Scheme) -> Vec<Label> {
    vec![method(of), Label::from_static_parts(label::URL_SCHEME, scheme.as_str())]
}

/// The labels of a route's stated priority. Routes begin with a slash, methods of gRPC do not.
pub(super) fn priority(route: Route, priority: &'static str) -> Vec<Label> {
    let route = route.as_str();
    let name = if route.starts_with('/') { label::HTTP_ROUTE } else { label::RPC_METHOD };
    vec![Label::from_static_parts(name, route), Label::from_static_parts(label::PRIORITY, priority)]
}

fn method(method: Method) -> Label {
    Label::from_static_parts(label::HTTP_REQUEST_METHOD, method.as_str())
}

fn status(status: Option<u16>) -> Option<Label> {
    status.map(|status| Label::new(label::HTTP_RESPONSE_STATUS_CODE, status.to_string()))
}

pub(super) fn error(error: ErrorType) -> Option<Label> {
    let text = match error {
        ErrorType::None => return None,
        ErrorType::Word(word) => word.to_owned(),
        ErrorType::Status(status) => status.to_string(),
    };
    Some(Label::new(label::ERROR_TYPE, text))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_server_that_answered_500_is_its_own_sibling() {
        let (method, scheme, version) = (Method::Get, Scheme::Http, HttpVersion::V2);
        let error = ErrorType::Status(500);
        let key = ServerKey { method, scheme, version, route: None, status: Some(500), error };
        assert_eq!(key.failed(), Some(key));
    }

    #[test]
    fn a_call_of_a_method_that_may_not_exist_and_one_of_a_client_have_no_sibling() {
        let rpc = |method| Rpc { method, code: Code::OK };
        let (real, error) = (Some(Route::of("a.B/C")), ErrorType::None);
        let server = Some(Server { address: Route::of("a"), port: 1 });
        assert!(RpcKey { rpc: rpc(real), server: None, error }.failed().is_some());
        assert!(RpcKey { rpc: rpc(None), server: None, error }.failed().is_none());
        assert!(RpcKey { rpc: rpc(real), server, error }.failed().is_none());
    }
}
