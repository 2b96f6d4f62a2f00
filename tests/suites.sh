# shellcheck shell=bash disable=SC2034
# What ./dev and .ci/run share: packages, builds, and suites that count.
# Sourced in the top folder, with `set -euo pipefail`.

# What a run needs; then what ./dev check needs besides; then .ci/run.
run_packages=(autoconf automake curl gcc libc6-dev libcmocka-dev libfcgi-dev
	libjson-c-dev make nginx-light pkg-config)
check_packages=(apache2-bin binutils clang-format-14 faketime fcgiwrap
	iproute2 jq libfcgi-bin lighttpd lighttpd-modules-lua
	multiwatch procps python3-pytest python3-yaml
	shellcheck spawn-fcgi strace util-linux)
ci_packages=(clang-14 clang-tidy-14 cppcheck diffutils libclang-rt-14-dev
	valgrind xz-utils)

# A line per suite: name, passed, failed, skipped.
counts=build/counts

say()
{
	echo "dev: $*"
}

fail()
{
	echo "dev: $*" >&2
	exit 1
}

# explain LOG SENTENCE: it failed, with the log's lines that say FAIL, or else
# with its last ones.
explain()
{
	{
		echo "dev: $2; see $1:"
		grep -E '^(FAIL|ERROR)' "$1" | head -n 20 | sed 's/^/  | /' |
			grep . || tail -n 15 "$1" | sed 's/^/  | /'
	} >&2
}

as_root()
{
	if [ "$(id -u)" = 0 ]; then
		"$@"
	else
		sudo "$@"
	fi
}

# is_here PACKAGE
is_here()
{
	case $1 in
	nginx-light) # any nginx will do
		type -P nginx >/dev/null || [ -x /usr/sbin/nginx ]
		;;
	*)
		[ "$(dpkg-query -W -f '${db:Status-Status}' "$1" \
			2>/dev/null)" = installed ]
		;;
	esac
}

# Debian starts a service as soon as it is installed, such as nginx on port
# 80, unless this file says no.  One that is there already is left alone.
apt_install()
(
	guard=/usr/sbin/policy-rc.d
	if [ ! -e "$guard" ]; then
		trap 'as_root rm -f "$guard"' EXIT
		printf '#!/bin/sh\nexit 101\n' | as_root tee "$guard"
		as_root chmod 755 "$guard"
	fi >/dev/null
	as_root apt-get update &&
		as_root env DEBIAN_FRONTEND=noninteractive apt-get install \
			--yes --no-install-recommends \
			-o DPkg::Lock::Timeout=300 "$@"
)

# need PACKAGE...: install those that are missing.
need()
{
	local one missing=()

	type -P apt-get >/dev/null || {
		say "no apt-get here: make sure that you have $*"
		return
	}
	for one in "$@"; do
		is_here "$one" || missing+=("$one")
	done
	[ ${#missing[@]} -gt 0 ] || return 0
	[ "$(id -u)" = 0 ] || type -P sudo >/dev/null ||
		fail "as root, first: apt-get install ${missing[*]}"
	say "installing ${missing[*]}, without starting their services" \
		'(log: build/apt.log)'
	mkdir -p build
	apt_install "${missing[@]}" >build/apt.log 2>&1 </dev/null || {
		explain build/apt.log 'apt-get failed'
		exit 1
	}
}

# build_in FOLDER CONFIGURE_ARGUMENT...: configure once, then make; what they
# say goes to FOLDER/build.log.
build_in()
{
	local folder=$1 top=$PWD

	shift
	mkdir -p "$folder"
	(
		if [ ! -e configure ] || [ configure -ot configure.ac ]; then
			./bootstrap || exit
		fi
		cd "$folder" || exit
		[ -e config.status ] || "$top/configure" "$@" || exit
		make -j"$(nproc)" all
	) >"$folder/build.log" 2>&1 </dev/null
}

# The build that every verb uses.
build()
{
	[ ! -e config.status ] ||
		fail 'this folder itself is configured: run make distclean first'
	say 'building in build/ (log: build/build.log)'
	build_in build --enable-developer || {
		explain build/build.log 'the build failed'
		exit 1
	}
}

# Each counter prints "passed failed skipped" of a suite that has run.

# count_lines LOG: lines that begin with PASS:, FAIL: or SKIP:.
count_lines()
{
	awk '/^PASS: / { p++ } /^(FAIL|ERROR|XPASS): / { f++ }
		/^(SKIP|XFAIL): / { s++ }
		END { print p + 0, f + 0, s + 0 }' "$1"
}

# count_pytest LOG: a last line such as "3 failed, 97 passed in 12.34s".
count_pytest()
{
	tail -n 1 "$1" | awk '
		{
			for (i = 2; i <= NF; i++) {
				word = $i
				sub(/,$/, "", word)
				if (word == "passed") p += $(i - 1)
				if (word ~ /^(failed|errors?)$/) f += $(i - 1)
				if (word ~ /^(skipped|xfailed)$/) s += $(i - 1)
			}
			print p + 0, f + 0, s + 0
		}'
}

# count_check FOLDER LOG: of make check there.  Unit and golden tests count one
# by one, any other program as one; so does one that died before its count.
count_check()
{
	local trs

	while read -r trs; do
		cat "${trs%.trs}.log" "$trs" | awk '
			/^[0-9]+ passed, [0-9]+ failed$/ { p += $1; f += $3 }
			/^\[  PASSED  \] [0-9]+ test/ { p += $4 }
			/^\[  FAILED  \] [0-9]+ test/ { f += $4 }
			/^\[  SKIPPED \] [0-9]+ test/ { s += $4 }
			/^:global-test-result: / { result = $2 }
			END {
				if (result == "PASS" && p + s == 0) p = 1
				if (result == "SKIP" && p + s == 0) s = 1
				if (result !~ /PASS|SKIP/ && !f) f = 1
				print p + 0, f + 0, s + 0
			}'
	done < <(find "$1/tests" -name '*.trs') |
		awk '{ p += $1; f += $2; s += $3 }
			END { print p + 0, f + 0, s + 0 }'
}

# suite NAME COUNTER COMMAND...: run it with its output in build/NAME.log,
# say how it went, and add a line to the counts.  COUNTER is one of the above
# without its LOG.  Always succeeds: the counts tell.
suite()
{
	local name=$1 counter=$2 log=build/$1.log begun=$SECONDS status=0
	local passed failed skipped

	shift 2
	say "$name ..."
	"$@" >"$log" 2>&1 </dev/null || status=$?
	# shellcheck disable=SC2086 # the counter may carry an argument
	read -r passed failed skipped <<<"$($counter "$log")"
	if [ $((passed + failed)) = 0 ]; then
		echo "no test was run, exit code $status" >>"$log"
		failed=1
	elif [ "$failed" = 0 ] && [ "$status" != 0 ]; then
		echo "exit code $status" >>"$log"
		failed=1
	fi
	echo "$name $passed $failed $skipped" >>"$counts"
	say "$name: $passed right, $failed wrong, $skipped left out" \
		"($((SECONDS - begun)) s)"
	[ "$failed" = 0 ] || explain "$log" "$name failed"
}

# total FIELD: the sum of the counts; 2 is passed, 3 failed, 4 skipped.
total()
{
	awk -v field="$1" '{ sum += $field } END { print sum + 0 }' "$counts"
}

# Debian's Python, which Debian's pytest belongs to.
run_pytest()
{
	/usr/bin/python3 -m pytest -p no:cacheprovider -ra "$@"
}
