#!/bin/sh
# The tests: everything is set up first, then formatting, types and all test files. As root nothing is left out; as an
# ordinary user the tests that need root are skipped and say so. Arguments go to vitest.
cd "$(dirname "$0")/.." || exit 1
scripts/setup.sh test || exit 1
case $(uname -m) in aarch64) arch=arm64 ;; *) arch=x64 ;; esac
PATH=$PWD/node_modules/node-linux-$arch/bin:$PWD/node_modules/.bin:$PATH
export PATH
if [ $# = 0 ]; then
  biome check --error-on-warnings && tsc --noEmit || exit 1
fi
exec node node_modules/vitest/vitest.mjs run --reporter=default --reporter=./test/summary.ts "$@"
