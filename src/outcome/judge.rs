//! The step that every classifying layer shares: read the result, settle the ticket or send it along.

use super::{AtEnd, Classify, Outcome, Ticket, Verdict};
use crate::rejected::Rejectable;

/// Reads a result: our own rejections first, then the classifier.
#[inline]
pub fn judge<C, Res, E>(classify: &C, result: Result<&Res, &E>) -> Verdict<C::AtEnd>
where
    C: Classify<Res, E>,
    E: Rejectable,
{
    match result {
        Ok(response) => classify.classify(Ok(response)),
        Err(error) => match error.as_rejected() {
            Some(rejected) => Verdict::Now(Outcome::of_rejection(&rejected)),
            None => classify.classify(Err(error)),
        },
    }
}

/// Ends a call: its ticket is settled where the verdict is known, and goes along with the response where it is not.
///
/// # Errors
/// The inner error, as it came.
#[inline]
pub fn finish<C, Res, E, T>(
    classify: &C,
    result: Result<Res, E>,
    ticket: T,
) -> Result<<C::AtEnd as AtEnd<Res>>::Response<T>, E>
where
    C: Classify<Res, E>,
    E: Rejectable,
    T: Ticket,
{
    match (judge(classify, result.as_ref()), result) {
        (Verdict::Now(outcome), Ok(response)) => {
            ticket.settle(outcome);
            Ok(C::AtEnd::pass(response))
        }
        (Verdict::AtEnd(rest), Ok(response)) => Ok(rest.hold(response, ticket)),
        (Verdict::Now(outcome), Err(error)) => {
            ticket.settle(outcome);
            Err(error)
        }
        // An error has no rest to wait for.
        (Verdict::AtEnd(_), Err(error)) => {
            ticket.settle(Outcome::FAILED);
            Err(error)
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{
        outcome::{By, Class, ErrorsFail},
        rejected::{Lifted, Reason, Rejected},
    };
    use std::cell::Cell;

    struct Note<'a>(&'a Cell<Option<Outcome>>);

    impl Ticket for Note<'_> {
        fn expect(&mut self, _: Outcome) {}
        fn busy(&mut self, _: bool) {}
        fn settle(self, outcome: Outcome) {
            self.0.set(Some(outcome));
        }
    }

    #[test]
    fn a_classifier_never_sees_a_rejection_of_ours() {
        let blames_all =
            By(|_: Result<&(), &Lifted<std::io::Error>>| -> Outcome { panic!("was shown a rejection") });
        let open = Lifted::<std::io::Error>::from(Rejected::new(Reason::Open, "x", false));
        let Verdict::Now(outcome) = judge(&blames_all, Err(&open));
        assert_eq!(outcome.class(), Class::Rejected);
    }

    #[test]
    fn a_result_settles_its_ticket_once_and_comes_back_as_it_was() {
        let noted = Cell::new(None);
        let ok: Result<u8, Lifted<u8>> = finish(&ErrorsFail, Ok(7), Note(&noted));
        assert_eq!((ok, noted.take()), (Ok(7), Some(Outcome::OK)));
        let err: Result<u8, Lifted<u8>> = finish(&ErrorsFail, Err(Lifted::Inner(9)), Note(&noted));
        assert_eq!((err, noted.take()), (Err(Lifted::Inner(9)), Some(Outcome::FAILED)));
    }
}
