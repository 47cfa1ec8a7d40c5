# CPU:   docker build -t restoration-benchmark .
# CUDA:  docker build -t restoration-benchmark:cuda --build-arg BASE=nvidia/cuda:12.8.1-runtime-ubuntu24.04 \
#          --build-arg TORCH_INDEX=https://download.pytorch.org/whl/cu128 .
# Run:   mkdir -p experiments data    # or docker makes them, and they are root's
#        docker run --rm --user "$(id -u):$(id -g)" -v "$PWD/experiments:/bench/experiments" -v "$PWD/data:/bench/data" \
#          restoration-benchmark run --methods all --dataset demo
ARG BASE=python:3.11-slim-bookworm
FROM ${BASE}

ARG TORCH_INDEX=https://download.pytorch.org/whl/cpu
ENV PYTHONUNBUFFERED=1 PIP_NO_CACHE_DIR=1 PIP_DISABLE_PIP_VERSION_CHECK=1 MPLBACKEND=agg MPLCONFIGDIR=/tmp/matplotlib

# a CUDA base brings no Python; OpenCV's wheel wants these two libraries
RUN apt-get update \
 && apt-get install -y --no-install-recommends libgl1 libglib2.0-0 \
 && (command -v python3 >/dev/null && python3 -c 'import venv, ensurepip' || apt-get install -y --no-install-recommends python3 python3-venv) \
 && rm -rf /var/lib/apt/lists/*

RUN python3 -m venv /opt/venv
ENV PATH=/opt/venv/bin:$PATH

WORKDIR /src
COPY . .
RUN pip install --index-url "${TORCH_INDEX}" "$(grep '^torch==' constraints.txt)" \
 && pip install -c constraints.txt ".[report]" \
 && rm -rf /src

RUN useradd --create-home --uid 10001 bench && mkdir -p /bench && chown bench /bench
USER bench
WORKDIR /bench

# the demo is the health check: shipped weights, two images, no network; nothing of it stays
HEALTHCHECK --interval=5m --timeout=2m --start-period=1m --retries=1 \
  CMD place=$(mktemp -d) && trap 'rm -rf "$place"' EXIT && cd "$place" \
   && python -m benchmark run --methods r2r --dataset demo --limit 2 --quiet

ENTRYPOINT ["python", "-m", "benchmark"]
CMD ["--help"]
