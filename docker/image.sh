#!/bin/bash
# Builds both images, execplug and execplug:debian, with buildah, podman or
# docker, whichever is there first, and prints what is in the small one.
#
# usage: docker/image.sh [NAME]    (NAME: default execplug)
#
# IMAGE_BUILD_ARGS in the environment is handed to the build as it is, such
# as '--build-arg DEBIAN=my.mirror/debian:12-slim'.
set -euo pipefail

# The first tool that can build here, or nothing.
find_tool()
{
	local tool

	for tool in buildah podman; do
		if type -P "$tool" >/dev/null; then
			echo "$tool"
			return
		fi
	done
	if type -P docker >/dev/null && docker info >/dev/null 2>&1; then
		echo docker
	fi
}

# build TARGET TAG
build()
{
	local -a ignore=(--ignorefile docker/Dockerfile.dockerignore)
	local -a extra

	read -ra extra <<<"${IMAGE_BUILD_ARGS:-}"
	case $tool in
	docker) ignore=() ;; # finds it by its name
	esac
	"$tool" build -f docker/Dockerfile --target "$1" -t "$2" \
		"${ignore[@]}" "${extra[@]}" .
}

# Write the image's files as a tar archive to stdout.
files_of()
{
	local container
	local -a within=()

	case $tool in
	buildah)
		container=$(buildah from --pull-never "$1")
		# Mounting needs root, or a namespace in which we are it.
		[[ $EUID -eq 0 ]] || within=(buildah unshare)
		# shellcheck disable=SC2016 # for the inner shell
		"${within[@]}" bash -c \
			'tar -C "$(buildah mount "$0")" -c .' "$container"
		buildah rm "$container" >/dev/null
		;;
	*)
		container=$("$tool" create "$1")
		"$tool" export "$container"
		"$tool" rm "$container" >/dev/null
		;;
	esac
}

cd "$(dirname "$0")/.."
name=${1:-execplug}
tool=$(find_tool)
if [[ -z $tool ]]; then
	echo "no image was built: neither buildah nor podman nor a docker" \
		"that can reach its engine is here (apt-get install buildah)" >&2
	exit 1
fi

echo "building $name and $name:debian with $tool"
build debian "$name:debian"
build execplug "$name:latest"

archive=$(mktemp)
trap 'rm -f "$archive"' EXIT
files_of "$name:latest" >"$archive"
echo "$name holds:"
tar -tvf "$archive" | awk '!/^d/ { printf "%10d  %s\n", $3, $6 }'
printf '%10d  bytes, %d compressed\n' "$(stat -c %s "$archive")" \
	"$(gzip -9 <"$archive" | wc -c)"
