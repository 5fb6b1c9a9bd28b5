#!/usr/bin/env bash
# What the npm scripts run: `bash tools/run.sh VERB [argument...]`. Sets up first, so that every script works on a fresh
# clone with nothing but an older Node and npm.
set -uo pipefail
verb=${1:?verb}
shift
. "$(dirname "${BASH_SOURCE[0]}")/setup.sh" || exit 1
cd "$skep_root" || exit 1
bin=$skep_root/node_modules/.bin

failed_checks=0

# check NAME COMMAND...: runs one check quietly; shows what it said, and counts it, when it fails.
check() {
  local name=$1 said
  shift
  if said=$("$@" 2>&1); then
    printf 'check %-16s ok\n' "$name"
  else
    printf 'check %-16s FAILED: %s\n%s\n' "$name" "${*/#"$skep_root/"/}" "$said"
    failed_checks=$((failed_checks + 1))
  fi
}

checks() {
  # What was found before is kept, and only what changed since is looked at: a second run takes a tenth of the first.
  local kept=$skep_root/node_modules/.cache
  check types "$bin/tsc" --noEmit -p . --incremental --tsBuildInfoFile "$kept/types.tsbuildinfo"
  check "core's wall" "$bin/tsc" --noEmit -p src/core --incremental --tsBuildInfoFile "$kept/core.tsbuildinfo"
  check "types of web" "$bin/tsc" --noEmit -p web --incremental --tsBuildInfoFile "$kept/web.tsbuildinfo"
  check lint "$bin/oxlint"
  check format "$bin/oxfmt" --check
  check "unused code" "$bin/knip" --no-progress
  # The aim of 250 lines is a nudge and never fails; `lint` fails at 300.
  "$bin/oxlint" -c tools/lint-aim.json --format=unix src web test 2>/dev/null | grep 'max-lines' | sed 's/^/aim: /'
  return 0
}

# One unsteady test must not hide what the others say; where more files fail than this, something is broken.
again_at_most=8

# vitest_once PROJECT TOTALS [argument...]: runs the vitest projects whose names begin so, sets passed, failed and skipped to its totals, and
# leaves the files that failed in TOTALS (test/totals-reporter.ts).
vitest_once() {
  local project=$1 totals=$2 code
  shift 2
  SKEP_TOTALS_FILE=$totals "$bin/vitest" run --project "$project*" "$@"
  code=$?
  passed=0 failed=0 skipped=0
  # Without totals nobody knows what passed: another reporter was asked for, or vitest itself fell.
  read -r passed failed skipped <"$totals" || passed=0 failed=1 skipped=0
  # Whatever vitest calls a failure is one here, also when no test bears its name.
  if [ "$code" -ne 0 ] && [ "$failed" -eq 0 ]; then failed=1; fi
}

# run_tests PROJECT [argument...]: runs a vitest project and sets passed, failed and skipped to its totals. With
# SKEP_TEST_AGAIN=1, files that failed run once more, anew and one after the other; what passes then is named `unsteady`.
run_tests() {
  local project=$1 totals first_passed first_failed first_skipped of_failed of_passed path paths=()
  totals=$(mktemp) || return 1
  vitest_once "$project" "$totals" "${@:2}"
  first_passed=$passed first_failed=$failed first_skipped=$skipped
  while read -r of_failed of_passed path; do
    paths+=("$path")
    first_failed=$((first_failed - of_failed)) first_passed=$((first_passed - of_passed))
  done < <(tail -n +2 "$totals")
  if [ "${SKEP_TEST_AGAIN:-}" = 1 ] && [ "${#paths[@]}" -gt 0 ] && [ "${#paths[@]}" -le "$again_at_most" ]; then
    printf '\nonce more, by itself: %s\n' "${paths[@]/#"$skep_root/"/}"
    vitest_once "$project" "$totals" --no-file-parallelism "${paths[@]/#"$skep_root/"/}"
    for path in "${paths[@]}"; do
      grep -q " $path\$" "$totals" || echo "unsteady, passed when it ran again: ${path/#"$skep_root/"/}"
    done
    passed=$((passed + first_passed)) failed=$((failed + first_failed)) skipped=$first_skipped
  fi
  rm -f "$totals"
}

# last_line: the one line that tools read; skipped ones are named only when there are some.
last_line() {
  echo "$passed passed, $failed failed$([ "$skipped" -gt 0 ] && echo ", $skipped skipped")"
  [ "$failed" -eq 0 ]
}

real_files() { find test -name '*.real.test.ts' 2>/dev/null | sort; }

# Each real test file says on its first line what it needs: `// Needs: chromium`.
tell_skipped() {
  local file
  echo
  echo "Not run here: what needs more than node and git. Run it with: npm run test:real"
  for file in $(real_files); do
    printf '  %s  %s\n' "$file" "$(sed -n '1s|^// *\([Nn]eeds:.*\)|(\1)|p' "$file")"
  done
  echo "Longer still: npm run sim, npm run soak, npm run mutants, npm run fuzz, npm run nemesis, npm run bench"
  if [ "$skipped" -gt 0 ]; then echo "Skipped in the quick set: $skipped (vitest names them above)"; fi
}

case $verb in
  start) exec node bin/skep.mjs start "$@" ;;
  sim) exec node src/sim/main.ts "$@" ;;
  soak) exec node src/sim/soak/soak-main.ts "$@" ;;
  mutants) exec node test/sim/mutants-main.ts "$@" ;;
  fuzz) exec node test/fuzz/fuzz-main.ts "$@" ;;
  nemesis) exec node test/nemesis/soak.ts "$@" ;;
  screenshots) exec node test/web/screenshots.ts "$@" ;;
  bench)
    if [ -f bench/package-lock.json ]; then skep_tree "$skep_root/bench" || exit 1; fi
    exec node bench/run.ts "$@"
    ;;
  lint) exec "$bin/oxlint" "$@" ;;
  format) exec "$bin/oxfmt" "$@" ;;
  check)
    checks
    [ "$failed_checks" -eq 0 ]
    ;;
  test)
    checks
    run_tests quick "$@"
    failed=$((failed + failed_checks))
    tell_skipped
    last_line
    ;;
  test:real)
    passed=0 failed=0 skipped=0
    if [ -n "$(real_files)" ]; then run_tests real "$@"; fi
    last_line
    ;;
  *)
    echo "tools/run.sh: no such verb: $verb" >&2
    exit 2
    ;;
esac
