# docker build -t vitrine .                                     CPU and CUDA alike (PyPI's own build of torch)
# docker build -t vitrine --build-arg TORCH=cpu .               without the CUDA libraries, about 4 GB smaller
# docker run, with limits: see compose.yaml and docs/deploy.md
# Python 3.11.16 on Debian bookworm, for all processors. `sh scripts/pin_base_image.sh` writes the digest of today.
ARG BASE=python:3.11-slim-bookworm@sha256:a36c24f9cbdf4fd0f52d67f0823eeac19c2028c637cecc392d97f980d4fec56b
FROM $BASE AS build
ARG TORCH=cuda
WORKDIR /app
COPY requirements-hashed.txt requirements-uv.txt ./
RUN pip install --no-cache-dir --no-deps --require-hashes -r requirements-uv.txt && uv venv /venv
ENV VIRTUAL_ENV=/venv PATH=/venv/bin:$PATH UV_COMPILE_BYTECODE=1
RUN if [ "$TORCH" = cpu ]; then \
        awk '/^[^ ]/ { kept = !/^(nvidia-|cuda-|triton|torch==|torchvision==)/ } kept' requirements-hashed.txt > chosen.txt && \
        uv pip install --no-deps --no-cache --require-hashes -r chosen.txt && \
        uv pip install --no-deps --no-cache --torch-backend cpu $(grep -oE '^(torch|torchvision)==[^ ]+' requirements-hashed.txt); \
    else \
        uv pip install --no-deps --no-cache --require-hashes -r requirements-hashed.txt; \
    fi
COPY . .
RUN uv pip install --no-deps --no-cache --editable . && UV_CACHE_DIR=/tmp/uv uv run --no-project python samples/build.py && \
    python -m compileall -q model_adapters vitrine vitrine_logger xai_core pages app.py server.py

FROM $BASE
RUN useradd --uid 1000 --create-home vitrine
COPY --from=build /venv /venv
COPY --from=build --chown=root:root /app /app
ENV PATH=/venv/bin:$PATH PYTHONDONTWRITEBYTECODE=1 HOME=/tmp
WORKDIR /app
USER 1000
EXPOSE 8501
HEALTHCHECK --interval=15s --timeout=5s --start-period=60s \
    CMD ["python", "-c", "import urllib.request as u; u.urlopen('http://127.0.0.1:8501/_stcore/health', timeout=4)"]
CMD ["vitrine", "app", "--address", "0.0.0.0", "--headless", "--no-samples"]
