//! Owns the rows that are known and change nothing: what is said of each.

/// What is said of a variable of TLS.
pub(crate) const NO_TLS: &str = "TLS is not built in yet";
/// What is said of a variable of gRPC.
pub(crate) const NO_GRPC: &str = "gRPC is not built in yet; over HTTP the URL decides";

/// Rows that are known, but whose values change nothing yet.
macro_rules! not_served {
    ($($name:expr, $about:expr, $instead:expr;)+) => {
        [$($crate::variable::Variable {
            name: $name,
            default: "",
            secret: false,
            about: $about,
            set: |_, _| Err($crate::variable::Refusal::NotServed($instead.to_owned())),
            show: |_| String::new(),
        }),+]
    };
}

pub(crate) use not_served;
