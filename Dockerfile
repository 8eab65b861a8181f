# Fairway as a container: one binary, git, and bubblewrap for the local engine.
#
#   docker build -t fairway .
#   docker run --rm -p 8080:8080 -v fairway:/data --env-file fairway.env fairway

ARG DAGGER_ENGINE_IMAGE=debian:bookworm-slim

FROM rust:1.95-slim-bookworm AS build
RUN apt-get update \
    && apt-get install -y --no-install-recommends gcc g++ make cmake git pkg-config \
    && rm -rf /var/lib/apt/lists/*
WORKDIR /src
COPY . .
# The target directory is a cache of the builder, so the binary is copied out of it.
RUN --mount=type=cache,target=/src/target \
    --mount=type=cache,target=/usr/local/cargo/registry \
    cargo build --release --locked --bin fairway \
    && install -D target/release/fairway /out/fairway

# The Dagger CLI comes from the engine's own image, so that both have one version. Not named: no CLI, local engine only.
FROM ${DAGGER_ENGINE_IMAGE} AS dagger
RUN mkdir -p /out && if [ -x /usr/local/bin/dagger ]; then cp /usr/local/bin/dagger /out/; fi

FROM debian:bookworm-slim
RUN apt-get update \
    && apt-get install -y --no-install-recommends ca-certificates git bubblewrap \
    && rm -rf /var/lib/apt/lists/* \
    && useradd --system --uid 10001 --home-dir /data --shell /usr/sbin/nologin fairway \
    && install -d -o fairway -g fairway -m 0700 /data
COPY --from=dagger /out/ /usr/local/bin/
COPY --from=build /out/fairway /usr/local/bin/fairway
USER fairway
WORKDIR /data
VOLUME /data
ENV FAIRWAY_DATA_DIR=/data \
    FAIRWAY_LISTEN=0.0.0.0:8080 \
    FAIRWAY_LOG_FORMAT=json
# The public listener alone; the private one stays on the container's loopback.
EXPOSE 8080
STOPSIGNAL SIGTERM
ENTRYPOINT ["fairway"]
CMD ["serve"]
