# A static binary needs nothing around it but certificates to trust GitHub's, and a user that is not root.
FROM golang:1.26.8-bookworm AS build
WORKDIR /src
# Modules first: they change seldom, so that this layer is reused while sources change.
COPY go.mod go.sum ./
RUN go mod download
COPY . .
ARG VERSION=unknown
ARG REVISION=unknown
ARG BRANCH=unknown
ARG BUILD_DATE=unknown
RUN CGO_ENABLED=0 go build -trimpath -buildvcs=false -ldflags "-s -w \
      -X github.com/prometheus/common/version.Version=${VERSION} \
      -X github.com/prometheus/common/version.Revision=${REVISION} \
      -X github.com/prometheus/common/version.Branch=${BRANCH} \
      -X github.com/prometheus/common/version.BuildUser=docker \
      -X github.com/prometheus/common/version.BuildDate=${BUILD_DATE}" \
      -o /out/github_workflow_exporter . \
 && mkdir -p /out/data /out/tmp

FROM scratch
ARG VERSION=unknown
ARG REVISION=unknown
LABEL org.opencontainers.image.title="github_workflow_exporter" \
      org.opencontainers.image.description="Prometheus exporter for GitHub Actions workflow runs, jobs and steps" \
      org.opencontainers.image.licenses="Apache-2.0" \
      org.opencontainers.image.version="${VERSION}" \
      org.opencontainers.image.revision="${REVISION}"
COPY --from=build /etc/ssl/certs/ca-certificates.crt /etc/ssl/certs/
COPY --from=build /out/github_workflow_exporter /bin/github_workflow_exporter
# A new volume takes the owner and mode of this directory, so that the ledger can be written without root.
COPY --from=build --chown=65532:65532 --chmod=0700 /out/data /data
# The demo keeps its ledger here.
COPY --from=build --chmod=1777 /out/tmp /tmp
USER 65532:65532
VOLUME /data
EXPOSE 9887
# No HEALTHCHECK: orchestrators ask /-/healthy and /-/ready themselves, and there is no shell in here to ask with.
ENTRYPOINT ["/bin/github_workflow_exporter"]
CMD ["--config.file=/etc/github_workflow_exporter/config.yml", "--storage.path=/data"]
