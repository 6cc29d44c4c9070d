//! `tonic::Status` carries a rejection, and gives it back.

use super::Code;
use crate::rejected::{Rejectable, Rejected};
use std::sync::Arc;
use tonic::Status;

impl From<Rejected> for Status {
    /// A status with the code of the reason; the rejection itself, with its wait, is its source.
    fn from(rejected: Rejected) -> Self {
        let code = tonic::Code::from_i32(Code::of_reason(rejected.reason()).number().into());
        let mut status = Self::new(code, rejected.to_string());
        status.set_source(Arc::new(rejected));
        status
    }
}

impl Rejectable for Status {
    fn as_rejected(&self) -> Option<Rejected> {
        Rejected::find(self)
    }
}
