//! Whatever holds an error, as that error: the types that services use implement no trait in common.

use std::error::Error;

/// What [`request::error`](crate::request::error) takes: an error, or a box of one.
///
/// `Kind` distinguishes the ways in which a type can be one; it is inferred.
#[diagnostic::on_unimplemented(
    message = "`{Self}` is neither an error nor a box of one",
    note = "a text becomes one by `Box::<dyn std::error::Error>::from(text)`"
)]
pub trait AsError<Kind> {
    /// The error.
    fn as_error(&self) -> &(dyn Error + '_);
}

/// An error of a type of its own.
#[derive(Debug)]
pub enum Itself {}

/// `dyn Error`.
#[derive(Debug)]
pub enum Dynamic {}

/// `Box<dyn Error>`.
#[derive(Debug)]
pub enum Boxed {}

/// A report that can be seen as either kind of error: anyhow's, eyre's.
#[derive(Debug)]
pub enum Report {}

impl<E: Error> AsError<Itself> for E {
    fn as_error(&self) -> &(dyn Error + '_) {
        self
    }
}

macro_rules! dynamic {
    ($($error:ty),+) => {
        $(
            impl AsError<Dynamic> for $error {
                fn as_error(&self) -> &(dyn Error + '_) {
                    self
                }
            }

            impl AsError<Boxed> for Box<$error> {
                fn as_error(&self) -> &(dyn Error + '_) {
                    &**self
                }
            }
        )+
    };
}

dynamic!(dyn Error + '_, dyn Error + Send + '_, dyn Error + Send + Sync + '_);

impl<R: AsRef<dyn Error> + AsRef<dyn Error + Send + Sync>> AsError<Report> for R {
    fn as_error(&self) -> &(dyn Error + '_) {
        AsRef::<dyn Error>::as_ref(self)
    }
}
