//! Nothing to depend on: the test beside it is the point.
