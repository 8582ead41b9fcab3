//! What stands for gRPC where the feature `otlp-grpc` is off: options refuse it before anybody comes here.

use bytes::Bytes;
use http::{HeaderMap, Response};
use hyper::body::Incoming;
use hyper_util::client::legacy::Builder;

use crate::export::Delivery;

pub(crate) const IS_BUILT_IN: bool = false;

pub(super) fn prepare(_: &mut Builder) {}

pub(super) fn address(_: &mut HeaderMap) {}

pub(super) fn frame(message: Bytes, _: bool) -> Bytes {
    message
}

pub(super) async fn read(_: Response<Incoming>) -> Result<Bytes, Delivery> {
    Err(Delivery::Refused { reason: "gRPC is not built in".to_owned() })
}
