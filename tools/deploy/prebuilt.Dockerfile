# tasker from binaries that are built already: tools/deploy/image puts them into the context.
# They need a base image whose C library is no older than the one they were built on.
ARG BASE_IMAGE=debian:bookworm-slim

FROM ${BASE_IMAGE} AS base
# Versions are those of the Debian release that the base image pins.
# hadolint ignore=DL3008
RUN if [ ! -e /etc/ssl/certs/ca-certificates.crt ]; then \
        apt-get update \
        && apt-get install -y --no-install-recommends ca-certificates \
        && rm -rf /var/lib/apt/lists/*; \
    fi; \
    install -d -o 65532 -g 65532 /keys
USER 65532:65532
ENV TASKER_LOG_JSON=true

FROM base AS emulator
COPY emulator /usr/local/bin/
CMD ["workspace-emulator", "--host", "0.0.0.0", "--port", "9000"]

FROM base AS tasker
COPY bin /usr/local/bin/
COPY taskcode /usr/share/tasker/taskcode
EXPOSE 8000
CMD ["tasker", "--help"]
