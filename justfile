# Names for the steps of the two scripts; nothing happens here that they do not do.

# The names below.
default:
    @just --list

# What every change must pass.
ci *steps:
    bash .ci/run {{ steps }}

# All tests of all members and the doctests, with the servers.
test:
    bash .ci/run test doctests

# A command with the servers up: just with cargo test --test store
with *command:
    bash .ci/servers -- {{ command }}

# Format, clippy, and what no compiler checks.
lint:
    bash .ci/run fmt clippy greps

# Each feature alone.
features:
    bash .ci/run features

# The docs, as they are built here and on docs.rs.
docs:
    bash .ci/run docs docsrs

# Each example, to its end.
examples:
    bash .ci/run examples

# Every interleaving of the cores that have atomics.
loom:
    bash .ci/run loom

# The oldest Rust that is promised.
msrv:
    bash .ci/run msrv

# What a user compiles, and what would be published.
crates:
    bash .ci/run crates package

# What is too slow for every change, or some of it: just long miri fuzz
long *steps:
    bash .ci/long {{ steps }}

# What a call costs, next to the peers.
bench:
    bash .ci/long bench

# Accepts the compiler's present words as those that checks/ui expects; read the diff before you commit it.
ui-bless:
    TRYBUILD=overwrite cargo test --locked -p buttress-ui
