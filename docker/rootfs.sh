#!/bin/bash
# Fills a folder with the root of the container image: execplugd, nginx, the
# libraries that these two load, the CA bundle, and nothing else.  No shell,
# no package manager, no passwd file: the image runs as a number (8737:0).
#
# usage: docker/rootfs.sh DESTDIR
#
# DESTDIR is made; if it exists it must be empty.  The programs are those
# that EXECPLUGD and NGINX name in the environment, by default
# build/execplugd and the nginx in PATH or /usr/sbin.  Prints one line per
# file.
set -euo pipefail

die()
{
	echo "rootfs.sh: $*" >&2
	exit 1
}

# Every shared object that the loader would map for the given programs, the
# loader itself included.
libraries_of()
{
	local program listing

	for program; do
		listing=$(ldd "$program") || die "ldd failed on '$program'"
		if [[ $listing == *'not found'* ]]; then
			die "'$program' needs a library that is not here:" \
				"$(grep 'not found' <<<"$listing")"
		fi
		awk '$2 == "=>" { print $3 } $1 ~ "^/" { print $1 }' \
			<<<"$listing"
	done | sort -u
}

# Copy a file, not a link to it, with the mode that it has in the image.
install_file()
{
	local mode=$1 from=$2 to=$3

	install -D -m "$mode" "$from" "$root$to"
	touch -r "$from" "$root$to"
	echo "$to"
}

[[ $# -eq 1 ]] || die "usage: docker/rootfs.sh DESTDIR"
umask 022
mkdir -p "$1"
[[ -z $(ls -A "$1") ]] || die "'$1' is not empty"
root=$(cd "$1" && pwd)

execplugd=${EXECPLUGD:-build/execplugd}
[[ -f $execplugd && -x $execplugd ]] ||
	die "no program '$execplugd'; build it, or name it in EXECPLUGD"
nginx=${NGINX:-$(PATH=$PATH:/usr/sbin type -P nginx || true)}
[[ -f $nginx && -x $nginx ]] ||
	die "no nginx; install Debian's package 'nginx', or name it in NGINX"
bundle=/etc/ssl/certs/ca-certificates.crt
[[ -s $bundle ]] ||
	die "no $bundle; install Debian's package 'ca-certificates'"

libraries=$(libraries_of "$execplugd" "$nginx")
install_file 0755 "$execplugd" /usr/sbin/execplugd
install_file 0755 "$nginx" /usr/sbin/nginx
while read -r library; do
	install_file 0755 "$library" "$library"
done <<<"$libraries"
install_file 0644 "$bundle" "$bundle"
