# One image for the agent, the night and vLLM: the same locked requirements everywhere. HOST=gpu on hosts with a GPU.
FROM python:3.11-slim
ARG HOST=cpu
# vLLM compiles kernels for this very processor when it first starts, and asks how memory is laid out.
RUN apt-get update && apt-get install -y --no-install-recommends g++ libnuma1 && rm -rf /var/lib/apt/lists/*
WORKDIR /opt/impresario
RUN pip install --no-cache-dir "uv>=0.9,<1"
COPY requirements requirements
RUN uv pip sync --system --no-cache --compile-bytecode requirements/${HOST}.lock
COPY . .
# What reads and checks runs compiled here (docs/adr/0018-compiled-when-asked.md).
RUN uv pip install --system --no-cache --no-deps -e . \
    && python setup.py -q build_ext --inplace -j 2 && rm -rf build \
    && useradd --create-home impresario && install -d -o impresario /shelf /var/lib/impresario /home/impresario/.cache
USER impresario
ENTRYPOINT []
CMD ["impresario", "--help"]
