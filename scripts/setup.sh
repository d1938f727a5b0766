#!/bin/sh
# Makes a source checkout ready: npm packages (with the Node that Slipway runs on), the build, and, on Debian and its
# relatives when we are root, the programs it works with.
#   setup.sh run    what ./slipway needs        setup.sh test   what the tests need as well
set -u
cd "$(dirname "$0")/.." || exit 1

say() { printf 'slipway setup: %s\n' "$*" >&2; }
die() { say "$*"; exit 1; }

# Several processes may start at once on a fresh checkout: the first sets up, the others wait.
mkdir -p dist
exec 9>dist/.setup-lock
command -v flock >/dev/null && flock 9

# program:package; a program that is missing is named by its package
programs='crun:crun runc:runc conmon:conmon unshare:util-linux mmdebstrap:mmdebstrap busybox:busybox-static xz:xz-utils bzip2:bzip2'
[ "${1:-run}" = test ] && programs="$programs setfattr:attr setcap:libcap2-bin script:bsdutils git:git ssh-agent:openssh-client docker-registry:docker-registry skopeo:skopeo openssl:openssl htpasswd:apache2-utils curl:curl podman:podman buildah:buildah"

has() { PATH="$PATH:/usr/local/sbin:/usr/sbin:/sbin" command -v "$1" >/dev/null 2>&1; }
missing=
for pair in $programs; do has "${pair%%:*}" || missing="$missing ${pair##*:}"; done
if [ -n "$missing" ]; then
  if [ "$(id -u)" = 0 ] && has apt-get; then
    say "installing with apt-get:$missing"
    # a half-configured package of somebody else's must not stop us: what counts is whether the programs are there
    { apt-get update -qq && DEBIAN_FRONTEND=noninteractive apt-get install -y -qq --no-install-recommends $missing; } \
      </dev/null >dist/apt.log 2>&1 || { tail -n 5 dist/apt.log >&2; say "apt-get did not install all of:$missing"; }
  else
    say "not installed here:$missing. Running containers and RUN steps need them; install these packages as root, for instance: apt-get install$missing"
  fi
fi

# Docker is unpacked below dist/, not installed: its package would start a daemon for the whole machine. The libraries
# that it needs came with podman.
unpack_docker() {
  new=dist/docker.new
  rm -rf $new && mkdir -p $new/debs || return 1
  packages='docker.io containerd'
  # newer Debian has the client in a package of its own
  apt-cache show docker-cli >/dev/null 2>&1 && packages="$packages docker-cli"
  (cd $new/debs && apt-get download -qq $packages && for deb in *.deb; do dpkg -x "$deb" .. || exit 1; done) || return 1
  rm -rf $new/debs && mv $new dist/docker
}
if [ "${1:-run}" = test ] && [ "$(id -u)" = 0 ] && has apt-get && ! [ -x /usr/sbin/dockerd ] && ! [ -x /usr/bin/dockerd ] && ! [ -d dist/docker ]; then
  say 'unpacking Docker for the tests ...'
  unpack_docker </dev/null >dist/docker.log 2>&1 || say 'Docker cannot be had with apt-get: tests that need it are left out (see dist/docker.log)'
fi

if [ ! -f dist/npm-ready ] || [ package-lock.json -nt dist/npm-ready ]; then
  command -v npm >/dev/null || die 'npm is needed (it comes with Node.js): install nodejs and npm, then try again'
  say 'fetching npm packages (once, about half a minute) ...'
  npm ci --ignore-scripts --no-audit --no-fund --loglevel=error </dev/null >dist/npm.log 2>&1 \
    || { tail -n 15 dist/npm.log >&2; die 'npm ci failed'; }
  touch dist/npm-ready
fi

case $(uname -m) in aarch64) arch=arm64 ;; *) arch=x64 ;; esac
node=node_modules/node-linux-$arch/bin/node
[ -x "$node" ] || node=node
"$node" -e 'process.exit(Number(process.versions.node.split(".")[0]) >= 24 ? 0 : 1)' || die 'Node.js 24 is needed'
say 'building ...'
"$node" scripts/build.ts || die 'the build failed'
