//! The status code of an error, for errors that come in the place of a response.

use crate::{
    grpc::Code,
    rejected::{BoxError, Lifted, Rejected},
};

/// An error that stands for a status: what a client of gRPC would say of it.
///
/// ```
/// use buttress::{Lifted, grpc::{Code, Coded}};
///
/// let broken: Lifted<std::io::Error> = Lifted::Inner(std::io::ErrorKind::ConnectionReset.into());
/// assert_eq!(broken.code(), Code::UNAVAILABLE);
/// ```
pub trait Coded {
    /// The code.
    fn code(&self) -> Code;
}

impl Coded for Rejected {
    fn code(&self) -> Code {
        Code::of_reason(self.reason())
    }
}

/// A transport that fails is a service that is not available.
impl<E> Coded for Lifted<E> {
    fn code(&self) -> Code {
        match self {
            Self::Rejected(rejected) => rejected.code(),
            Self::Inner(_) => Code::UNAVAILABLE,
        }
    }
}

impl Coded for BoxError {
    fn code(&self) -> Code {
        #[cfg(feature = "tonic")]
        if let Some(status) = self.downcast_ref::<tonic::Status>() {
            return Coded::code(status);
        }
        Rejected::find(&**self).map_or(Code::UNAVAILABLE, |rejected| rejected.code())
    }
}

#[cfg(feature = "tonic")]
impl Coded for tonic::Status {
    fn code(&self) -> Code {
        Code::of_number(Self::code(self) as i32)
    }
}
