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

/// A transport that fails is a service that is not available. A `tonic::Status` has its own code, lifted or not.
impl<E: 'static> Coded for Lifted<E> {
    fn code(&self) -> Code {
        match self {
            Self::Rejected(rejected) => rejected.code(),
            Self::Inner(error) => of_transport(error),
        }
    }
}

#[cfg(feature = "tonic")]
fn of_transport<E: 'static>(error: &E) -> Code {
    let status = (error as &dyn std::any::Any).downcast_ref::<tonic::Status>();
    status.map_or(Code::UNAVAILABLE, Coded::code)
}

#[cfg(not(feature = "tonic"))]
const fn of_transport<E: 'static>(_: &E) -> Code {
    Code::UNAVAILABLE
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
