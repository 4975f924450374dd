# Short names for what is done every day. CI runs .ci/run instead.

# Everything that needs no run of the code.
check:
    ruff format --check .
    ruff check .
    mypy
    lint-imports
    codespell

# The tests that the README's own line runs.
test *arguments:
    python -m pytest -n auto --dist loadfile {{arguments}}

# The tests, and which lines they never reach.
cover:
    coverage run -m pytest
    coverage combine
    coverage report

# Measurements; they print and never fail on a figure.
bench:
    python -m pytest -m benchmark -s tests/benchmarks

# Long chaos runs.
torture:
    python -m pytest -m torture

# New exact versions for CI, after a change of the dependencies in pyproject.toml.
lock:
    uv pip compile pyproject.toml --extra dev --python-version 3.11 --python-platform x86_64-unknown-linux-gnu \
        --generate-hashes --no-header --no-annotate --upgrade -o .ci/requirements.lock
