# The workshop and the journey; the context is the top of the repository.
FROM rust:1.91-bookworm AS build
WORKDIR /build
COPY . .
RUN cargo build --release --locked -p workshop --features workshop/real-systems --example workshop -p examples --example journey

FROM debian:bookworm-slim
RUN apt-get update -q && apt-get install -qy --no-install-recommends curl && rm -rf /var/lib/apt/lists/*
COPY --from=build /build/target/release/examples/workshop /build/target/release/examples/journey /usr/local/bin/
USER nobody
ENTRYPOINT ["/usr/local/bin/workshop"]
