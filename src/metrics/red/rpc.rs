//! The label set of a gRPC call, on either side.

use ::metrics::Label;

use super::key::{Error, Packed, error};
use crate::names::label;
use crate::record::{Code, End, ErrorType, Http, Kind, Piece, Route, Rpc};

/// A call of gRPC.
#[derive(Clone, Copy, Debug)]
pub(super) struct RpcKey {
    rpc: Rpc,
    error: Error,
    /// Whom a client called; a server is itself.
    address: Option<Route>,
    port: u16,
}

impl RpcKey {
    pub(super) fn new(kind: Kind, http: &Http, rpc: Rpc, end: &End) -> Self {
        let host = if kind == Kind::Client { http.piece(Piece::Host) } else { "" };
        let address = (!host.is_empty()).then(|| Route::of(host));
        let port = address.map_or(0, |_| http.port.unwrap_or(http.scheme.default_port()));
        Self { rpc, error: Error::new(end.error_type), address, port }
    }

    /// The same call, had it failed in the commonest way; `None` where the method may not exist.
    pub(super) fn failed(self) -> Option<Self> {
        self.rpc.method?;
        let code = Code::INTERNAL;
        let error = Error::new(ErrorType::Word(code.as_str()));
        Some(Self { rpc: Rpc { code, ..self.rpc }, error, ..self })
    }

    pub(super) fn pack(self) -> u64 {
        let packed = Packed::new().and_route(self.rpc.method).and(5, self.rpc.code.number().into());
        packed.and_error(self.error).and_route(self.address).and(16, self.port).number()
    }

    pub(super) fn labels(self) -> Vec<Label> {
        let mut labels = vec![
            Label::from_static_parts(label::RPC_SYSTEM_NAME, "grpc"),
            Label::from_static_parts(label::RPC_METHOD, self.rpc.method()),
            Label::from_static_parts(label::RPC_RESPONSE_STATUS_CODE, self.rpc.code.as_str()),
        ];
        if let Some(address) = self.address {
            labels.push(Label::from_static_parts(label::SERVER_ADDRESS, address.as_str()));
            labels.push(Label::new(label::SERVER_PORT, self.port.to_string()));
        }
        labels.extend(error(self.error));
        labels
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn different_calls_are_different_numbers() {
        let mut seen = std::collections::HashSet::new();
        let errors = [ErrorType::None, ErrorType::Word("INTERNAL"), ErrorType::Word("panic")];
        for method in [None, Some(Route::of("a.B/C")), Some(Route::of("a.B/D"))] {
            for digits in 0..17_u8 {
                let rpc = Rpc { method, code: Code::read(digits.to_string().as_bytes()) };
                for error in errors {
                    for (address, port) in
                        [(None, 0), (Some(Route::of("a")), 1), (Some(Route::of("a")), 65_535)]
                    {
                        let key = RpcKey { rpc, error: Error::new(error), address, port };
                        assert!(seen.insert(key.pack()), "{key:?}");
                    }
                }
            }
        }
    }
}
