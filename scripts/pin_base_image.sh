#!/bin/sh
# Writes the digest of the base image behind its tag in the Dockerfile, as the registry has it now. Needs docker buildx.
set -eu
cd "$(dirname "$0")/.."
dockerfile=${1:-Dockerfile}
tag=$(sed -n 's/^ARG BASE=\([^@]*\).*/\1/p' "$dockerfile")
digest=$(docker buildx imagetools inspect "$tag" --format '{{.Manifest.Digest}}')
echo "$digest" | grep -Eqx 'sha256:[0-9a-f]{64}' || {
    echo "The registry named no digest of $tag: $digest" >&2
    exit 1
}
sed "s|^ARG BASE=.*|ARG BASE=$tag@$digest|" "$dockerfile" > "$dockerfile.pinned"
mv "$dockerfile.pinned" "$dockerfile"
echo "$tag@$digest"
