# Two commands matter: `make run` opens the app, `make test` checks the code and runs the tests. Both set up what they need.
# While you write, `make check` reads the code and runs no test. `make test-long` runs the slow tests, which repeat for more cases.
PY := .venv/bin/python
# The app and the tests start many short processes, each of which would compile the code anew.
unexport PYTHONDONTWRITEBYTECODE
PORT ?= 8501

.PHONY: run test test-long check setup samples browser lock docs wheel format benchmarks clean

run: setup samples
	$(PY) -m streamlit run server.py --server.port $(PORT)

test: setup samples browser
	$(MAKE) --no-print-directory check
	$(PY) -m pytest -n auto -m "not long"

test-long: setup samples browser
	$(PY) -m pytest -n auto -m long

check: setup
	$(PY) -m ruff format --check .
	$(PY) -m ruff check .
	$(PY) -m mypy
	.venv/bin/lint-imports
	$(PY) scripts/generate_docs.py --check
	$(PY) scripts/list_licences.py --check
	$(PY) scripts/check_english.py

setup: .venv/ready

.venv/ready: requirements-dev.txt pyproject.toml scripts/setup.sh
	sh scripts/setup.sh

samples: setup
	$(PY) samples/build.py

browser:
	sh scripts/browser.sh

docs: setup samples
	$(PY) scripts/render_examples.py
	$(PY) scripts/generate_docs.py
	$(PY) scripts/build_reference.py
	$(PY) scripts/run_notebooks.py

# A source distribution and the wheel made from it, in dist/.
wheel: setup
	$(PY) -m uv build --quiet --no-build-isolation --clear --out-dir dist .

format: setup
	$(PY) -m ruff check --fix .
	$(PY) -m ruff format .

benchmarks: setup samples
	$(PY) -m benchmarks

# requirements.txt is what a server needs, requirements-dev.txt adds the tools that check the code, and
# requirements-hashed.txt is the first with the digest of every file, for the image; requirements-uv.txt is its installer.
LOCK := $(PY) -m uv pip compile --quiet --universal --python-version 3.11 --override overrides.txt \
	--no-emit-index-url --no-emit-find-links --no-annotate --no-header
lock: setup
	$(LOCK) requirements-lock.in -o requirements.txt
	$(LOCK) requirements-dev.in -c requirements.txt -o requirements-dev.txt
	$(LOCK) --generate-hashes requirements-lock.in -c requirements.txt -o requirements-hashed.txt
	grep '^uv==' requirements-dev.txt | $(LOCK) --generate-hashes - -o requirements-uv.txt

clean:
	rm -rf .venv .cache build dist docs/api samples/models samples/pictures
