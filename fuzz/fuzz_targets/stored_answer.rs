//! Any bytes as a stored answer: refused with a reason, or read whole, and written again as the same bytes.

#![no_main]

use buttress::idempotency::{Stored, Unreadable};
use libfuzzer_sys::fuzz_target;

fuzz_target!(|bytes: &[u8]| {
    let stored = Stored::from_bytes(bytes.to_vec());
    match stored.open() {
        Ok(answer) => {
            let again = Stored::encode(
                answer.status(),
                answer.made_at(),
                answer.headers(),
                answer.body(),
                answer.trailers(),
            );
            assert_eq!(again.as_bytes(), bytes);
        }
        Err(Unreadable::Version(version)) => assert_eq!(bytes.first(), Some(&version)),
        Err(_) => {}
    }
});
