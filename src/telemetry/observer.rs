//! Who listens: to one layer, or to the whole process.

use super::Event;
use std::{
    error::Error,
    fmt,
    panic::{AssertUnwindSafe, catch_unwind},
    sync::{
        Arc, OnceLock,
        atomic::{AtomicBool, Ordering},
    },
};

/// Listens to the decisions of layers. A closure will do, and so will a tuple of observers.
///
/// It is called on the task that made the decision, sometimes in a destructor: be quick, and do not block.
pub trait Observer: Send + Sync + 'static {
    /// Something was decided.
    fn event(&self, event: &Event<'_>);
}

impl<F: Fn(&Event<'_>) + Send + Sync + 'static> Observer for F {
    fn event(&self, event: &Event<'_>) {
        self(event);
    }
}

macro_rules! all_of {
    ($($observer:ident . $at:tt),+) => {
        impl<$($observer: Observer),+> Observer for ($($observer,)+) {
            fn event(&self, event: &Event<'_>) {
                $(guarded(&self.$at, event);)+
            }
        }
    };
}
all_of!(A.0, B.1);
all_of!(A.0, B.1, C.2);
all_of!(A.0, B.1, C.2, D.3);

static INSTALLED: OnceLock<Box<dyn Observer>> = OnceLock::new();

/// Lets `observer` hear every layer of the process, for as long as it runs. A circuit that was made before tells its state
/// with its next call.
///
/// # Errors
/// If one was installed before: there is one a process, and a tuple makes several into one.
pub fn install(observer: impl Observer) -> Result<(), AlreadyInstalled> {
    INSTALLED.set(Box::new(observer)).map_err(|_| AlreadyInstalled { _more: () })?;
    HEARD.store(true, Ordering::Release);
    Ok(())
}

/// The same question as whether one is installed, for one instruction less on every call.
static HEARD: AtomicBool = AtomicBool::new(false);

/// Whether anybody hears every layer.
#[inline]
pub(crate) fn is_installed() -> bool {
    HEARD.load(Ordering::Acquire)
}

/// An observer was installed before; it stays.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct AlreadyInstalled {
    _more: (),
}

impl fmt::Display for AlreadyInstalled {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("an observer is already installed; install a tuple to have several")
    }
}

impl Error for AlreadyInstalled {}

/// The listeners of one layer: its own, if it was given one, and the installed one.
///
/// For layers of your own: hold one, offer an `observe` setter, and emit.
///
/// ```
/// use std::sync::atomic::{AtomicU32, Ordering};
/// use buttress::telemetry::{Event, Limit, Observed};
///
/// static CUT: AtomicU32 = AtomicU32::new(0);
/// let ears = Observed::by(|event: &Event<'_>| {
///     assert_eq!(event.name(), "payments");
///     CUT.fetch_add(1, Ordering::Relaxed);
/// });
/// ears.emit(|| Event::timed_out("payments", Limit::Call));
/// assert_eq!(CUT.load(Ordering::Relaxed), 1);
/// ```
#[derive(Clone, Default)]
pub struct Observed {
    own: Option<Arc<dyn Observer>>,
}

impl Observed {
    /// Nobody of its own.
    #[must_use]
    pub const fn new() -> Self {
        Self { own: None }
    }

    /// With a listener of its own.
    #[must_use]
    pub fn by(observer: impl Observer) -> Self {
        Self { own: Some(Arc::new(observer)) }
    }

    /// Whether it has a listener of its own.
    pub(crate) const fn has_own(&self) -> bool {
        self.own.is_some()
    }

    /// Tells the listeners. Where there is none the event is not even built.
    #[inline]
    pub fn emit<'a>(&self, event: impl FnOnce() -> Event<'a>) {
        let installed = INSTALLED.get();
        if self.own.is_some() || installed.is_some() {
            tell(&event(), [self.own.as_deref(), installed.map(|observer| &**observer)]);
        }
    }
}

#[cold]
fn tell(event: &Event<'_>, observers: [Option<&dyn Observer>; 2]) {
    for observer in observers.into_iter().flatten() {
        guarded(observer, event);
    }
}

/// The panic hook has spoken already; neither the call that is being told of nor whoever else listens must pay for it.
fn guarded(observer: &(impl Observer + ?Sized), event: &Event<'_>) {
    let _ = catch_unwind(AssertUnwindSafe(|| observer.event(event)));
}

impl fmt::Debug for Observed {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Observed").field("own", &self.own.is_some()).finish()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::telemetry::Limit;
    use std::sync::Mutex;

    #[test]
    fn all_of_a_tuple_hear_and_one_that_panics_harms_nobody() {
        let heard: Arc<Mutex<Vec<String>>> = Arc::default();
        let (one, two, three) = (Arc::clone(&heard), Arc::clone(&heard), Arc::clone(&heard));
        let ears = Observed::by((
            move |event: &Event<'_>| one.lock().expect("not poisoned").push(format!("one {}", event.name())),
            move |event: &Event<'_>| {
                two.lock().expect("not poisoned").push(format!("two {}", event.name()));
                std::panic::resume_unwind(Box::new("an observer's own trouble"));
            },
            move |event: &Event<'_>| {
                three.lock().expect("not poisoned").push(format!("three {}", event.name()));
            },
        ));
        for _ in 0..2 {
            ears.emit(|| Event::timed_out("x", Limit::Call));
        }
        let each = ["one x", "two x", "three x"];
        assert_eq!(*heard.lock().expect("not poisoned"), [each, each].concat());
    }

    #[test]
    fn where_nobody_listens_no_event_is_built() {
        // Nothing is installed in this process: the test binary of the library never installs an observer.
        Observed::new().emit(|| panic!("was built"));
    }
}
